"""`myobridge replay`: a recording through the daemon's pipeline."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import CONFIG, JSON, MODEL, write_json, wrote


@click.command()
@click.argument("recording", type=click.Path(path_type=Path))
@MODEL
@CONFIG
@JSON
@click.option("--out", type=click.Path(path_type=Path), help="Write every decision to this file (.npz).")
def replay(recording: Path, model_name: str, config: Path | None, json_to: str | None, out: Path | None) -> None:
    """Run a recording through the daemon's own pipeline, as fast as possible, and sum up the setpoints."""
    from myobridge.model.load import open_model
    from myobridge.model.shipped import find_model
    from myobridge.recording import Recording
    from myobridge.recording.replay import as_text, replay_summary
    from myobridge.settings import load_settings

    summary, decisions = replay_summary(
        Recording.load(recording), open_model(find_model(model_name)), load_settings(config), recording
    )
    if out is not None:
        wrote(decisions.save(out), f"{len(decisions.sample)} decisions")
    if json_to != "-":
        for line in as_text(summary):
            click.echo(line)
    write_json(summary, json_to)
