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

from myobridge_models.data import Take

REST: Final = 0
ENVELOPE_S: Final = 0.05
"""The envelope is the RMS of the last 50 ms of all channels together."""
BEGINS: Final = 0.25
"""Share of the way from rest to contraction (of the log envelope) at which a movement has begun."""
ENDS: Final = 0.6
"""Share below which it has ended: a hand that opens early is felt less than one that opens late."""
CONTRAST: Final = 1.4
"""A contraction whose envelope is less than this many times that of rest cannot be timed."""
FOLLOWS_S: Final = 0.4
"""When the muscle follows, where it cannot be seen: the median of BioPatRec's people is 0.3 to 0.4 s."""
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
    """Logarithm of the causal RMS over all channels, (T,)."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(emg).mean(axis=0), dtype=np.float64)])
    newest = np.arange(1, len(energy))
    oldest = np.maximum(0, newest - samples)
    power = (energy[newest] - energy[oldest]) / (newest - oldest)
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
    up = np.flatnonzero(log_envelope[start : min(end, start + latest)] > rest + BEGINS * rise)
    down = np.flatnonzero(log_envelope[end : end + latest] < rest + ENDS * rise)
    begin = start + int(up[0]) if len(up) else start + follows
    finish = end + int(down[0]) if len(down) else min(end + follows, len(log_envelope))
    return min(begin, end), finish
