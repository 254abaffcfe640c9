"""`myobridge view`: the live view in a browser."""

from __future__ import annotations

import os
import sys
from contextlib import closing, suppress

import click

from myobridge.commands.options import BIND, CONTROL, VIEW_PORT

STDOUT = 1
NICE = -5
"""Where it is permitted: ESTOP passes through the view. A daemon in real time comes first all the same."""
SWITCH_S = 0.001
"""The thread that draws up spectra keeps an order waiting no longer than this."""


@click.command()
@click.option("--port", required=True, help="Serial port of the hand that the daemon drives, as given to it.")
@VIEW_PORT
@BIND
@CONTROL
def view(port: str, view_port: int, bind: str, control: bool) -> None:
    """Serve a page that shows what the daemon on a port sees and does; open the address that is printed.

    It may start before the daemon, outlives it, and comes back to it by itself. Ctrl-C ends it.
    """
    from myobridge.daemon.printer import Printer
    from myobridge.view.server import serve_view

    with suppress(OSError):
        os.nice(NICE)
    sys.setswitchinterval(SWITCH_S)
    with closing(Printer(STDOUT)) as printer:
        serve_view(port, bind, view_port, control=control, say=printer.say)
