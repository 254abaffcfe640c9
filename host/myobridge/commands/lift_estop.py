"""`myobridge lift-estop`: a person ends an emergency stop."""

from __future__ import annotations

import sys

import click


@click.command("lift-estop")
@click.option("--port", required=True, help="Serial port of the hand, as given to the daemon.")
def lift_estop(port: str) -> None:
    """Lift an emergency stop: this resets the board, which leaves the hand disarmed.

    Make sure first that nothing is caught in the hand, and that the person who stopped the hand agrees. Lifting the
    stop never arms the hand.
    """
    from myobridge.daemon.permission.estop_command import lift

    ok, text = lift(port)
    click.echo(text)
    sys.exit(0 if ok else 1)
