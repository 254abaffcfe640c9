"""The decoding benchmark on labelled recordings: train on all repetitions but one, test on that one, in closed loop.

All windows of the held-out repetition count, including those in which the muscle has not followed the cue yet. Every
decoder has the same interface, and the same code judges it (`evaluate.figures`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from myobridge.errors import UserError
from myobridge_models.evaluation.decisions import Decisions
from myobridge_models.evaluation.evaluate import Figures, figures
from myobridge_models.experiments import population
from myobridge_models.experiments.decoders import DECODERS
from myobridge_models.experiments.folds import Context, Fold
from myobridge_models.experiments.parallel import Workers
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.train import Progress


class Judged(NamedTuple):
    """One decoder on one fold: its decisions and their figures."""

    fold: Fold
    decoder: str
    decisions: Decisions
    figures: Figures

    def row(self) -> dict[str, object]:
        """Returns a row for tables and JSON."""
        found = self.figures._asdict()
        return {"person": self.fold.person, "fold": self.fold.held_out, "decoder": self.decoder, **found}


def fold_line(judged: Sequence[Judged]) -> str:
    """Returns one line about all decoders on one fold."""
    fold = judged[0].fold
    scores = [f"{one.decoder} {one.figures.mae_deg:.1f}° {one.figures.balanced_accuracy:.3f}" for one in judged]
    return f"person {fold.person}, fold {fold.held_out}: {', '.join(scores)}"


def judge(fold: Fold, decoders: Sequence[str], context: Context) -> list[Judged]:
    """Judges all `decoders` on one fold.

    Raises:
        UserError: the recording cannot be learnt from or judged on.
    """
    found = []
    for name in decoders:
        decisions = DECODERS[name](fold, context)(fold.recording, fold.source)
        own = figures(decisions, fold.recording, fold.truth_deg, fold.poses, fold.held_out)
        found.append(Judged(fold, name, decisions, own))
    return found


def judge_all(
    folds: Sequence[Fold],
    decoders: Sequence[str],
    data: Path,
    recipe: Recipe,
    workers: Workers,
    progress: Progress | None = None,
    populations: Path | None = None,
) -> Iterator[list[Judged]]:
    """Judges all `decoders` on all folds, in order, several folds at a time.

    The networks of other people are trained first if a decoder needs them, and kept in `populations` if it is given.

    Raises:
        UserError: a recording cannot be learnt from or judged on, or a cluster cannot be used.
    """
    population_needed = any(name.startswith("population") for name in decoders)
    if population_needed and workers.dask and not populations:
        raise UserError(
            "Workers of Dask need the networks of other people; name a folder that all of them see with --populations."
        )
    with TemporaryDirectory() as temporary:
        folder = populations or Path(temporary)
        if population_needed:
            population.train_groups(sorted({fold.person for fold in folds}), data, folder, workers)
        context = Context(data, recipe, progress if workers.alone(len(folds)) else None, folder)
        yield from workers.spread(partial(judge, decoders=decoders, context=context), folds)


def means(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Returns the mean figures of each decoder over all people and folds; a missing figure is left out of its mean."""
    found = []
    for decoder in dict.fromkeys(row["decoder"] for row in rows):
        mean: dict[str, object] = {"decoder": decoder}
        for key in Figures._fields:
            known = [row[key] for row in rows if row["decoder"] == decoder and row[key] is not None]
            mean[key] = float(np.mean(known)) if known else None  # type: ignore[arg-type]
        found.append(mean)
    return found
