"""`myobridge-models evaluate`: closed-loop figures of a model file."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import JSON, PLAIN, write_json
from myobridge_models.commands.options import RECORDINGS, console_for


@click.command()
@click.argument("model_name", metavar="MODEL")
@RECORDINGS
@click.option(
    "--repetition", type=click.IntRange(min=0), help="Test on this repetition only.", show_default="all repetitions"
)
@PLAIN
@JSON
def evaluate(model_name: str, recordings: tuple[Path, ...], repetition: int | None, json_to: str | None) -> None:
    """Compute closed-loop figures of MODEL on RECORDINGS, in the daemon's pipeline."""
    from myobridge.model.shipped import find_model
    from myobridge_models.data.training_set import load_source
    from myobridge_models.evaluation.evaluate import evaluate as evaluate_model
    from myobridge_models.report.tables import print_rows

    path = find_model(model_name)
    sources = [load_source(source) for source in recordings]
    scores = [(source, evaluate_model(path, recording, source, repetition)) for source, recording in sources]
    rows = [{"recording": source.name, **score._asdict()} for source, score in scores]
    print_rows(f"{path.stem}, closed loop from rest", rows, console_for(json_to))
    mae_deg = sum(score.mae_deg for _, score in scores) / len(scores)
    write_json({"model": str(path), "repetition": repetition, "rows": rows, "mae_deg": mae_deg}, json_to)
