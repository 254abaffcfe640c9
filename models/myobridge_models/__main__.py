"""Runs `python -m myobridge_models`."""

from myobridge_models.cli import main

main()
