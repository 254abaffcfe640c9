"""Label alignment: moves the labels from the cue's instants to the instants at which the muscle acts.

The muscle follows a cue 0 to 0.7 s late, each time differently. A network that trains on the cue's instants learns that
resting EMG is a movement. A network that trains without them never sees a movement begin or end.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.model.file import REST
from myobridge_models.data.takes import Take

ENVELOPE_S: Final = 0.12
"""The envelope is the RMS of all channels together over this time around each sample; shorter envelopes tremble."""
THRESHOLD: Final = 0.3
"""A movement begins and ends at this share of the way from rest to contraction (of the log envelope)."""
STAYS_S: Final = 0.1
"""A movement ends when the envelope stays below the threshold for this long."""
CONTRAST: Final = 1.4
"""A contraction cannot be timed if its envelope is less than this many times the envelope at rest."""
FOLLOWS_S: Final = 0.4
"""Assumed delay of the muscle where its onset cannot be seen."""
LATEST_S: Final = 1.2
"""Every muscle has followed by then."""
SETTLED_S: Final = 1.0
BEFORE_S: Final = 1.5
"""Rest is measured over this time before the cue."""


def aligned(take: Take, fs_hz: float) -> Take:
    """Returns the take with movement and target_deg as the muscle performed them; all its samples become usable.

    A take without cues (it has true angles instead) is returned unchanged.
    """
    if not (take.movement >= 0).all():
        return take
    log_envelope = _log_envelope(take.emg, round(ENVELOPE_S * fs_hz))
    movement = np.full_like(take.movement, REST)
    edges = [0, *(np.flatnonzero(np.diff(take.movement)) + 1).tolist(), len(take)]
    for start, end in pairwise(edges):
        if take.movement[start] != REST:
            begin, finish = _span(log_envelope, start, end, fs_hz)
            movement[begin:finish] = take.movement[start]
    pose = {int(m): take.target_deg[np.argmax(take.movement == m)] for m in np.unique(take.movement)}
    if REST not in pose:  # the cut holds contractions only
        return take
    target_deg = np.stack([pose[int(m)] for m in np.unique(movement)])[np.unique(movement, return_inverse=True)[1]]
    return replace(take, movement=movement, target_deg=target_deg, usable=np.ones(len(take), bool))


def _log_envelope(emg: NDArray[np.float32], samples: int) -> NDArray[np.float64]:
    """Returns the logarithm of the RMS over all channels, from `samples` samples around each sample, (T,)."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(emg).mean(axis=0), dtype=np.float64)])
    at = np.arange(len(energy) - 1)
    first, last = np.maximum(0, at - samples // 2), np.minimum(len(at), at + samples // 2 + 1)
    power = (energy[last] - energy[first]) / (last - first)
    floor = 1e-12
    return np.asarray(np.log(power + floor) / 2, np.float64)


def _span(log_envelope: NDArray[np.float64], start: int, end: int, fs_hz: float) -> tuple[int, int]:
    """Returns the first sample and the end of the contraction whose cue lasts from `start` to `end`."""
    follows, latest = round(FOLLOWS_S * fs_hz), round(LATEST_S * fs_hz)
    before = log_envelope[max(0, start - round(BEFORE_S * fs_hz)) : start]
    held = log_envelope[min(end - 1, start + round(SETTLED_S * fs_hz)) : end]
    rest = float(np.median(before)) if len(before) >= fs_hz / 2 else float(np.quantile(log_envelope, 0.1))
    rise = float(np.median(held)) - rest
    if rise < np.log(CONTRAST):
        return min(start + follows, end), min(end + follows, len(log_envelope))
    threshold = rest + THRESHOLD * rise
    quiet = np.flatnonzero(log_envelope[start : min(end, start + round(SETTLED_S * fs_hz))] < threshold)
    below = log_envelope[end : end + latest] < threshold
    long = max(1, round(STAYS_S * fs_hz))
    padded = np.concatenate([below, np.zeros(long, bool)])  # a take may end in a contraction
    stays = np.flatnonzero(np.convolve(padded, np.ones(long), "valid") == long)
    begin = start + (int(quiet[-1]) + 1 if len(quiet) else 0)
    finish = end + int(stays[0]) if len(stays) else min(end + follows, len(log_envelope))
    return min(begin, end), finish
