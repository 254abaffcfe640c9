"""Calibration in seconds: from a model with class statistics, and a second or two of each pose, to a model for today.

The scores are those of windows that the judged model has not learnt from: of every other hold of a pose, or of the
other half of its only hold. The new model then learns from all holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from myobridge.calibration.calibrate import Scores
from myobridge.calibration.class_statistics import HELD_S
from myobridge.calibration.judge import (
    Poses,
    PoseScore,
    TooLittle,
    check_order,
    held_alike,
    pose_scores,
    score,
    taken_for_another,
)
from myobridge.calibration.plan import Timing
from myobridge.calibration.today_head import Learner, decide
from myobridge.calibration.windows import Rows, Windows, windows_of
from myobridge.errors import UserError
from myobridge.model.check import check_model, statistics_in
from myobridge.model.file import REST, LabelledPose, ModelSpec
from myobridge.model.head import head_of, with_layers
from myobridge.model.onnx_reader import Refused
from myobridge.model.statistics import ClassStatistics
from myobridge.recording import Recording
from myobridge.recording.replay import check_fits

TIMING: Final = Timing(repetitions=1, hold_s=2.0, rest_s=1.6)
"""Seven poses take 23 s of EMG; the muscle follows within 0.7 s, and a window takes 0.4 s."""
BETTER: Final = 0.02
"""A new model that is better by this balanced accuracy is worth having although it takes two poses for each other."""
MORE_DIFFERENT: Final = "make these poses more different, hold them firmer, or leave one out"
LEAST_WINDOWS: Final = 3
"""Windows of a movement in each half; fewer say nothing."""
TOLERATED_DEG: Final = 0.1
"""Rounding between onnxruntime and numpy."""


class Base(NamedTuple):
    """A model to calibrate: the bytes of its checked file, its metadata and its class statistics."""

    path: Path
    data: bytes
    spec: ModelSpec
    earlier: ClassStatistics

    @property
    def poses(self) -> tuple[LabelledPose, ...]:
        """The poses that the class statistics know."""
        return tuple(pose for pose in self.spec.poses if pose.label in self.earlier.labels)


class Quick(NamedTuple):
    """A calibrated model's file, its scores, those of its poses, and sentences about what is doubtful.

    told_apart: False: it takes a pose mostly for another, which `doubts` names.
    """

    model: bytes
    scores: Scores
    poses: list[PoseScore]
    doubts: list[str]
    told_apart: bool


def base_of(path: Path) -> Base | None:
    """The model of a file, if it can be calibrated in seconds.

    Raises:
        UserError: the file is not a myobridge model.
    """
    data = path.read_bytes()
    spec, earlier = check_model(data, path).spec, statistics_in(data)
    return None if earlier is None else Base(path, data, spec, earlier)


def calibrated(base: Base, recording: Recording, source: Path, name: str) -> Quick:
    """Calibrates the model on a recording; `name` is the new model's, and errors name `source`.

    Raises:
        UserError: the recording does not fit or does not suffice, poses look alike, or labels are exchanged.
    """
    check_fits(recording, base.spec, source)
    flat = [
        str(number) for number, channel in enumerate(recording.counts.T, 1) if not len(channel) or np.ptp(channel) == 0
    ]
    if flat:
        raise UserError(f"Channel {', '.join(flat)} of {source} is flat; check the electrodes and record it again.")
    poses = _poses_of(base, recording, source)
    try:
        windows, head = windows_of(base.data, base.spec, recording, base.path), head_of(base.data)
    except Refused as reason:
        raise TooLittle(f"{base.path} cannot be calibrated in seconds ({reason}); choose another model.") from reason
    if np.abs(decide(head.layers, windows, base.spec) - windows.angles_deg).max(initial=0) > TOLERATED_DEG:
        raise TooLittle(f"{base.path} does not decide as its head says; choose another model.")
    part = _parts(windows, base.spec.window_ms / 1000)
    judged = part >= 0
    _check_enough(part, windows, poses, source)
    learner, label = Learner(base.earlier, head, windows, poses, base.spec), windows.label[judged]
    missing = _missing(base, poses)
    order = check_order(decide(learner.centred(), windows, base.spec)[judged], label, poses)
    layers, unseen_deg = learner.best(part, fresh_too=not missing)
    now_deg = unseen_deg[judged]
    before, after = score(windows.angles_deg[judged], label, poses), score(now_deg, label, poses)
    alike = held_alike(now_deg, label, poses)
    if alike and (after.balanced_accuracy or 0.0) < (before.balanced_accuracy or 0.0) + BETTER:
        raise TooLittle(f"{', and '.join(alike)}, so the old model is kept; {MORE_DIFFERENT}.")
    confused = list(dict.fromkeys([*taken_for_another(now_deg, label, poses), *alike]))
    doubts = [*missing, *order, *([f"{', and '.join(confused)}; {MORE_DIFFERENT}."] if confused else [])]
    model = with_layers(base.data, layers, _spec_of(base.spec, name, recording))
    return Quick(model, Scores(before, after), pose_scores(now_deg, label, poses), doubts, told_apart=not confused)


def _missing(base: Base, poses: Poses) -> list[str]:
    """A sentence about the poses of the model that the recording lacks."""
    names = [pose.name for pose in base.poses if pose.label not in poses]
    return [f"Not recorded, so not judged: {', '.join(names)}."] if names else []


def _poses_of(base: Base, recording: Recording, source: Path) -> Poses:
    """The poses of the recording's labels, all of which the model knows."""
    if recording.label is None:
        raise UserError(f"{source} has no cues, so a model cannot learn from it; record it with `myobridge record`.")
    known = {pose.label: pose for pose in base.poses}
    own = {pose.label: pose for pose in recording.poses} or known
    labels = np.unique(recording.label).tolist()
    strange = [
        own[label].name if label in own else str(label)
        for label in labels
        if label not in own or label not in known or own[label].angles_deg != known[label].angles_deg
    ]
    if strange:
        raise TooLittle(
            f"{base.spec.name} does not know the poses {', '.join(strange)} of {source}; choose another model."
        )
    return {label: own[label] for label in labels}


def _check_enough(part: Rows, windows: Windows, poses: Poses, source: Path) -> None:
    for label, pose in poses.items():
        if min(np.sum(part[windows.label == label] == half) for half in (0, 1)) < LEAST_WINDOWS:
            if label == REST:
                raise UserError(f"{source} holds {pose.name} too briefly; rest for 2 s between the poses.")
            raise UserError(
                f"{source} holds {pose.name} too briefly; hold each pose for 2 s after its cue, or leave it out."
            )
    if len(poses) < 2:
        raise UserError(f"{source} holds one pose only; record every pose that the model shall tell apart.")


def _spec_of(spec: ModelSpec, name: str, recording: Recording) -> ModelSpec:
    seconds = round(len(recording.counts) / recording.fs_hz, 1)
    notes = {**spec.training, "base": spec.name, "calibrated_on_s": seconds}
    return msgspec.structs.replace(spec, name=name, training=notes)


def _parts(windows: Windows, window_s: float) -> Rows:
    """0 or 1 for each window, -1 for none: every other hold of a movement, or the halves of its only hold.

    No window of one part shares a sample with a window of the other.
    """
    part = np.full(len(windows.row), -1)
    for label in np.unique(windows.label[windows.hold >= 0]).tolist():
        own = windows.label == label
        holds = np.unique(windows.hold[own])
        if len(holds) > 1:
            part[own] = np.searchsorted(holds, windows.hold[own]) % 2
        else:
            middle_s = min(HELD_S, windows.since_s[own].max()) / 2
            part[own & (windows.since_s <= middle_s)] = 0
            part[own & (windows.since_s - window_s >= middle_s)] = 1
    return part
