"""The decoding benchmark on labelled recordings: train on all repetitions but one, test on that one, in closed loop.

All windows of the held-out repetition count, also those in which the muscle has not followed the cue yet. Every decoder
is asked by the same call and judged by the same code (`evaluate.figures`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np
import torch

from myobridge.errors import UserError
from myobridge_models.build import build
from myobridge_models.evaluate import Decisions, Figures, closed_loop, figures
from myobridge_models.export import export
from myobridge_models.families.registry import FAMILIES
from myobridge_models.floors import FLOORS
from myobridge_models.protocol import Context, Decoder, Fold
from myobridge_models.train import fastest_device


def network_decisions(fold: Fold, context: Context, family: str) -> Decisions:
    """Trains a network, exports it, and lets the exported file decide in the daemon's pipeline."""
    name = f"{fold.source.stem}-fold{fold.held_out}"
    sources = [(fold.source, fold.recording)]
    network, spec = build(
        name, sources, fold.poses, context.recipe, fold.held_out, fastest_device(), context.progress, family
    )
    with TemporaryDirectory() as folder:
        model = Path(folder) / f"{name}.onnx"
        export(network, spec, model)
        return closed_loop(model, fold.recording, fold.source)


DECODERS: Final[Mapping[str, Decoder]] = {
    **FLOORS,
    **{family: partial(network_decisions, family=family) for family in FAMILIES},
}


class Judged(NamedTuple):
    """One decoder on one fold: what it said, and how good that was."""

    fold: Fold
    decoder: str
    said: Decisions
    figures: Figures

    def row(self) -> dict[str, object]:
        """For tables and JSON."""
        found = self.figures._asdict()
        return {"person": self.fold.person, "fold": self.fold.held_out, "decoder": self.decoder, **found}


def checked_decoders(names: Sequence[str]) -> list[str]:
    """The names, each once, if all are known.

    Raises:
        UserError: one is not.
    """
    unknown = [name for name in names if name not in DECODERS]
    if unknown:
        raise UserError(f"There is no decoder '{unknown[0]}'; choose from {', '.join(DECODERS)}.")
    return list(dict.fromkeys(names))


def judge(fold: Fold, decoders: Sequence[str], context: Context) -> list[Judged]:
    """All `decoders` on one fold.

    Raises:
        UserError: the recording does not fit the protocol.
    """
    found = []
    for name in decoders:
        said = DECODERS[name](fold, context)
        judged = figures(said, fold.recording, fold.truth_deg, fold.poses, fold.held_out)
        found.append(Judged(fold, name, said, judged))
    return found


def judge_all(folds: Sequence[Fold], decoders: Sequence[str], context: Context, jobs: int) -> Iterator[list[Judged]]:
    """All `decoders` on all folds, in order; `jobs` folds at a time, each in a process of its own if there are several.

    Raises:
        UserError: a recording does not fit the protocol.
    """
    judge_one = partial(judge, decoders=decoders, context=context)
    if jobs == 1:
        yield from map(judge_one, folds)
        return
    # Forking a process that has run torch hangs.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _take_a_share, (jobs,)) as pool:
        yield from pool.map(judge_one, folds)


def _take_a_share(jobs: int) -> None:
    """Leaves the other jobs their cores."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // jobs))


def means(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Mean figures of each decoder over all people and folds; a figure that a row does not have is left out of it."""
    found = []
    for decoder in dict.fromkeys(row["decoder"] for row in rows):
        mean: dict[str, object] = {"decoder": decoder}
        for key in Figures._fields:
            known = [row[key] for row in rows if row["decoder"] == decoder and row[key] is not None]
            mean[key] = float(np.mean(known)) if known else None  # type: ignore[arg-type]
        found.append(mean)
    return found
