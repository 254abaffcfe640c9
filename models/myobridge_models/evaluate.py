"""Closed-loop figures of a model file, from the very pipeline that the daemon runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.config import Config
from myobridge.decode import open_model
from myobridge.errors import UserError
from myobridge.model_file import LabelledPose, ModelSpec
from myobridge.pipeline import Pipeline
from myobridge.recording import Recording
from myobridge.replay import check_fits, replay, true_angles

DECISION_STEP_S: Final = 0.05
"""The benchmark's windows end this far apart."""

Angles = NDArray[np.float32]
Rows = NDArray[np.int64]


class Score(NamedTuple):
    """Figures of one decoder; `balanced_accuracy` is None where there are no poses to tell apart."""

    mae_deg: float
    balanced_accuracy: float | None


def distinct_poses(poses: Sequence[LabelledPose]) -> Angles:
    """The different angle rows of a pose table, float32 (poses, 5)."""
    return np.unique(np.array([pose.angles_deg for pose in poses], np.float32).reshape(-1, len(SERVOS)), axis=0)


def nearest_pose(angles_deg: Angles, poses_deg: Angles) -> Rows:
    """Index of the nearest row of poses_deg (P, 5) for each row of angles_deg (N, 5)."""
    apart = ((angles_deg[:, None] - poses_deg[None]) ** 2).sum(axis=2)
    return np.asarray(apart.argmin(axis=1), np.int64)


def score(angles_deg: Angles, truth_deg: Angles, poses_deg: Angles) -> Score:
    """Mean absolute error over the servos, and balanced accuracy with each row taken as its nearest pose."""
    mae_deg = float(np.abs(angles_deg - truth_deg).mean())
    if not len(poses_deg):
        return Score(mae_deg, None)
    said, meant = nearest_pose(angles_deg, poses_deg), nearest_pose(truth_deg, poses_deg)
    recall = [np.mean(said[meant == pose] == pose) for pose in np.unique(meant)]
    return Score(mae_deg, float(np.mean(recall)))


def window_ends(recording: Recording, window_samples: int) -> Rows:
    """Rows of the recording at which the benchmark's windows end: every step from each take's start, once full."""
    step = round(DECISION_STEP_S * recording.fs_hz)
    first = -(-window_samples // step) * step
    return np.concatenate([np.arange(take.start + first - 1, take.stop, step) for take in recording.takes()])


def in_repetition(recording: Recording, rows: Rows, repetition: int | None) -> Rows:
    """Those rows that belong to one repetition; all of them for None.

    Raises:
        UserError: there is no such repetition.
    """
    if repetition is None:
        return rows
    if recording.repetition is None or repetition not in recording.repetition:
        raise UserError(f"The recording has no repetition {repetition}; leave it out or choose another.")
    kept: Rows = rows[recording.repetition[rows] == repetition]
    return kept


def closed_loop(model: Path, recording: Recording, source: Path) -> tuple[ModelSpec, Rows, Angles]:
    """Rows at which the benchmark's windows end, and the angles (rows, 5) that the hand would be told there.

    Every take starts from rest, and every decision in between is taken as well, as the daemon does.

    Raises:
        UserError: the model cannot be used, or not on this recording, or the recording is too short for it.
    """
    opened = open_model(model)
    check_fits(recording, opened.spec, source)
    run = replay(recording, Pipeline(opened, Config(), recording.adc_bits))
    window = opened.spec.window_samples
    chosen = np.isin(run.sample, window_ends(recording, window))
    if not chosen.any():
        raise UserError(f"{source} is shorter than one window of {window} samples; record longer.")
    return opened.spec, run.sample[chosen], run.angles_deg[chosen]


def evaluate(model: Path, recording: Recording, source: Path, repetition: int | None = None) -> Score:
    """Score of a model file on a recording, or on one repetition of it.

    Raises:
        UserError: the two do not fit, or the truth is not known.
    """
    spec, rows, angles_deg = closed_loop(model, recording, source)
    truth_deg = true_angles(recording, spec)
    if truth_deg is None:
        raise UserError(f"{source} has neither finger angles nor labels that the model knows; choose another.")
    kept = np.isin(rows, in_repetition(recording, rows, repetition))
    return score(angles_deg[kept], truth_deg[rows[kept]], distinct_poses(spec.poses))
