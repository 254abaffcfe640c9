"""The windows of a recording as the network of a model sees them: what a calibration learns from and is judged on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.calibration.quality import FOLLOWED_S
from myobridge.decoder.prefilter import Prefilter
from myobridge.model.file import ModelSpec
from myobridge.model.head import with_features
from myobridge.model.load import Model
from myobridge.recording import Recording

STEP_S: Final = 0.05
"""Time from one window to the next where the network has no history that says it."""
CUE_S: Final = 0.25
"""The muscle follows a cue, and fills a window, after some time; 0.15 to 0.4 s did alike on persons 2, 3, 5, 9 and 13
of BioPatRec. In a window that is shorter, the cue is that of its first sample, so it is one of its take."""
HISTORY: Final = 2 * len(SERVOS)

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Windows(NamedTuple):
    """Windows of a recording, one history step apart.

    row: int64 (N,), of the newest sample. starts: bool (N,), the first window of a take.
    label, hold: int64 (N,), of the hold that the window lies wholly inside, after the muscle has followed the cue; rest
    is held, too. -1: of none.
    since_s: float64 (N,), from the settled start of that hold to the window's end.
    features: float64 (N, F). angles_deg: float64 (N, 5), of the model in its closed loop.
    cue: int64 (N,), the label CUE_S before the newest sample, between two holds too.
    """

    row: Rows
    starts: NDArray[np.bool_]
    label: Rows
    hold: Rows
    since_s: Floats
    features: Floats
    angles_deg: Floats
    cue: Rows


def windows_of(data: bytes, spec: ModelSpec, recording: Recording, path: Path) -> Windows:
    """The windows of a labelled recording that fits the model, whose checked file has the bytes `data`.

    Raises:
        Refused: the model has no head.
        UserError: onnxruntime does not take the graph of the file `path`.
    """
    graph, name = with_features(data)
    session = Model(path, spec, graph, None, streaming=False).session
    step = spec.history_hops * spec.hop_samples or round(STEP_S * spec.fs_hz)
    rows, starts, features, angles = [], [], [], []
    for take in recording.takes():
        emg = _filtered(recording.counts[take], recording.adc_bits, spec)
        past = [np.array(spec.rest_pose_deg, np.float32)] * 2
        for end in range(spec.window_samples, emg.shape[1] + 1, step):
            feed = {"emg": emg[None, :, end - spec.window_samples : end]}
            if spec.history_hops:
                feed["history"] = np.concatenate(past)[None]
            said, read = session.run(["angles", name], feed)
            past = [said[0], past[0]]
            rows.append(take.start + end - 1)
            starts.append(end == spec.window_samples)
            features.append(read[0, : -HISTORY if spec.history_hops else None])
            angles.append(said[0])
    row = np.array(rows, np.int64)
    held = _held(recording, spec, row)
    read = np.array(features, np.float64).reshape(len(row), len(features[0]) if features else 0)
    angles_deg = np.array(angles, np.float64).reshape(-1, len(SERVOS))
    assert recording.label is not None
    back = min(round(CUE_S * spec.fs_hz), spec.window_samples - 1)
    cue = recording.label[row - back].astype(np.int64)
    return Windows(row, np.array(starts, bool), *held, read, angles_deg, cue)


def _filtered(counts: NDArray[np.int16], adc_bits: int, spec: ModelSpec) -> NDArray[np.float32]:
    """Filters and scales counts (samples, channels) to float32 (channels, whole hops), as the daemon does."""
    hop = spec.hop_samples
    prefilter = Prefilter(spec.prefilter_sos, 1 / ((1 << (adc_bits - 1)) * np.array(spec.scale_fs)), hop)
    prefilter.reset(counts[0])
    emg = np.empty((counts.shape[1], len(counts) // hop * hop), np.float32)
    for at in range(0, emg.shape[1], hop):
        emg[:, at : at + hop] = prefilter(counts[at : at + hop]).T
    return emg


def _held(recording: Recording, spec: ModelSpec, row: Rows) -> tuple[Rows, Rows, Floats]:
    """Label, hold and time since its settled start of each window."""
    label, hold, since_s = np.full(len(row), -1), np.full(len(row), -1), np.zeros(len(row))
    for number, (first, end, of) in enumerate(_holds(recording)):
        inside = (row - spec.window_samples + 1 >= first) & (row < end)
        label[inside], hold[inside] = of, number
        since_s[inside] = (row[inside] + 1 - first) / spec.fs_hz
    return label, hold, since_s


def _holds(recording: Recording) -> Iterator[tuple[int, int, int]]:
    """First settled row, end and label of each hold; a take without a cue is held from its first row on."""
    assert recording.label is not None
    for take in recording.takes():
        own = recording.label[take]
        edges = [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), len(own)]
        follows = round(FOLLOWED_S * recording.fs_hz) if len(edges) > 2 else 0
        for start, end in pairwise(edges):
            yield take.start + start + follows, take.start + end, int(own[start])
