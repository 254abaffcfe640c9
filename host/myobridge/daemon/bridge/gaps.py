"""Finds the samples that a stream has lost, from its time stamps or from its counter. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LEARN_S: Final = 1.0
"""The jitter of the stamps is that of this long and of the time as long before."""
MOST_JITTER_S: Final = 0.125
COUNTER_SPAN: Final = 256
"""BrainFlow's boards count their packages in a byte."""


class StampGaps:
    """Counts lost samples by the holes in the time stamps.

    Stamps jitter where a program stamps what arrives. So a hole counts if it is longer than twice the jitter of the
    last second or two. In the first second the jitter is unknown, and counts as MOST_JITTER_S.
    """

    def __init__(self, fs_hz: float) -> None:
        self._period_s = 1 / fs_hz
        self._last_s: float | None = None
        self._turn_s = 0.0
        self._jitter_s = MOST_JITTER_S
        self._jitter_now_s = 0.0

    def lost(self, stamps_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """How many samples were lost before each sample, int64 (n,); stamps_s: float64 (n,), n > 0."""
        first_s = float(stamps_s[0])
        if self._last_s is None:
            self._last_s, self._turn_s = first_s - self._period_s, first_s + LEARN_S
        jitter_s = min(max(self._jitter_s, self._jitter_now_s), MOST_JITTER_S)
        lost = np.zeros(len(stamps_s), np.int64)
        for at, stamp_s in enumerate(stamps_s.tolist()):  # for a handful of stamps, numpy takes five times as long
            late_s = stamp_s - self._last_s - self._period_s
            if late_s > 0.75 * self._period_s + 2 * jitter_s:
                lost[at] = round(late_s / self._period_s)
            else:
                self._jitter_now_s = max(self._jitter_now_s, abs(late_s))
            self._last_s = stamp_s
        if not 0 <= self._turn_s - self._last_s <= LEARN_S:
            self._turn_s = self._last_s + LEARN_S
            self._jitter_s, self._jitter_now_s = self._jitter_now_s, 0.0
        return lost


class CounterGaps:
    """Counts lost samples by a counter that wraps at COUNTER_SPAN.

    Steps back are no loss: some boards give two samples one number, or wrap elsewhere.
    """

    def __init__(self) -> None:
        self._last: float | None = None

    def lost(self, counters: NDArray[np.float64]) -> NDArray[np.int64]:
        """How many samples were lost before each sample, int64 (n,); counters: float64 (n,), n > 0."""
        before = counters[0] - 1 if self._last is None else self._last
        self._last = float(counters[-1])
        ahead = (np.diff(counters, prepend=before).astype(np.int64) - 1) % COUNTER_SPAN
        return np.where(ahead < COUNTER_SPAN // 2, ahead, 0)
