"""`myobridge-models benchmark`: the network beside the classical decoders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from myobridge.commands.options import JSON, PLAIN, interruptible, save_json, say, write_json, wrote
from myobridge_models.commands.options import SEED, STEPS, THREADS, UNNAMED, console_for, names, numbers, spreads

if TYPE_CHECKING:
    from myobridge_models.experiments.benchmark import Judged


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder with s01.npz, s02.npz …")
@click.option("--people", help="People by number, like 1,7.", show_default="all")
@click.option("--folds", help="Held-out repetitions, like 0,2.", show_default="all")
@click.option(
    "--decoders",
    default="mean,forest,lda,svm,svm_likeness,svm_power,lda_bands,svm_bands,cnn_mlp_log",
    help="Decoders to compare.",
)
@click.option("--populations", type=click.Path(path_type=Path), help="Folder that keeps the networks of other people.")
@click.option("--plots", type=click.Path(path_type=Path), help="Folder for plots (.png).")
@spreads
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
    populations: Path | None,
    plots: Path | None,
    jobs: int | None,
    dask: str | None,
    seed: int,
    steps: int | None,
    json_to: str | None,
) -> None:
    """Compare the network with classical decoders: train on all repetitions but one, test on that one.

    The figures are written after each fold, so an interruption loses the current fold only.
    """
    from myobridge_models.experiments.benchmark import fold_line, judge_all, means
    from myobridge_models.experiments.decoders import checked_decoders
    from myobridge_models.experiments.folds import folds_in
    from myobridge_models.experiments.paired import paired
    from myobridge_models.experiments.parallel import Workers
    from myobridge_models.report.plots import benchmark_plots
    from myobridge_models.report.progress import spread_progress
    from myobridge_models.report.tables import print_rows
    from myobridge_models.training.recipe import recipe

    chosen = checked_decoders(names(decoders))
    plan, console = recipe(seed, steps), console_for(json_to)
    todo = folds_in(data, numbers(people), numbers(folds))
    judged: list[Judged] = []

    def report() -> dict[str, Any]:
        rows = [one.row() for one in judged]
        compared = [one._asdict() for one in paired(rows)]
        return {"rows": rows, "means": means(rows), "paired": compared, "steps": plan.steps, "seed": seed}

    if any(not fold.recording.poses for fold in todo):
        say(UNNAMED)
    interrupted = "The benchmark was interrupted; the finished folds are above."
    with interruptible(lambda: interrupted):
        try:
            with spread_progress("benchmark", len(todo), "folds", plan.steps) as (training, done):
                for found in judge_all(todo, chosen, data, plan, Workers(jobs, dask), training, populations):
                    judged += found
                    done(fold_line(found))
                    save_json(report(), json_to)
        finally:
            if judged:
                print_rows("Held-out repetition, closed loop, all windows", report()["rows"], console)
                print_rows("Means", report()["means"], console)
                for one in paired(report()["rows"]):
                    console.print(one.sentence(), soft_wrap=True)
                write_json(report(), json_to)
    if plots:
        for plot in benchmark_plots(judged, plots):
            wrote(plot, "plot")
