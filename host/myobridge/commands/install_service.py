"""`myobridge install-service`: the daemon as a service of the system."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from myobridge.commands.options import CONFIG, say
from myobridge.errors import UserError


@click.command("install-service")
@click.option("--port", help="The hand's port, to know this very board again; otherwise any Arduino Mega or Uno.")
@click.option("--model", "model_name", help="An .onnx file, or a shipped model: synth, biopatrec, population.")
@CONFIG
@click.option("--dry-run", is_flag=True, help="Only show what would be written and run.")
@click.option("--uninstall", is_flag=True, help="Stop the service and remove it.")
def install_service(
    port: str | None, model_name: str | None, config: Path | None, dry_run: bool, uninstall: bool
) -> None:
    """Run the daemon whenever the hand is plugged in, watched over by systemd. Call it with sudo.

    The hand's port is called /dev/myobridge from then on. The service never arms the hand: you do, in the view or
    with `systemctl kill -s SIGUSR1 myobridge`. What is installed and how to look at it: host/SERVICE.md.
    """
    from myobridge.service.board import LINK
    from myobridge.service.install import UNIT_PATH, Step, install_steps, need_root, uninstall_steps

    steps: list[Step]
    if uninstall:
        steps = uninstall_steps(installed=UNIT_PATH.exists())
    else:
        steps = install_steps(*_texts(port, model_name, config))
    if dry_run:
        for step in steps:
            click.echo(str(step))
        return
    need_root()
    for step in steps:
        step.take()
    if uninstall:
        say("The service is gone.")
    elif Path(LINK).exists():
        say("The service runs, disarmed; `systemctl status myobridge` shows it.")
    else:
        say("The service is installed; it starts when the hand is plugged in.")


def _texts(port: str | None, model_name: str | None, config: Path | None) -> tuple[str, str]:
    """The unit and the rule, once it is seen that a daemon could start so."""
    from myobridge.config import load_config
    from myobridge.configure import check_rate
    from myobridge.model import open_model
    from myobridge.service.board import LINK, any_arduino, board_on
    from myobridge.service.install import owner
    from myobridge.service.texts import rule_text, unit_text
    from myobridge.shipped import find_model

    if not model_name:
        raise UserError("--model says which model the service runs: your own .onnx file, or a shipped model.")
    model, settings = find_model(model_name).absolute(), load_config(config)
    check_rate(settings, open_model(model).spec)
    command = [sys.executable, "-m", "myobridge", "run", "--port", LINK, "--model", str(model)]
    if config:
        command += ["--config", str(config.absolute())]
    board = board_on(port) if port else any_arduino()
    return unit_text(owner(), command, board, settings.realtime.fifo_priority), rule_text(board)
