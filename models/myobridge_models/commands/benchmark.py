"""`myobridge-models benchmark`: the network beside the classical decoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from myobridge.commands.options import JSON, PLAIN, interruptible, say, write_json, wrote
from myobridge_models.commands.options import SEED, STEPS, THREADS, console_for, numbers

if TYPE_CHECKING:
    from myobridge_models.experiments.benchmark import Judged
    from myobridge_models.experiments.folds import Fold
    from myobridge_models.training.train import Progress


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder with s01.npz, s02.npz …")
@click.option("--people", help="People by number, like 1,7.", show_default="all")
@click.option("--folds", help="Held-out repetitions, like 0,2.", show_default="all")
@click.option("--decoders", default="mean,forest,lda,svm,svm_likeness,cnn_mlp", help="Decoders to compare.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, help="Folds to run at a time.")
@click.option("--populations", type=click.Path(path_type=Path), help="Folder that keeps the networks of other people.")
@click.option("--plots", type=click.Path(path_type=Path), help="Folder for plots (.png).")
@SEED
@STEPS
@THREADS
@PLAIN
@JSON
def benchmark(
    data: Path,
    people: str | None,
    folds: str | None,
    decoders: str,
    jobs: int,
    populations: Path | None,
    plots: Path | None,
    seed: int,
    steps: int | None,
    json_to: str | None,
) -> None:
    """Compare the network with classical decoders: train on all repetitions but one, test on that one.

    The figures are written after each fold, so an interruption loses the current fold only.
    """
    from myobridge_models.experiments.benchmark import checked_decoders, judge_all, means
    from myobridge_models.experiments.folds import Context, folds_in
    from myobridge_models.experiments.population import train_groups
    from myobridge_models.report.plots import benchmark_plots
    from myobridge_models.report.tables import print_rows
    from myobridge_models.training.recipe import recipe

    chosen = checked_decoders(decoders.split(","))
    plan, console = recipe(seed, steps), console_for(json_to)
    todo = folds_in(data, numbers(people), numbers(folds))
    judged: list[Judged] = []

    def report() -> dict[str, Any]:
        rows = [one.row() for one in judged]
        return {"rows": rows, "means": means(rows), "steps": plan.steps, "seed": seed}

    if any(not fold.recording.poses for fold in todo):
        say("Labels of recordings that do not name their poses are read as BioPatRec's movements.")
    said = "The benchmark was interrupted; the finished folds are above."
    with interruptible(lambda: said):
        try:
            with TemporaryDirectory() as temporary, fold_bar(todo) as (training, done):
                folder = populations or Path(temporary)
                if any(name.startswith("population") for name in chosen):
                    train_groups(sorted({fold.person for fold in todo}), data, folder, jobs)
                context = Context(data, plan, training if jobs == 1 else None, folder)
                for found in judge_all(todo, chosen, context, jobs):
                    judged += found
                    done(found)
                    write_json(report(), None if json_to == "-" else json_to)
        finally:
            if judged:
                print_rows("Held-out repetition, closed loop, all windows", report()["rows"], console)
                print_rows("Means", report()["means"], console)
                write_json(report(), json_to if json_to == "-" else None)
    if plots:
        for plot in benchmark_plots(judged, plots):
            wrote(plot, "plot")


@contextmanager
def fold_bar(folds: Sequence[Fold]) -> Iterator[tuple[Progress, Callable[[Sequence[Judged]], None]]]:
    """Shows a bar on stderr and a line for each fold; yields the calls for each training step and each fold."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    names = [f"person {fold.person}, fold {fold.held_out}" for fold in folds]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[training]}"), console=Console(stderr=True)) as bar:
        task = bar.add_task(names[0], total=len(folds), training="")

        def training(step: int, loss_deg: float) -> None:
            bar.update(task, training=f"step {step}, {loss_deg:4.1f}°")

        def done(found: Sequence[Judged]) -> None:
            name = names[int(bar.tasks[0].completed)]
            scores = [f"{one.decoder} {one.figures.mae_deg:.1f}° {one.figures.balanced_accuracy:.3f}" for one in found]
            bar.console.print(f"{name}: {', '.join(scores)}", soft_wrap=True)
            bar.advance(task)
            bar.update(task, description=names[min(int(bar.tasks[0].completed), len(names) - 1)], training="")

        yield training, done
