"""`myobridge view`: the live view in a browser."""

from __future__ import annotations

import os
import sys
from contextlib import closing, suppress
from pathlib import Path

import click

from myobridge.commands.options import BIND, CONFIG, CONTROL, VIEW_PORT

STDOUT = 1
NICE = -5
"""Priority of the view, where the system permits it, because ESTOP passes through the view; a real-time daemon still
comes first."""
SWITCH_S = 0.001
"""The longest time for which the thread that computes spectra delays a viewer's request."""


@click.command()
@click.option("--port", required=True, help="Serial port of the hand, as given to the daemon.")
@click.option(
    "--channels",
    type=click.IntRange(1, 64),
    help="Show so many channels of the board itself, without a daemon and without a model; nothing moves.",
)
@CONFIG
@VIEW_PORT
@BIND
@CONTROL
def view(port: str, channels: int | None, config: Path | None, view_port: int, bind: str, control: bool) -> None:
    """Serve a page that shows what the daemon on a port sees and does. Open the printed address in a browser.

    With --channels, the view talks to the board itself, at [acquisition] fs_hz or as fast as the line carries the
    channels. The settings' [amplifier] gain turns counts into microvolts.

    The view may start before the daemon, keeps running when the daemon ends, and finds the next daemon by itself.
    Ctrl-C ends the view.
    """
    from myobridge.channels import channels_only
    from myobridge.daemon.printer import Printer
    from myobridge.errors import UserError
    from myobridge.settings import load_settings
    from myobridge.view.server import serve_view

    if channels is not None and control:
        raise UserError("--control needs a daemon, and --channels works without one; leave one of them out.")
    settings = load_settings(config)
    spec = None if channels is None else channels_only(channels, settings)
    with suppress(OSError):
        os.nice(NICE)
    sys.setswitchinterval(SWITCH_S)
    with closing(Printer(STDOUT)) as printer:
        serve_view(port, bind, view_port, control=control, say=printer.say, settings=settings, channels=spec)
