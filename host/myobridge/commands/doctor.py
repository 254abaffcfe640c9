"""`myobridge doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path
from typing import Final

import click

from myobridge.commands.options import CONFIG, JSON, say, write_json

ENDED_EARLY: Final = 128 + signal.SIGINT


@click.command()
@click.option("--port", required=True, help="Serial port of the hand; `myobridge devices` lists them.")
@click.option(
    "--model",
    "model_name",
    help="Check with the channels and the sampling rate of this model.",
    show_default="synth",
)
@click.option(
    "--channels",
    type=click.IntRange(1, 64),
    help="Check so many channels without a model, at [acquisition] fs_hz or as fast as the line carries them.",
)
@CONFIG
@click.option("--no-clench", is_flag=True, help="Do not ask the wearer to clench; only listen.")
@click.option(
    "--seconds", default=5.0, type=click.FloatRange(min=1), help="How long to listen to the resting arm, in seconds."
)
@JSON
def doctor(
    port: str,
    model_name: str | None,
    channels: int | None,
    config: Path | None,
    no_clench: bool,
    seconds: float,
    json_to: str | None,
) -> None:
    """Examine the port, the board, the line, the electrodes and this computer; say what is wrong and what to do.

    If a daemon runs on the port, doctor listens to that daemon; otherwise it opens the port itself. It never arms the
    hand. The exit code is 1 if something is bad, 0 if there are warnings at most, and 130 if Ctrl-C ended it early.
    """
    from myobridge.channels import channels_only
    from myobridge.doctor.checks import check_all
    from myobridge.doctor.examine import examine
    from myobridge.doctor.guide import Guide
    from myobridge.doctor.report import as_json, as_text
    from myobridge.errors import UserError
    from myobridge.model.load import open_model
    from myobridge.model.shipped import find_model
    from myobridge.settings import load_settings

    if channels is not None and model_name is not None:
        raise UserError("--channels and --model exclude each other; leave one of them out.")
    settings = load_settings(config)
    model = open_model(find_model(model_name or "synth")) if channels is None else None
    spec = channels_only(channels or 0, settings) if model is None else model.spec
    guide = None if no_clench else Guide(say, port)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Ctrl-C still stops the stream and closes the port
        facts = examine(port, spec, model, settings, seconds, guide, Path.cwd())
    except KeyboardInterrupt:
        say("The examination ended before it measured anything.")
        sys.exit(ENDED_EARLY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the rest is quick
    if channels is not None and facts.source == "daemon":
        say("A daemon holds the port, so these are the channels of its model; end the daemon to look at others.")
    findings = check_all(facts)
    report = as_json(facts, findings)
    if json_to != "-":
        for line in as_text(facts, findings, shutil.get_terminal_size((0, 0)).columns or None):
            click.echo(line)
    write_json(report, json_to)
    if facts.interrupted:
        say("The examination ended early; the report holds its findings so far.")
        sys.exit(ENDED_EARLY)
    sys.exit(0 if report["ok"] else 1)
