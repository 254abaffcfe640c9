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
@click.option("--port", help="Serial port of the hand, as given to the daemon.")
@click.option(
    "--channels",
    type=click.IntRange(1, 64),
    help="Show so many channels of the board itself, without a daemon and without a model; nothing moves.",
)
@CONFIG
@VIEW_PORT
@BIND
@CONTROL
@click.option("--phones", is_flag=True, help="Let paired phones in; without one, serve this computer only.")
@click.option("--pair", is_flag=True, help="Pair a phone: show a QR code for its camera, and end.")
@click.option("--name", default="", help="Name of the phone that --pair adds.", show_default="phone 1, phone 2 …")
@click.option("--paired", is_flag=True, help="List the paired phones, and end.")
@click.option("--revoke", metavar="NAME", help="Shut a phone out that was paired, and end.")
def view(
    port: str | None,
    channels: int | None,
    config: Path | None,
    view_port: int,
    bind: str,
    control: bool,
    phones: bool,
    pair: bool,
    name: str,
    paired: bool,
    revoke: str | None,
) -> None:
    """Serve a page that shows what the daemon on a port sees and does. Open the printed address in a browser.

    With --channels, the view talks to the board itself, at [acquisition] fs_hz or as fast as the line carries the
    channels. The settings' [amplifier] gain turns counts into microvolts.

    The view may start before the daemon, keeps running when the daemon ends, and finds the next daemon by itself.
    Ctrl-C ends the view.

    With --phones, a phone is the remote of the hand: `myobridge view --pair` shows a QR code, the phone's camera opens
    the page, and the phone stays paired until --revoke. The service serves such a view after `install-service --view`.
    """
    if pair or paired or revoke is not None:
        from myobridge.commands.pairing import change_phones

        change_phones(port, view_port, name if pair else None, revoke, listed=paired)
        return
    from myobridge.channels import channels_only
    from myobridge.daemon.printer import Printer
    from myobridge.errors import UserError
    from myobridge.settings import load_settings
    from myobridge.view.access import is_loopback
    from myobridge.view.phones import Phones
    from myobridge.view.server import serve_view

    if port is None:
        raise UserError("The port of the hand is missing; give it with --port (`myobridge devices` lists the ports).")
    if phones and (channels is not None or not is_loopback(bind)):
        raise UserError("--phones needs a daemon and finds the address itself; leave --channels and --bind out.")
    if channels is not None and control:
        raise UserError("--control needs a daemon, and --channels works without one; leave one of them out.")
    settings = load_settings(config)
    spec = None if channels is None else channels_only(channels, settings)
    with suppress(OSError):
        os.nice(NICE)
    sys.setswitchinterval(SWITCH_S)
    with closing(Printer(STDOUT)) as printer:
        serve_view(
            port,
            bind,
            view_port,
            control=control,
            say=printer.say,
            settings=settings,
            channels=spec,
            phones=Phones() if phones else None,
        )
