"""`python -m myobridge`."""

from myobridge.cli import main

main()
