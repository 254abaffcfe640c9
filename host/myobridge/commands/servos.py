"""`myobridge servos`: finds the ends of each servo with a builder, and stores them in the board."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from myobridge.commands.options import BIND, CONFIG, PLAIN, VIEW_PORT, say
from myobridge.errors import UserError


@click.command()
@click.option("--port", required=True, help="Serial port of the hand. No daemon may run there.")
@click.option("--show", is_flag=True, help="Print the servo limits that the board holds, and move nothing.")
@click.option("--view", "in_browser", is_flag=True, help="Serve a page with the keys, for a browser.")
@VIEW_PORT
@BIND
@PLAIN
@CONFIG
def servos(port: str, show: bool, in_browser: bool, view_port: int, bind: str, config: Path | None) -> None:
    """Find the open and the closed end of each servo, and store them in the board.

    The servo moves only while a key is held, slowly. Space is the emergency stop; Ctrl-C, a closed terminal and a
    closed page disarm the hand. Take the tendons off first, and keep clear when arming.
    """
    from myobridge.calibration.servos.board import Board
    from myobridge.calibration.servos.look import settings_lines, shown
    from myobridge.calibration.servos.run import Ended, Walk, Wishes
    from myobridge.calibration.servos.screen import open_keys, open_screen
    from myobridge.settings import load_settings

    settings = load_settings(config)
    keys = None if show else open_keys()
    if keys is None and not show and not in_browser:
        raise UserError("The keys of `myobridge servos` need a terminal; run it in one, or add --view for a browser.")
    board = Board(port, settings)
    if show:
        board.close()
        for line in shown(board.held, port):
            click.echo(line)
        return
    inputs: list[Wishes] = [keys] if keys else []
    screens = [open_screen(keys=keys is not None)]
    if in_browser:
        from myobridge.calibration.servos.page import PageKeys

        page = PageKeys(bind, view_port, say)
        inputs.append(page)
        screens.append(page)
    before, number = board.held, 0
    try:
        Walk(board, inputs, screens).run()
    except Ended as ended:
        number = ended.number
        say("The walk ended and the pulses are off.")
    if board.held != before:
        say("The servo limits are stored. Put this into your config.toml, which can only narrow them:")
        for line in settings_lines(board.held):
            click.echo(line)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number if number else 0)
