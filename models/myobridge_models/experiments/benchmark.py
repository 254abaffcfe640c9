"""The decoding benchmark on labelled recordings: train on all repetitions but one, test on that one, in closed loop.

All windows of the held-out repetition count, including those in which the muscle has not followed the cue yet. Every
decoder has the same interface, and the same code judges it (`evaluate.figures`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np

from myobridge.errors import UserError
from myobridge.model.file import ModelSpec
from myobridge_models.evaluation.decisions import Decisions
from myobridge_models.evaluation.evaluate import Figures, closed_loop, figures
from myobridge_models.experiments import population
from myobridge_models.experiments.baselines import BASELINES
from myobridge_models.experiments.folds import Context, Decoder, Fold
from myobridge_models.experiments.parallel import in_processes
from myobridge_models.export.export import export
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.registry import FAMILIES
from myobridge_models.training.build import build
from myobridge_models.training.calibrate import better_training
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.train import Progress, fastest_device


def decisions_of(network: Network, spec: ModelSpec, fold: Fold) -> Decisions:
    """Exports a network, and returns the exported file's decisions in the daemon's pipeline."""
    with TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        export(network, spec, model)
        return closed_loop(model, fold.recording, fold.source)


def network_decisions(fold: Fold, context: Context, family: str) -> Decisions:
    """Decides with a network that has learnt from the person's other repetitions only."""
    sources, device = [(fold.source, fold.recording)], fastest_device()
    return decisions_of(
        *build("own", sources, fold.poses, context.recipe, fold.others, device, context.progress, family), fold
    )


def unseen_decisions(fold: Fold, context: Context) -> Decisions:
    """Decides with the network of other people, unchanged: it has never seen the person."""
    return closed_loop(population.model_for(fold, context), fold.recording, fold.source)


def calibrated_decisions(fold: Fold, context: Context, repetitions: int | None) -> Decisions:
    """Decides with other people's network, calibrated on so many of the person's other repetitions, or on all."""
    base, source = population.model_for(fold, context), (fold.source, fold.recording)
    chosen = better_training(base, "own", source, fold.poses, fold.others[:repetitions])
    return decisions_of(chosen.network, chosen.spec, fold)


DECODERS: Final[Mapping[str, Decoder]] = {
    **BASELINES,
    **{family: partial(network_decisions, family=family) for family in FAMILIES},
    "population_unseen": unseen_decisions,
    "population_one": partial(calibrated_decisions, repetitions=1),
    "population": partial(calibrated_decisions, repetitions=None),
}
"""`population_one` is calibrated on one repetition, a minute of BioPatRec's recordings."""


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


def checked_decoders(names: Sequence[str]) -> list[str]:
    """Returns the names, each once.

    Raises:
        UserError: a name is unknown.
    """
    unknown = [name for name in names if name not in DECODERS]
    if unknown:
        raise UserError(f"There is no decoder '{unknown[0]}'; choose from {', '.join(DECODERS)}.")
    return list(dict.fromkeys(names))


def judge(fold: Fold, decoders: Sequence[str], context: Context) -> list[Judged]:
    """Judges all `decoders` on one fold.

    Raises:
        UserError: the recording cannot be learnt from or judged on.
    """
    found = []
    for name in decoders:
        decisions = DECODERS[name](fold, context)
        own = figures(decisions, fold.recording, fold.truth_deg, fold.poses, fold.held_out)
        found.append(Judged(fold, name, decisions, own))
    return found


def judge_all(
    folds: Sequence[Fold],
    decoders: Sequence[str],
    data: Path,
    recipe: Recipe,
    jobs: int,
    progress: Progress | None = None,
    populations: Path | None = None,
) -> Iterator[list[Judged]]:
    """Judges all `decoders` on all folds, in order; `jobs` folds at a time, each in its own process if jobs > 1.

    The networks of other people are trained first if a decoder needs them, and kept in `populations` if it is given.

    Raises:
        UserError: a recording cannot be learnt from or judged on.
    """
    with TemporaryDirectory() as temporary:
        folder = populations or Path(temporary)
        if any(name.startswith("population") for name in decoders):
            population.train_groups(sorted({fold.person for fold in folds}), data, folder, jobs)
        context = Context(data, recipe, progress if jobs == 1 else None, folder)
        yield from in_processes(partial(judge, decoders=decoders, context=context), folds, jobs)


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
