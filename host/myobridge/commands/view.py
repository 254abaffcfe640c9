"""`myobridge view`: the live view in a browser."""

from __future__ import annotations

import sys
from contextlib import closing

import click

from myobridge.commands.options import BIND, CONTROL, VIEW_PORT


@click.command()
@click.option("--port", required=True, help="Serial port of the hand that the daemon drives, as given to it.")
@VIEW_PORT
@BIND
@CONTROL
def view(port: str, view_port: int, bind: str, control: bool) -> None:
    """Serve a page that shows what the daemon on a port sees and does; open the address that is printed.

    It may start before the daemon, outlives it, and comes back to it by itself. Ctrl-C ends it.
    """
    from myobridge.printer import Printer
    from myobridge.view.server import serve_view

    with closing(Printer(sys.stdout.fileno())) as printer:
        serve_view(port, bind, view_port, control=control, say=printer.say)
