"""`myobridge-models benchmark`: the network beside the classical decoders."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import JSON, write_json
from myobridge_models.commands.options import SEED, STEPS, console_for, numbers, progress_bar


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder with s01.npz, s02.npz …")
@click.option("--people", help="Like 1,7; all by default.")
@click.option("--folds", help="Held-out repetitions, like 0,2; all three by default.")
@click.option("--decoders", default="mean,forest,lda,cnn_mlp", show_default=True)
@SEED
@STEPS
@JSON
def benchmark(
    data: Path, people: str | None, folds: str | None, decoders: str, seed: int, steps: int | None, json_to: str | None
) -> None:
    """Train on two repetitions, test on the third: the network beside the classical decoders."""
    from myobridge_models import biopatrec
    from myobridge_models.benchmark import checked_decoders, means, run_fold
    from myobridge_models.tables import print_rows
    from myobridge_models.train import recipe

    chosen = checked_decoders(decoders.split(","))
    plan, console = recipe(seed, steps), console_for(json_to)
    rows = []
    for person in numbers(people) or biopatrec.people_in(data):
        source, recording = biopatrec.load_person(data, person)
        for fold in numbers(folds) or [0, 1, 2]:
            with progress_bar(f"person {person}, fold {fold}", plan.steps) as bar:
                rows += run_fold(person, source, recording, fold, chosen, plan, bar)
    found = [row._asdict() for row in rows]
    print_rows("Held-out repetition, closed loop, all windows", found, console)
    print_rows("Means", means(rows), console)
    write_json({"rows": found, "means": means(rows), "steps": plan.steps, "seed": seed}, json_to)
