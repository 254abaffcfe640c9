"""`myobridge run`: the daemon."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import CONFIG, JSON, MODEL, SECONDS, TAP, say, write_json


@click.command()
@click.option("--port", required=True, help="Serial port of the hand; `myobridge devices` lists them.")
@MODEL
@CONFIG
@click.option("--arm", is_flag=True, help="Let the hand move. Without it the daemon streams and predicts only.")
@SECONDS
@JSON
@TAP
def run(
    port: str,
    model_name: str,
    config: Path | None,
    arm: bool,
    seconds: float | None,
    json_to: str | None,
    tap: Path | None,
) -> None:
    """Run the daemon: EMG from the port, through the model, back as setpoints.

    SIGUSR1 asks the hand to arm (again), SIGUSR2 disarms it; Ctrl-C disarms it and ends.
    """
    from myobridge.config import load_config
    from myobridge.decode import open_model
    from myobridge.loop import Daemon
    from myobridge.metrics import process_start_s
    from myobridge.realtime import enter_realtime, stop_collecting
    from myobridge.shipped import find_model
    from myobridge.tap import Tap

    settings = load_config(config)
    model = open_model(find_model(model_name))
    daemon = Daemon(port, model, settings, arm=arm, started_s=process_start_s())
    daemon.say = say
    daemon.install_signals()
    if tap is not None:
        daemon.tap = Tap(tap)
    for refused in enter_realtime(settings.realtime.fifo_priority):
        say(refused)
    stop_collecting()
    write_json(daemon.run(seconds), json_to)
