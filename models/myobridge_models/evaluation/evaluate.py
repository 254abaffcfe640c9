"""Computes the figures of every decoder in one place; a model file decides in the daemon's own pipeline.

Accuracy is judged every 50 ms, at the same instants for every decoder, on the angles that the hand would hold then: the
newest decision of the same take, smoothed and limited as a setpoint is, or the rest pose before the first decision.
Steadiness is judged on all decisions: the daemon decides every hop, a classical decoder every 50 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.calibration.poses import REST
from myobridge.decoder.pipeline import Pipeline
from myobridge.errors import UserError
from myobridge.model.file import LabelledPose, ModelSpec
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge.recording.replay import Replay, check_fits, replay, true_angles
from myobridge.settings import Settings
from myobridge_models.data.labels import rest_pose
from myobridge_models.evaluation.steadiness import Hold, Steadiness, nearest_pose, steadiness

STEP_S: Final = 0.05
"""Time from one instant to the next."""
FIRST_S: Final = 0.45
"""Time from a take's start to the first instant; the notes' window of 401 ms at 2 kHz is full by then."""

Angles = NDArray[np.float32]
Rows = NDArray[np.int64]
Poses = Sequence[LabelledPose]


class Decisions(NamedTuple):
    """The decisions of a decoder on a recording, in order.

    sample: int64 (decisions,), row in the recording of the newest sample seen.
    angles_deg: float32 (decisions, 5), commands to the hand.
    """

    sample: Rows
    angles_deg: Angles


class Figures(NamedTuple):
    """Figures of one decoder; None if the recording has no labels or no poses to compute them from."""

    mae_deg: float
    balanced_accuracy: float | None
    false_activations_per_hour: float | None
    early_movements_per_hour: float | None
    late_releases_per_hour: float | None
    onset_delay_s: float | None
    onset_delay_p90_s: float | None
    missed_onsets: float | None
    jitter_deg_per_s: float | None


def distinct_poses(poses: Poses) -> Angles:
    """Returns the different angle rows of a pose table, float32 (poses, 5)."""
    return np.unique(np.array([pose.angles_deg for pose in poses], np.float32).reshape(-1, len(SERVOS)), axis=0)


def rest_of(poses: Poses) -> Angles:
    """Returns the rest pose, float32 (5,): the pose of label 0, or the pose that every hand starts from."""
    return np.array(rest_pose(poses), np.float32)


def balanced_accuracy(angles_deg: Angles, truth_deg: Angles, poses_deg: Angles) -> float:
    """Returns the mean recall of the poses in truth_deg (N, 5); angles_deg (N, 5) count as the nearest pose (P, 5)."""
    said, meant = nearest_pose(angles_deg, poses_deg), nearest_pose(truth_deg, poses_deg)
    return float(np.mean([np.mean(said[meant == pose] == pose) for pose in np.unique(meant)]))


def instants(recording: Recording, repetition: int | None = None) -> Rows:
    """Returns the rows at which every decoder is judged: every 50 ms of each take, or of one repetition of it.

    Raises:
        UserError: there is no such repetition.
    """
    step, first = round(STEP_S * recording.fs_hz), round(FIRST_S * recording.fs_hz)
    rows = np.concatenate([np.arange(take.start + first - 1, take.stop, step) for take in recording.takes()])
    if repetition is None:
        return rows
    if recording.repetition is None or repetition not in recording.repetition:
        raise UserError(f"The recording has no repetition {repetition}; leave the repetition out, or choose another.")
    kept: Rows = rows[recording.repetition[rows] == repetition]
    return kept


def held_at(rows: Rows, said: Decisions, recording: Recording, rest_deg: Angles) -> Angles:
    """Returns the angles (rows, 5) that the hand holds at these rows: the newest decision of the same take, or rest."""
    starts = np.array([take.start for take in recording.takes()])
    began = starts[np.searchsorted(starts, rows, side="right") - 1]
    sample = np.concatenate([[-1], said.sample])
    angles_deg = np.concatenate([rest_deg[None], said.angles_deg])
    newest = np.searchsorted(sample, rows, side="right") - 1
    newest[sample[newest] < began] = 0
    held: Angles = angles_deg[newest]
    return held


def holds_of(said: Decisions, recording: Recording, repetition: int | None = None) -> list[Hold]:
    """Groups the decisions by cue, for one repetition or all; a recording without labels has no holds."""
    if recording.label is None:
        return []
    label, fs_hz = recording.label, recording.fs_hz
    inside = np.ones(len(label), bool)
    if repetition is not None and recording.repetition is not None:
        inside = recording.repetition == repetition
    found = []
    for take in recording.takes():
        for start, end in _stretches(label[take]):
            for first, last in _stretches(inside[take.start + start : take.start + end]):
                cue = take.start + start
                if not inside[cue + first]:
                    continue
                own = slice(*np.searchsorted(said.sample, [cue + first, cue + last]))
                at_s = (said.sample[own] + 1 - cue) / fs_hz
                found.append(Hold(int(label[cue]), first / fs_hz, last / fs_hz, at_s, said.angles_deg[own]))
    return found


def _stretches(values: NDArray[np.generic]) -> list[tuple[int, int]]:
    """Returns start and end of each stretch of equal values."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    return list(pairwise([0, *edges.tolist(), len(values)]))


def figures(
    said: Decisions, recording: Recording, truth_deg: Angles, poses: Poses, repetition: int | None = None
) -> Figures:
    """Computes all figures of decisions on a recording, or on one repetition of it; truth_deg is (samples, 5).

    Raises:
        UserError: there is no such repetition, or it is too short.
    """
    rows = instants(recording, repetition)
    if not len(rows):
        raise UserError(f"The part to judge on is shorter than {FIRST_S:g} s; record longer.")
    angles_deg = held_at(rows, said, recording, rest_of(poses))
    mae_deg = float(np.abs(angles_deg - truth_deg[rows]).mean())
    if not poses:
        return Figures(mae_deg, None, *[None] * len(Steadiness._fields))
    pose_of = {pose.label: np.array(pose.angles_deg, np.float32) for pose in poses} | {REST: rest_of(poses)}
    accuracy = balanced_accuracy(angles_deg, truth_deg[rows], distinct_poses(poses))
    return Figures(mae_deg, accuracy, *steadiness(holds_of(said, recording, repetition), pose_of))


def replayed(model: Path, recording: Recording, source: Path) -> tuple[ModelSpec, Replay]:
    """Returns the metadata of a model and its decisions as the daemon takes them, one a hop; each take starts from
    rest.

    Raises:
        UserError: the model cannot be used, or does not fit the recording, or the recording is too short.
    """
    opened = open_model(model)
    check_fits(recording, opened.spec, source)
    run = replay(recording, Pipeline(opened, Settings(), recording.adc_bits))
    if not len(run.sample):
        raise UserError(f"{source} is shorter than one window of {opened.spec.window_samples} samples; record longer.")
    return opened.spec, run


def closed_loop(model: Path, recording: Recording, source: Path) -> Decisions:
    """Returns the decisions of a model file.

    Raises:
        UserError: as for `replayed`.
    """
    _, run = replayed(model, recording, source)
    return Decisions(run.sample, run.angles_deg)


def judged(spec: ModelSpec, run: Replay, recording: Recording, source: Path, repetition: int | None = None) -> Figures:
    """Computes figures of a model's decisions on a recording or one repetition; the recording's own poses go first.

    Raises:
        UserError: the truth is not known, or there is no such repetition.
    """
    truth_deg = true_angles(recording, spec)
    if truth_deg is None:
        raise UserError(
            f"{source} has neither finger angles nor labels that the model knows; choose another recording."
        )
    poses = recording.poses or spec.poses
    return figures(Decisions(run.sample, run.angles_deg), recording, truth_deg, poses, repetition)


def evaluate(model: Path, recording: Recording, source: Path, repetition: int | None = None) -> Figures:
    """Computes the figures of a model file on a recording, or on one repetition of it.

    Raises:
        UserError: model and recording do not fit, or the truth is not known.
    """
    spec, run = replayed(model, recording, source)
    return judged(spec, run, recording, source, repetition)
