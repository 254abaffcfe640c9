"""`myobridge run`: the daemon."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Final

import click

from myobridge.commands.options import BIND, CONFIG, CONTROL, JSON, MODEL, SECONDS, VIEW_PORT, save_json
from myobridge.errors import UserError

SUMMARY_S: Final = 5.0


@click.command()
@click.option("--port", required=True, help="Serial port of the hand; `myobridge devices` lists them.")
@MODEL
@CONFIG
@click.option(
    "--arm", is_flag=True, help="Arm the hand, so that it moves. Without --arm the daemon only streams and predicts."
)
@click.option("--view", is_flag=True, help="Serve the live view; see --view-port, --bind and --control.")
@VIEW_PORT
@BIND
@CONTROL
@SECONDS
@JSON
def run(
    port: str,
    model_name: str,
    config: Path | None,
    arm: bool,
    view: bool,
    view_port: int,
    bind: str,
    control: bool,
    seconds: float | None,
    json_to: str | None,
) -> None:
    """Run the daemon: it reads EMG from the port, and writes the model's angles back as setpoints.

    SIGUSR1 arms the hand, SIGUSR2 disarms it, and Ctrl-C disarms it and ends the daemon. Views and recorders read the
    daemon's feed, a socket that only you can open.
    """
    from myobridge.calibration.morning.morning import Morning
    from myobridge.calibration.morning.own_model import newest_model
    from myobridge.daemon.printer import Printer
    from myobridge.daemon.realtime import stop_collecting
    from myobridge.daemon.run import Daemon
    from myobridge.metrics import process_start_s
    from myobridge.model.shipped import find_model
    from myobridge.settings import load_settings

    settings = load_settings(config)
    printer = Printer(2)
    with ExitStack() as stack:
        stack.callback(printer.close)
        daemon = Daemon(port, newest_model(find_model(model_name)), settings, arm=arm, started_s=process_start_s())
        stack.enter_context(closing(daemon))

        def tell(text: str) -> None:
            printer.say(f"myobridge: {text}")
            daemon.notify.status(text)

        def give_up(why: str) -> None:
            tell(why)
            with suppress(Exception):  # this process must end in any case
                daemon.close()
                _deliver({**daemon.stats.summary(), "notices_dropped": printer.dropped}, json_to)
            printer.close()
            os._exit(1)

        daemon.notices.say, daemon.give_up = tell, give_up
        daemon.open_desk(Morning)
        daemon.install_signals()
        if view:
            from myobridge.view.beside import view_beside

            stack.enter_context(view_beside(port, view_port, bind, control=control, config=config))
        stop_collecting()
        try:
            summary = daemon.run(seconds)
            daemon.close()
            _deliver({**summary, "notices_dropped": printer.dropped}, json_to)
        except UserError as error:
            tell(str(error))
            stack.close()
            sys.exit(1)


def _deliver(summary: dict[str, Any], json_to: str | None) -> None:
    """Writes the summary; waits only a moment for a standard output that nobody reads.

    Raises:
        UserError: the summary could not be written.
    """
    from myobridge.daemon.printer import Printer

    if json_to != "-":
        save_json(summary, json_to)
        return
    output = Printer(1)
    output.say(json.dumps(summary, indent=2))
    if not output.close(SUMMARY_S):
        raise UserError("Nobody reads standard output, so the summary is not printed; read it, or give --json a file.")
