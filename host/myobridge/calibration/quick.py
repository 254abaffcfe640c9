"""Calibration in seconds: from a model with class statistics, and a second or two of each pose, to a model for today.

The scores are those of windows that the judged model has not learnt from: of every other hold of a pose, or of the
other half of its only hold. The new model then learns from all holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.calibrate import Scores
from myobridge.calibration.class_statistics import HELD_S, Translation, translation
from myobridge.calibration.judge import Poses, PoseScore, check_alike, check_order, pose_scores, score
from myobridge.calibration.plan import Timing
from myobridge.calibration.poses import REST
from myobridge.calibration.windows import Floats, Rows, Windows, windows_of
from myobridge.errors import UserError
from myobridge.model.check import check_model, statistics_in
from myobridge.model.file import LabelledPose, ModelSpec
from myobridge.model.head import Head, Layer, head_of, with_first_layer
from myobridge.model.onnx_reader import Refused
from myobridge.model.statistics import ClassStatistics
from myobridge.recording import Recording
from myobridge.recording.replay import check_fits

TIMING: Final = Timing(repetitions=1, hold_s=2.0, rest_s=1.6)
"""Seven poses take 23 s of EMG; the muscle follows within 0.7 s, and a window takes 0.4 s."""
LEAST_WINDOWS: Final = 3
"""Windows of a movement in each half; fewer say nothing."""
TOLERATED_DEG: Final = 0.1
"""Rounding between onnxruntime and numpy."""
FULL_DEG: Final = 180.0


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
    """A calibrated model's file, its scores, those of its poses, and sentences about what is doubtful."""

    model: bytes
    scores: Scores
    poses: list[PoseScore]
    doubts: list[str]


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
        raise UserError(f"{base.path} cannot be calibrated in seconds ({reason}); add --long.") from reason
    if np.abs(_loop(head.layers, windows, base.spec) - windows.angles_deg).max(initial=0) > TOLERATED_DEG:
        raise UserError(f"{base.path} does not decide as its head says; add --long.")
    part = _parts(windows, base.spec.window_ms / 1000)
    judged, known = part >= 0, (windows.hold >= 0) & (windows.since_s <= HELD_S)
    _check_enough(part, windows, poses, source)
    moved = translation(base.earlier, windows.features[known])
    doubts = [
        *_missing(base, poses),
        *check_order(_decide(base, head, moved, windows)[judged], windows.label[judged], poses),
    ]
    now_deg = _unseen(base, head, windows, part, known)[judged]
    label = windows.label[judged]
    scores = Scores(score(windows.angles_deg[judged], label, poses), score(now_deg, label, poses))
    check_alike(now_deg, label, poses)
    moved = translation(base.earlier, windows.features[known], windows.label[known])
    model = with_first_layer(base.data, _first_layer(head, moved), _spec_of(base.spec, name, recording))
    return Quick(model, scores, pose_scores(now_deg, label, poses), doubts)


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
        raise UserError(
            f"{base.spec.name} does not know the poses {', '.join(strange)} of {source}; add --long to train on them."
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


def _first_layer(head: Head, moved: Translation) -> Layer:
    weight, bias = moved.before(*(part.astype(np.float64) for part in head.earlier))
    return weight.astype(np.float32), bias.astype(np.float32)


def _decide(base: Base, head: Head, moved: Translation, windows: Windows) -> Floats:
    return _loop([_first_layer(head, moved), *head.layers[1:]], windows, base.spec)


def _loop(layers: Sequence[Layer], windows: Windows, spec: ModelSpec) -> Floats:
    """The angles (N, 5) of a head in its closed loop, from rest at the start of each take."""
    (first, bias), *later = [(weight.T.astype(np.float64), bias.astype(np.float64)) for weight, bias in layers]
    count = windows.features.shape[1]
    read, of_history = windows.features @ first[:count] + bias, first[count:]
    rest = np.array(spec.rest_pose_deg * 2)[: len(of_history)]
    found, past = np.empty((len(read), len(spec.rest_pose_deg))), rest
    for number, starts in enumerate(windows.starts.tolist()):
        past = rest if starts else past
        x = read[number] + (past / (FULL_DEG / 2) - 1) @ of_history
        for weight, bias in later:
            x = np.maximum(x, 0) @ weight + bias
        found[number] = FULL_DEG / (1 + np.exp(-x))
        past = np.concatenate([found[number], past])[: len(of_history)]
    return found


def _unseen(base: Base, head: Head, windows: Windows, part: Rows, known: NDArray[np.bool_]) -> Floats:
    """The angles (N, 5) of models that have learnt from the other part each, on windows of a part."""
    angles_deg = np.zeros_like(windows.angles_deg)
    for half in (0, 1):
        learnt = known & (part == 1 - half)
        moved = translation(base.earlier, windows.features[learnt], windows.label[learnt])
        angles_deg[part == half] = _decide(base, head, moved, windows)[part == half]
    return angles_deg


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
