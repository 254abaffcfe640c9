"""`myobridge-models ablate`: the worth of each choice of network and training."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import JSON, PLAIN, interruptible, write_json
from myobridge_models.commands.options import POSES, RECORDINGS, SEED, STEPS, THREADS, console_for, training_set


@click.command()
@RECORDINGS
@click.option("--hold-out", type=click.IntRange(min=0), required=True, help="Repetition to test on, not to train on.")
@POSES
@SEED
@STEPS
@THREADS
@PLAIN
@JSON
def ablate(
    recordings: tuple[Path, ...],
    hold_out: int,
    poses: str | None,
    seed: int,
    steps: int | None,
    json_to: str | None,
) -> None:
    """Train the default network with one choice changed at a time.

    Each of RECORDINGS is trained on by itself; the figures are means over the recordings.
    """
    from tempfile import TemporaryDirectory

    from myobridge_models.experiments.ablation import VARIANTS
    from myobridge_models.experiments.compare import mean_figures, train_family
    from myobridge_models.report.progress import training_progress
    from myobridge_models.report.tables import print_rows
    from myobridge_models.training.recipe import recipe

    plan = recipe(seed, steps)
    rows: list[dict[str, object]] = []
    alone = [training_set([path], poses) for path in recordings]

    def show() -> None:
        if rows:
            print_rows(f"Repetition {hold_out}, means of {len(alone)} recording(s)", rows, console_for(json_to))

    def interrupted() -> str:
        show()
        return f"The ablation was interrupted; {len(rows)} of {len(VARIANTS)} choices were tried."

    with interruptible(interrupted), TemporaryDirectory() as folder:
        for name, variant in VARIANTS.items():
            changed, found = variant.recipe(plan), []
            for sources, named in alone:
                with training_progress(name, plan.steps) as bar:
                    trained = train_family(variant.network, sources, named, hold_out, changed, Path(folder), bar)
                found.append(trained.figures)
            rows.append({"variant": name, **mean_figures(found)._asdict()})
            write_json({"rows": rows, "held_out": hold_out, "steps": plan.steps, "seed": seed}, json_to)
    show()
