"""`myobridge lift-estop`: a person ends an emergency stop."""

from __future__ import annotations

import sys

import click


@click.command("lift-estop")
@click.option("--port", required=True, help="Serial port of the hand, as the daemon has it.")
def lift_estop(port: str) -> None:
    """Lift an emergency stop: the board is reset, and the hand is disarmed. This never arms the hand.

    Make sure first that nothing is caught in the hand, and that whoever stopped it agrees.
    """
    from myobridge.daemon.permission.estop_command import lift

    ok, text = lift(port)
    click.echo(text)
    sys.exit(0 if ok else 1)
