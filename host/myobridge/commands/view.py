"""`myobridge view`: the live view in a browser."""

from __future__ import annotations

import os
import sys
from contextlib import closing, suppress

import click

from myobridge.commands.options import BIND, CONTROL, VIEW_PORT

STDOUT = 1
NICE = -5
"""Priority of the view, where the system permits it, because ESTOP passes through the view; a real-time daemon still
comes first."""
SWITCH_S = 0.001
"""The longest time for which the thread that computes spectra delays a viewer's request."""


@click.command()
@click.option("--port", required=True, help="Serial port of the hand, as given to the daemon.")
@VIEW_PORT
@BIND
@CONTROL
def view(port: str, view_port: int, bind: str, control: bool) -> None:
    """Serve a page that shows what the daemon on a port sees and does. Open the printed address in a browser.

    The view may start before the daemon, keeps running when the daemon ends, and finds the next daemon by itself.
    Ctrl-C ends the view.
    """
    from myobridge.daemon.printer import Printer
    from myobridge.view.server import serve_view

    with suppress(OSError):
        os.nice(NICE)
    sys.setswitchinterval(SWITCH_S)
    with closing(Printer(STDOUT)) as printer:
        serve_view(port, bind, view_port, control=control, say=printer.say)
