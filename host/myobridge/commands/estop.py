"""`myobridge estop`: stops the hand now, or as soon as its board is connected."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--port", required=True, help="Serial port of the hand, as given to the daemon.")
def estop(port: str) -> None:
    """Cut the hand's servo pulses until a person lifts the stop with `myobridge lift-estop`.

    The stop stays in force for this board when the cable is unplugged, and when the board or the daemon restarts.
    """
    from myobridge.daemon.permission.estop_command import stop

    ok, text = stop(port)
    click.echo(text)
    sys.exit(0 if ok else 1)
