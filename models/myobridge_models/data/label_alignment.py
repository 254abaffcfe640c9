"""When the muscle follows its cue: labels that change with the EMG rather than with the clock.

A cue asks, and the muscle follows 0 to 0.7 s later, differently each time. Trained on the cue's own instants a network
is told that resting EMG is a movement; trained without them it never sees a movement begin or end.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge_models.data.takes import Take

REST: Final = 0
ENVELOPE_S: Final = 0.12
"""The envelope is the RMS of all channels together over so long, around each sample: shorter ones tremble."""
THRESHOLD: Final = 0.3
"""Share of the way from rest to contraction (of the log envelope) at which a movement begins and ends."""
STAYS_S: Final = 0.1
"""A movement has ended when the envelope stays below the threshold for so long."""
CONTRAST: Final = 1.4
"""A contraction whose envelope is less than this many times that of rest cannot be timed."""
FOLLOWS_S: Final = 0.4
"""When the muscle is taken to follow, where it cannot be seen."""
LATEST_S: Final = 1.2
"""No muscle follows later."""
SETTLED_S: Final = 1.0
BEFORE_S: Final = 1.5
"""Rest is measured over so long before the cue."""


def followed(take: Take, fs_hz: float) -> Take:
    """The take with movement and target_deg as the muscle did them; every sample may be trained on.

    A take without cues (true angles instead) is returned as it is.
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
    if REST not in pose:  # cut so that it holds contractions only
        return take
    target_deg = np.stack([pose[int(m)] for m in np.unique(movement)])[np.unique(movement, return_inverse=True)[1]]
    return replace(take, movement=movement, target_deg=target_deg, usable=np.ones(len(take), bool))


def _log_envelope(emg: NDArray[np.float32], samples: int) -> NDArray[np.float64]:
    """Logarithm of the RMS over all channels, `samples` around each sample, (T,)."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(emg).mean(axis=0), dtype=np.float64)])
    at = np.arange(len(energy) - 1)
    first, last = np.maximum(0, at - samples // 2), np.minimum(len(at), at + samples // 2 + 1)
    power = (energy[last] - energy[first]) / (last - first)
    floor = 1e-12
    return np.asarray(np.log(power + floor) / 2, np.float64)


def _span(log_envelope: NDArray[np.float64], start: int, end: int, fs_hz: float) -> tuple[int, int]:
    """First and one past the last sample of the contraction that was asked for from `start` to `end`."""
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
