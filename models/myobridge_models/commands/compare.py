"""`myobridge-models compare`: the families beside the notes' network."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from myobridge.commands.options import JSON, PLAIN, interruptible, write_json
from myobridge_models.commands.options import (
    POSES,
    RECORDINGS,
    SEED,
    STEPS,
    THREADS,
    console_for,
    names,
    spreads,
    training_set,
)


@click.command()
@RECORDINGS
@click.option("--hold-out", type=click.IntRange(min=0), required=True, help="Repetition to test on, not to train on.")
@click.option("--families", help="Families to compare, like cnn_mlp,gru.", show_default="all")
@POSES
@spreads
@SEED
@STEPS
@THREADS
@PLAIN
@JSON
def compare(
    recordings: tuple[Path, ...],
    hold_out: int,
    families: str | None,
    poses: str | None,
    jobs: int | None,
    dask: str | None,
    seed: int,
    steps: int | None,
    json_to: str | None,
) -> None:
    """Train each family on RECORDINGS of one board, and rank them by accuracy, with their costs.

    Accuracy is measured in the daemon's pipeline. After an interruption, the families trained so far are shown and
    written.
    """
    from functools import partial

    from myobridge_models.experiments.compare import ranking, train_family
    from myobridge_models.experiments.parallel import Workers
    from myobridge_models.network.families.registry import FAMILIES, checked_family
    from myobridge_models.report.progress import spread_progress
    from myobridge_models.report.tables import print_rows
    from myobridge_models.training.recipe import recipe

    asked = FAMILIES if families is None else [checked_family(name) for name in names(families)]
    chosen = list(dict.fromkeys(asked))
    plan, console, workers = recipe(seed, steps), console_for(json_to), Workers(jobs, dask)
    sources, named = training_set(recordings, poses)
    trained = []
    with interruptible(lambda: "The comparison was interrupted; the families that were trained before are above."):
        try:
            with spread_progress("comparison", len(chosen), "families", plan.steps) as (training, done):
                progress = training if workers.alone(len(chosen)) else None
                work = partial(
                    train_family, sources=sources, poses=named, held_out=hold_out, recipe=plan, progress=progress
                )
                for one in workers.spread(work, chosen):
                    trained.append(one)
                    done(f"{one.family}: {one.figures.mae_deg:.1f}°")
        finally:
            if trained:
                accuracy, cost = ranking(trained)
                print_rows(f"Repetition {hold_out}, closed loop, all windows", accuracy, console)
                shown = [{k: v for k, v in row.items() if k not in ("window_ms", "streaming_p99_ms")} for row in cost]
                print_rows("Cost of a decision, one thread", shown, console)  # the JSON has all columns
                rows = [one | other for one, other in zip(accuracy, cost, strict=True)]
                write_json({"rows": rows, "held_out": hold_out, **asdict(plan)}, json_to)
