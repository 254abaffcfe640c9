"""`myobridge-models days`: decoders on later sessions, with what a wearer can give them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from myobridge.commands.options import JSON, PLAIN, interruptible, save_json, say, write_json, wrote
from myobridge_models.commands.options import (
    BIOPATREC,
    SEED,
    STEPS,
    THREADS,
    UNNAMED,
    SeveralValues,
    console_for,
    names,
    spreads,
    training_set,
)

if TYPE_CHECKING:
    from myobridge_models.experiments.days import Row

SHORTEST_S: Final = 0.5
"""The windows of the classical decoders, 0.4 s long, must fit into the known seconds."""
LONGEST_S: Final = 3600.0
SESSIONS: Final = click.Path(path_type=Path)
DEFAULT: Final = "lda,svm_likeness,lda_bands,svm_bands,cnn_mlp_log"


@click.command(cls=SeveralValues)
@click.option("--train", multiple=True, required=True, type=SESSIONS, help="Sessions to learn from: A.npz B.npz …")
@click.option("--test", multiple=True, required=True, type=SESSIONS, help="Sessions to judge, in order: C.npz D.npz …")
@click.option(
    "--labelled-s", type=click.FloatRange(SHORTEST_S, LONGEST_S), default=1.0, help="Known time of each movement."
)
@click.option("--decoders", default=DEFAULT, help="Decoders to compare.")
@click.option("--plots", type=click.Path(path_type=Path), help="Folder for a plot (.png).")
@spreads
@SEED
@STEPS
@THREADS
@PLAIN
@JSON
def days(
    train: tuple[Path, ...],
    test: tuple[Path, ...],
    labelled_s: float,
    decoders: str,
    plots: Path | None,
    jobs: int | None,
    dask: str | None,
    seed: int,
    steps: int | None,
    json_to: str | None,
) -> None:
    """Judge decoders on later sessions of the same electrodes.

    Each decoder is judged three times on the same windows. It knows nothing of a session; or the first second of each
    movement without labels; or these seconds with their labels. The figures are written after each session.
    """
    from myobridge_models.experiments.days import DAY_DECODERS, doubts, judge_days, means, session_line
    from myobridge_models.experiments.decoders import checked_decoders
    from myobridge_models.experiments.parallel import Workers
    from myobridge_models.experiments.sessions import remarks, sessions_of
    from myobridge_models.report.days_plot import days_figure
    from myobridge_models.report.plots import draw_all
    from myobridge_models.report.progress import spread_progress
    from myobridge_models.report.tables import print_rows
    from myobridge_models.training.recipe import recipe

    chosen = checked_decoders(names(decoders), DAY_DECODERS)
    plan, console = recipe(seed, steps), console_for(json_to)
    sources, named = training_set((*train, *test), BIOPATREC)
    learnt, judged = sessions_of(sources, len(train), tuple(named), labelled_s)
    rows: list[Row] = []

    def report() -> dict[str, Any]:
        found = [row._asdict() for row in rows]
        sessions = {"train": [s.name for s in learnt], "test": [s.name for s in judged]}
        return {
            "rows": found,
            "means": means(rows),
            **sessions,
            "labelled_s": labelled_s,
            "steps": plan.steps,
            "seed": seed,
        }

    if any(not recording.poses for _, recording in sources):
        say(UNNAMED)
    for sentence in remarks(learnt, judged):
        say(sentence)
    total = len(chosen) * len(judged)
    with interruptible(lambda: "The sessions judged before the interruption are above."):
        try:
            with spread_progress("days", total, "sessions", plan.steps) as (training, done):
                for found in judge_days(learnt, judged, chosen, plan, Workers(jobs, dask), training):
                    rows += found
                    done(session_line(found))
                    save_json(report(), json_to)
        finally:
            if rows:
                print_rows(f"Means over {len(judged)} session(s), closed loop", means(rows), console)
                write_json(report(), json_to)
    for sentence in doubts(rows):
        say(sentence)
    if plots:
        for plot in draw_all({"days": lambda: days_figure(rows, labelled_s)}, plots):
            wrote(plot, "plot")
