"""`myobridge install-service`: the daemon as a systemd service."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import CONFIG, MODEL_HELP, say
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge.daemon.service.board import Board
    from myobridge.daemon.service.hand import Hand
    from myobridge.daemon.service.install import Step


@click.command("install-service")
@click.option(
    "--port",
    help="Port of the hand. The service then runs for this board only.",
    show_default="any Arduino Mega or Uno",
)
@click.option(
    "--name", default="", help="Name of the hand, left or right, if there are two; needs --port.", show_default=False
)
@click.option("--model", "model_name", help=MODEL_HELP)
@CONFIG
@click.option(
    "--view", is_flag=True, help="Serve the page of the hand, too: to this computer, and to phones once one is paired."
)
@click.option("--dry-run", is_flag=True, help="Show what the command would write and run, and change nothing.")
@click.option("--uninstall", is_flag=True, help="Stop the service and remove it.")
def install_service(
    port: str | None,
    name: str,
    model_name: str | None,
    config: Path | None,
    view: bool,
    dry_run: bool,
    uninstall: bool,
) -> None:
    """Install a systemd service that runs the daemon whenever the hand is plugged in. Run this command with sudo.

    The hand's port gets the name /dev/myobridge. You arm the hand in the view, with the button or with
    `systemctl kill -s SIGUSR1 myobridge`; the service never arms it without an order.
    host/SERVICE.md says what is installed and how to look at it.

    For two hands, run this command once for each hand, with its --port and its --name: `--name left` makes
    /dev/myobridge-left and the service myobridge@left.

    With --view, a phone is the remote of the hand: pair it with `myobridge view --pair`.
    """
    from myobridge.daemon.service.hand import Hand
    from myobridge.daemon.service.install import install_steps, need_root, no_view_steps, uninstall_steps

    hand = Hand(name)
    if uninstall:
        steps = uninstall_steps(installed=hand.unit_path.exists(), hand=hand, view=hand.view_unit_path.exists())
    else:
        unit, rule, models = _texts(hand, port, model_name, config)
        steps = install_steps(unit, rule, hand, models)
        steps += _page(hand, config) if view else no_view_steps(installed=hand.view_unit_path.exists(), hand=hand)
    if dry_run:
        for step in steps:
            click.echo(str(step))
        return
    need_root()
    for step in steps:
        step.take()
    if uninstall:
        say("The service is removed.")
    elif Path(hand.link).exists():
        say(f"The service runs, disarmed; `systemctl status {hand.unit.removesuffix('.service')}` shows it.")
    else:
        say("The service is installed; it starts when the hand is plugged in.")
    if view and not uninstall:
        say(f"The page is on http://localhost:{hand.view_port}/wear; `myobridge view --pair` pairs a phone.")


def _page(hand: Hand, config: Path | None) -> list[Step]:
    """The steps that serve the hand's page."""
    from myobridge.daemon.service.install import owner, view_steps
    from myobridge.daemon.service.texts import view_unit_text

    command = [sys.executable, "-m", "myobridge", "view", "--port", hand.link, "--view-port", str(hand.view_port)]
    command += ["--phones", "--control", *(["--config", str(config.absolute())] if config else [])]
    return view_steps(view_unit_text(owner(), command, hand), hand)


def _texts(hand: Hand, port: str | None, model_name: str | None, config: Path | None) -> tuple[str, str, list[Step]]:
    """The text of the systemd unit and of the udev rule, and the steps that put the model into the hand's folder.

    A daemon could start with them.
    """
    from myobridge.board import check_rate
    from myobridge.daemon.service.install import check_beside_others, model_steps, owner
    from myobridge.daemon.service.texts import rule_text, unit_text
    from myobridge.model.load import open_model
    from myobridge.model.shipped import find_model
    from myobridge.settings import load_settings

    if not model_name:
        raise UserError(
            "The model that the service runs is missing; name your own .onnx file or a shipped model with --model."
        )
    model, settings = find_model(model_name).absolute(), load_settings(config)
    check_rate(settings, open_model(model).spec)
    command = [sys.executable, "-m", "myobridge", "run", "--port", hand.link, "--model", str(hand.model)]
    if config:
        command += ["--config", str(config.absolute())]
    board, user = _board(hand, port), owner()
    check_beside_others(hand, board, user)
    unit = unit_text(user, command, board, settings.realtime.fifo_priority, hand)
    return unit, rule_text(board, hand), model_steps(user, model, hand)


def _board(hand: Hand, port: str | None) -> Board:
    from myobridge.daemon.service.board import any_arduino, board_on, one_board_on

    if not hand.name:
        return board_on(port) if port else any_arduino()
    if not port:
        raise UserError(
            f"The port of the {hand.name} hand is missing; give it with --port (`myobridge devices` lists the ports)."
        )
    board = one_board_on(port)
    if board.socket:
        say(
            "This board does not have a serial number of its own, so the service knows it by its USB socket "
            f"({board.socket}): always plug the board into this socket."
        )
    return board
