"""The decoding benchmark on labelled recordings: train on all repetitions but one, test on that one, in closed loop.

All windows of the held-out repetition count, also those in which the muscle has not followed the cue yet. The network
runs in the daemon's pipeline; the floors beside it see the same takes and are asked at the same instants.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.recording import Recording
from myobridge_models import biopatrec
from myobridge_models.build import build
from myobridge_models.data import Take, channel_scale, design_prefilter, only_repetitions, scaled, takes_of
from myobridge_models.evaluate import DECISION_STEP_S, Score, distinct_poses, evaluate, score
from myobridge_models.export import export
from myobridge_models.floors import FLOORS, WINDOW_S, Floor, features, predict, windows
from myobridge_models.receptive import Shape
from myobridge_models.train import Progress, Recipe, fastest_device

NETWORK: Final = "cnn_mlp"
DECODERS: Final = (*FLOORS, NETWORK)


class Row(NamedTuple):
    """One decoder on one fold of one person."""

    person: int
    fold: int
    decoder: str
    mae_deg: float
    balanced_accuracy: float | None


def checked_decoders(names: Sequence[str]) -> list[str]:
    """The names, if all are known.

    Raises:
        UserError: one is not.
    """
    unknown = [name for name in names if name not in DECODERS]
    if unknown:
        raise UserError(f"There is no decoder '{unknown[0]}'; choose from {', '.join(DECODERS)}.")
    return list(names)


def run_fold(
    person: int,
    source: Path,
    recording: Recording,
    fold: int,
    decoders: Sequence[str],
    recipe: Recipe,
    progress: Progress | None = None,
) -> list[Row]:
    """Scores of all `decoders` on one held-out repetition.

    Raises:
        UserError: the recording does not fit the protocol.
    """
    floors = [kind for kind in FLOORS if kind in decoders]
    scores = floor_scores(source, recording, fold, floors)
    if NETWORK in decoders:
        scores[NETWORK] = network_score(source, recording, fold, recipe, progress)
    return [Row(person, fold, name, *found) for name, found in scores.items()]


def network_score(
    source: Path, recording: Recording, fold: int, recipe: Recipe, progress: Progress | None = None
) -> Score:
    """Trains, exports, and scores the exported file."""
    name = f"{source.stem}-fold{fold}"
    network, spec = build(name, [(source, recording)], biopatrec.POSES, recipe, fold, fastest_device(), progress)
    with TemporaryDirectory() as folder:
        model = Path(folder) / f"{name}.onnx"
        export(network, spec, model)
        return evaluate(model, recording, source, fold)


def floor_scores(source: Path, recording: Recording, fold: int, kinds: Sequence[Floor]) -> dict[str, Score]:
    """Scores of the classical decoders, by name."""
    takes = takes_of(recording, source, design_prefilter(recording.fs_hz), biopatrec.POSES)
    others = sorted({int(r) for take in takes for r in np.unique(take.repetition)} - {fold})
    scale = channel_scale(only_repetitions(takes, others))
    takes = scaled(takes, scale)
    window, step = round(WINDOW_S * recording.fs_hz), round(DECISION_STEP_S * recording.fs_hz)
    train = windows(only_repetitions(takes, others), window, step)
    first_full = Shape(recording.fs_hz, recording.channels).window_samples
    tested = [_held_out(take, fold, max(window, first_full), step) for take in takes]
    x = np.concatenate([features(take, ends, window) for take, ends in zip(takes, tested, strict=True)])
    truth = np.concatenate([take.target_deg[ends] for take, ends in zip(takes, tested, strict=True)])
    pose_of = {pose.label: pose.angles_deg for pose in biopatrec.POSES}
    poses = distinct_poses(biopatrec.POSES)
    return {kind: score(predict(kind, train, x, pose_of), truth, poses) for kind in kinds}


def _held_out(take: Take, fold: int, window: int, step: int) -> NDArray[np.int64]:
    """Ends of the test windows in a whole take: the same instants as the network's."""
    ends = np.arange(-(-window // step) * step - 1, len(take), step)
    kept: NDArray[np.int64] = ends[take.repetition[ends] == fold]
    return kept


def means(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Mean figures of each decoder over all people and folds."""
    found = []
    for decoder in dict.fromkeys(row.decoder for row in rows):
        own = [row for row in rows if row.decoder == decoder]
        found.append(
            {
                "decoder": decoder,
                "mae_deg": float(np.mean([row.mae_deg for row in own])),
                "balanced_accuracy": float(np.mean([row.balanced_accuracy or 0.0 for row in own])),
            }
        )
    return found
