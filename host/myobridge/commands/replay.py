"""`myobridge replay`: a recording through the daemon's pipeline."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import CONFIG, JSON, MODEL, write_json


@click.command()
@click.argument("recording", type=click.Path(path_type=Path))
@MODEL
@CONFIG
@JSON
@click.option("--out", type=click.Path(path_type=Path), help="Write every decision to this .npz.")
def replay(recording: Path, model_name: str, config: Path | None, json_to: str | None, out: Path | None) -> None:
    """Run a recording through the daemon's own pipeline, as fast as it goes."""
    from myobridge.config import load_config
    from myobridge.model import open_model
    from myobridge.recording import Recording
    from myobridge.replay import replay_summary
    from myobridge.shipped import find_model

    summary, decisions = replay_summary(
        Recording.load(recording), open_model(find_model(model_name)), load_config(config), recording
    )
    if out is not None:
        decisions.save(out)
    if json_to is None:
        json_to = "-"
    write_json(summary, json_to)
