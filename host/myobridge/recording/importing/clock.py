"""What a column of times says about the sampling rate and about gaps. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

GAP: Final = 1.5
"""A step of this many usual steps is a gap."""
REGULAR: Final = 0.99
"""Share of the steps that must be near the usual step; times that a host took in bursts are not."""
MOST_DECIMALS: Final = 6


class Clock(NamedTuple):
    """Sampling rate, and rows before which samples are missing; rate None: the times do not say it."""

    rate_hz: float | None
    breaks: list[int]


def clock_of(times_s: NDArray[np.float64]) -> Clock:
    """Judges times in seconds, one for each sample."""
    steps = np.diff(times_s)
    if not len(steps) or not np.isfinite(steps).all():
        return Clock(None, [])
    usual = float(np.median(steps))
    if usual <= 0 or float((np.abs(steps - usual) < usual / 2).mean()) < REGULAR:
        return Clock(None, [])
    whole = (steps > 0) & (steps < GAP * usual)
    count, seconds = int(whole.sum()), float(steps[whole].sum())
    breaks = (np.flatnonzero(~whole) + 1).tolist()
    return Clock(_simplest(count, seconds), breaks)


def _simplest(count: int, seconds: float) -> float:
    """The rate with the fewest decimals that is right to half a sample over the whole time."""
    rate = count / seconds
    for decimals in range(MOST_DECIMALS):
        simple = round(rate, decimals)
        if simple > 0 and abs(count - seconds * simple) < 0.5:
            return simple
    return rate
