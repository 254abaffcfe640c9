"""`myobridge install-service`: the daemon as a service of the system."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import CONFIG, say
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge.daemon.service.board import Board
    from myobridge.daemon.service.hand import Hand


@click.command("install-service")
@click.option("--port", help="The hand's port, to know this very board again; otherwise any Arduino Mega or Uno.")
@click.option("--name", default="", help="Which hand, where there are two: left, right. Needs --port.")
@click.option("--model", "model_name", help="An .onnx file, or a shipped model: synth, biopatrec, population.")
@CONFIG
@click.option("--dry-run", is_flag=True, help="Only show what would be written and run.")
@click.option("--uninstall", is_flag=True, help="Stop the service and remove it.")
def install_service(
    port: str | None, name: str, model_name: str | None, config: Path | None, dry_run: bool, uninstall: bool
) -> None:
    """Run the daemon whenever the hand is plugged in, watched over by systemd. Call it with sudo.

    The hand's port is called /dev/myobridge from then on. The service never arms the hand: you do, in the view or
    with `systemctl kill -s SIGUSR1 myobridge`. What is installed and how to look at it: host/SERVICE.md.

    For two hands, call it once for each, with its --port and its --name: `--name left` makes /dev/myobridge-left and
    the service myobridge@left.
    """
    from myobridge.daemon.service.hand import Hand
    from myobridge.daemon.service.install import Step, install_steps, need_root, uninstall_steps

    hand, steps = Hand(name), list[Step]()
    if uninstall:
        steps = uninstall_steps(installed=hand.unit_path.exists(), hand=hand)
    else:
        steps = install_steps(*_texts(hand, port, model_name, config), hand)
    if dry_run:
        for step in steps:
            click.echo(str(step))
        return
    need_root()
    for step in steps:
        step.take()
    if uninstall:
        say("The service is gone.")
    elif Path(hand.link).exists():
        say(f"The service runs, disarmed; `systemctl status {hand.unit.removesuffix('.service')}` shows it.")
    else:
        say("The service is installed; it starts when the hand is plugged in.")


def _texts(hand: Hand, port: str | None, model_name: str | None, config: Path | None) -> tuple[str, str]:
    """The unit and the rule, once it is seen that a daemon could start so."""
    from myobridge.board import check_rate
    from myobridge.daemon.service.install import check_beside_others, owner
    from myobridge.daemon.service.texts import rule_text, unit_text
    from myobridge.model.load import open_model
    from myobridge.model.shipped import find_model
    from myobridge.settings import load_settings

    if not model_name:
        raise UserError("--model says which model the service runs: your own .onnx file, or a shipped model.")
    model, settings = find_model(model_name).absolute(), load_settings(config)
    check_rate(settings, open_model(model).spec)
    command = [sys.executable, "-m", "myobridge", "run", "--port", hand.link, "--model", str(model)]
    if config:
        command += ["--config", str(config.absolute())]
    board, user = _board(hand, port), owner()
    check_beside_others(hand, board, user)
    return unit_text(user, command, board, settings.realtime.fifo_priority, hand), rule_text(board, hand)


def _board(hand: Hand, port: str | None) -> Board:
    from myobridge.daemon.service.board import any_arduino, board_on, one_board_on

    if not hand.name:
        return board_on(port) if port else any_arduino()
    if not port:
        raise UserError(f"--port says which board is the {hand.name} hand; `myobridge devices` lists the ports.")
    board = one_board_on(port)
    if board.socket:
        say(
            "This board has no serial number of its own, so it is known by the USB socket that it is plugged into "
            f"({board.socket}): leave it there."
        )
    return board
