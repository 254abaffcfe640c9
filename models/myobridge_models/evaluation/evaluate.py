"""Computes the figures of every decoder in one place; a model file decides in the daemon's own pipeline.

Accuracy is judged every 50 ms, at the same instants for every decoder, on the angles that the hand would hold then: the
newest decision of the same take, smoothed and limited as a setpoint is, or the rest pose before the first decision.
Steadiness is judged on all decisions: the daemon decides every hop, a classical decoder every 50 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from myobridge import SERVOS
from myobridge.decoder.pipeline import Pipeline
from myobridge.errors import UserError
from myobridge.model.file import REST, LabelledPose, ModelSpec
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge.recording.replay import Replay, check_fits, replay, true_angles
from myobridge.settings import Settings
from myobridge_models.data.labels import rest_pose
from myobridge_models.evaluation.decisions import FIRST_S, Angles, Decisions, held_at, holds_of, instants
from myobridge_models.evaluation.steadiness import Steadiness, nearest_pose, steadiness

Poses = Sequence[LabelledPose]


class Figures(NamedTuple):
    """Figures of one decoder; None if the recording has no labels or no poses to compute them from."""

    mae_deg: float
    balanced_accuracy: float | None
    false_activations_per_hour: float | None
    early_movements_per_hour: float | None
    late_releases_per_hour: float | None
    away_s_per_hour: float | None
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
    decoded, true = nearest_pose(angles_deg, poses_deg), nearest_pose(truth_deg, poses_deg)
    return float(np.mean([np.mean(decoded[true == pose] == pose) for pose in np.unique(true)]))


def figures(
    decisions: Decisions, recording: Recording, truth_deg: Angles, poses: Poses, repetition: int | None = None
) -> Figures:
    """Computes all figures of decisions on a recording, or on one repetition of it; truth_deg is (samples, 5).

    Raises:
        UserError: there is no such repetition, or it is too short.
    """
    rows = instants(recording, repetition)
    if not len(rows):
        raise UserError(f"The part to judge on is shorter than {FIRST_S:g} s; record longer.")
    angles_deg = held_at(rows, decisions, recording, rest_of(poses))
    mae_deg = float(np.abs(angles_deg - truth_deg[rows]).mean())
    if not poses:
        return Figures(mae_deg, None, *[None] * len(Steadiness._fields))
    pose_of = {pose.label: np.array(pose.angles_deg, np.float32) for pose in poses} | {REST: rest_of(poses)}
    accuracy = balanced_accuracy(angles_deg, truth_deg[rows], distinct_poses(poses))
    return Figures(mae_deg, accuracy, *steadiness(holds_of(decisions, recording, repetition), pose_of))


def replay_model(model: Path, recording: Recording, source: Path) -> tuple[ModelSpec, Replay]:
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
        UserError: as for `replay_model`.
    """
    _, run = replay_model(model, recording, source)
    return Decisions(run.sample, run.angles_deg)


def truth_of(spec: ModelSpec, recording: Recording, source: Path) -> tuple[Angles, Poses]:
    """Returns the true angles (samples, 5), and the poses; the recording's own take precedence over the model's.

    A recording with angles has no poses: its labels are movements.

    Raises:
        UserError: the truth is not known.
    """
    truth_deg = true_angles(recording, spec)
    if truth_deg is None:
        raise UserError(
            f"{source} has neither finger angles nor labels that the model knows; choose another recording."
        )
    return truth_deg, () if recording.angles_deg is not None else recording.poses or spec.poses


def evaluate(model: Path, recording: Recording, source: Path, repetition: int | None = None) -> Figures:
    """Computes the figures of a model file on a recording, or on one repetition of it.

    Raises:
        UserError: model and recording do not fit, or the truth is not known.
    """
    spec, run = replay_model(model, recording, source)
    truth_deg, poses = truth_of(spec, recording, source)
    return figures(Decisions(run.sample, run.angles_deg), recording, truth_deg, poses, repetition)
