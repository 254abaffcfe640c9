"""`myobridge-models calibrate`: a model for one person on one day."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import JSON, PLAIN, interruptible, write_json, written
from myobridge_models.commands.options import POSES, THREADS, check_output, console_for, training_set

if TYPE_CHECKING:
    from myobridge.calibration.calibrate import Scores
    from myobridge_models.training.calibrate import Calibration


@click.command()
@click.option("--model", "model_name", required=True, help="Base model: an .onnx file, or a shipped model.")
@click.option(
    "--recording",
    type=click.Path(path_type=Path),
    required=True,
    help="With cues and two repetitions or more.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx file to write.")
@POSES
@THREADS
@PLAIN
@JSON
def calibrate(model_name: str, recording: Path, out: Path, poses: str | None, json_to: str | None) -> None:
    """Train a model further on a minute of one person's EMG, and report the gain.

    The figures before and after are of models that have not seen the recording's last repetition, and are computed on
    that repetition. The written model is then trained on that repetition too.
    """
    from myobridge.calibration.calibrate import verdict
    from myobridge.model.shipped import find_model
    from myobridge_models.report.progress import training_progress
    from myobridge_models.report.tables import print_rows
    from myobridge_models.training.calibrate import calibrate as calibrate_model

    check_output(out)
    began_s = time.perf_counter()
    sources, named = training_set([recording], poses)
    with interruptible(lambda: "The calibration was interrupted, and no model was written."):
        found = calibrate_model(find_model(model_name), sources[0], named, out, training_progress)
    rows = [
        {"model": name, **figures._asdict()}
        for name, figures in (("before", found.before), ("after", found.after))
        if figures is not None
    ]
    console = console_for(json_to)
    print_rows(f"{out.stem}: repetition {found.repetition}, closed loop from rest", rows, console)
    for sentence in verdict(_scores(found), model_name):
        console.print(sentence, soft_wrap=True)
    console.print(written(out, "model"), soft_wrap=True)
    figures_of = {row.pop("model"): row for row in rows}
    write_json(
        {
            "model": str(out),
            "from_base": found.from_base,
            "repetition": found.repetition,
            "before": figures_of.get("before"),
            "after": figures_of["after"],
            "seconds": round(time.perf_counter() - began_s, 1),
        },
        json_to,
    )


def _scores(found: Calibration) -> Scores:
    """Returns the figures that a verdict needs."""
    from myobridge.calibration.calibrate import Score, Scores

    before, after = (f and Score(f.mae_deg, f.balanced_accuracy) for f in (found.before, found.after))
    assert after is not None
    return Scores(before, after, found.from_base)
