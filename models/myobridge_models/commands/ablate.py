"""`myobridge-models ablate`: the worth of each choice of network and training."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import JSON, PLAIN, interruptible, save_json, write_json
from myobridge_models.commands.options import (
    POSES,
    RECORDINGS,
    SEED,
    STEPS,
    THREADS,
    console_for,
    spreads,
    training_set,
)


@click.command()
@RECORDINGS
@click.option("--hold-out", type=click.IntRange(min=0), required=True, help="Repetition to test on, not to train on.")
@POSES
@spreads
@SEED
@STEPS
@THREADS
@PLAIN
@JSON
def ablate(
    recordings: tuple[Path, ...],
    hold_out: int,
    poses: str | None,
    jobs: int | None,
    dask: str | None,
    seed: int,
    steps: int | None,
    json_to: str | None,
) -> None:
    """Train the default network with one choice changed at a time.

    Each of RECORDINGS is trained on by itself; the figures are means over the recordings.
    """
    from myobridge_models.experiments.ablation import VARIANTS, ablated
    from myobridge_models.experiments.parallel import Workers
    from myobridge_models.report.progress import spread_progress
    from myobridge_models.report.tables import print_rows
    from myobridge_models.training.recipe import recipe

    plan = recipe(seed, steps)
    rows: list[dict[str, object]] = []
    alone = [training_set([path], poses) for path in recordings]

    def report() -> dict[str, object]:
        return {"rows": rows, "held_out": hold_out, "steps": plan.steps, "seed": seed}

    tried = "The ablation was interrupted; {} of {} choices were tried."
    with interruptible(lambda: tried.format(len(rows), len(VARIANTS))):
        try:
            with spread_progress("ablation", len(VARIANTS), "choices", plan.steps) as (training, done):
                for row in ablated(alone, hold_out, plan, Workers(jobs, dask), training):
                    rows.append(row)
                    done(f"{row['variant']}: {row['mae_deg']:.1f}°")
                    save_json(report(), json_to)
        finally:
            if rows:
                print_rows(f"Repetition {hold_out}, means of {len(alone)} recording(s)", rows, console_for(json_to))
                write_json(report(), json_to)
