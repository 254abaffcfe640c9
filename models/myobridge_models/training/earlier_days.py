"""Puts into a model file what a calibration in seconds needs to know of the days that the network has learnt from.

The host's own code reads the features, so a calibration finds them as they were measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from myobridge.calibration.class_statistics import HELD_S, Day, statistics_of
from myobridge.calibration.windows import windows_of
from myobridge.files import write_bytes
from myobridge.model.check import MAX_STATISTICS_BYTES
from myobridge.model.file import ModelSpec
from myobridge.model.head import head_of, with_statistics
from myobridge.model.load import open_model
from myobridge.model.onnx_reader import Refused
from myobridge.model.statistics import MAX_FEATURES, encode_statistics
from myobridge_models.data.training_set import Source


def add_statistics(path: Path, sources: Sequence[Source], repetitions: Sequence[int] | None = None) -> bool:
    """Adds class statistics of these recordings, or of these repetitions of them, to a freshly exported model.

    Returns whether there are any: not without cues of poses, not for a network whose head a calibration cannot change,
    and not for hundreds of poses. A recording that lacks a movement of another one is left out, because its centre
    would be another.

    Raises:
        UserError: the file cannot be read or written.
    """
    spec = open_model(path).spec
    data = path.read_bytes()
    try:
        few = head_of(data).inputs <= MAX_FEATURES
    except Refused:
        return False
    named = {pose.label for pose in spec.poses}
    days = [_day(data, spec, path, source, repetitions) for source in sources] if few and len(named) > 1 else []
    held = [set(day.labels[day.first].tolist()) if day is not None else set() for day in days]
    every = set[int]().union(*held)
    whole = [day for day, labels in zip(days, held, strict=True) if day is not None and labels == every]
    if len(every) < 2 or not whole:
        return False
    text = encode_statistics(statistics_of(whole))
    if len(text) > MAX_STATISTICS_BYTES:
        return False
    write_bytes(path, with_statistics(data, text))
    return True


def _day(data: bytes, spec: ModelSpec, path: Path, source: Source, repetitions: Sequence[int] | None) -> Day | None:
    """The windows of a recording's holds, without those of a pose that is nowhere held for long; none with angles."""
    _, recording = source
    if recording.label is None or recording.angles_deg is not None:
        return None
    windows = windows_of(data, spec, recording, path)
    inside = windows.hold >= 0
    if repetitions is not None and recording.repetition is not None:
        inside &= np.isin(recording.repetition[windows.row], repetitions)
    first = inside & (windows.since_s <= HELD_S)
    inside &= np.isin(windows.label, windows.label[first])
    return Day(windows.features[inside], windows.label[inside], first[inside])
