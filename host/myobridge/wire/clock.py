"""The sample clock: when was a sample taken, in the host's time.

Sample indices are the device's time. Arrival times are late by the transport, never early, and come in bunches. Under
all points (index, arrival) lies one line that touches the earliest: an edge of their lower hull (Moon, Skelly and
Towsley, INFOCOM 1999). Its slope is the sampling period, and it says when a sample arrives that nothing delayed.
PING and PONG bracket an index between two host times, which gives the transport itself.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Final

KEPT_POINTS: Final = 256
POINT_SPACING_S: Final = 0.08
"""The earliest arrival of each such stretch is kept: twenty seconds in all."""
FIRST_FIT_POINTS: Final = 8
REFIT_S: Final = 0.5
MAX_RATE_ERROR: Final = 0.02
KEPT_PONGS: Final = 16
INDEX_SPAN: Final = 1 << 32

Point = tuple[int, float]


class SampleClock:
    """The line under the arrivals, and the transport delay from PING. Indices are unwrapped but for a PONG's."""

    def __init__(self, fs_hz: float) -> None:
        self._nominal_s = 1 / fs_hz
        self._restart()

    def _restart(self) -> None:
        self._period_s = self._nominal_s
        self._points: deque[Point] = deque(maxlen=KEPT_POINTS)
        self._pongs: deque[tuple[float, float]] = deque(maxlen=KEPT_PONGS)
        self.transport_s = 0.0
        """Least time from the taking of a sample to its arrival, from the quickest PONG; 0 before the first."""
        self._base: Point = (0, 0.0)
        self._next_point_s = 0.0
        self._next_fit_s = 0.0

    @property
    def fs_hz(self) -> float:
        """Measured sampling rate."""
        return 1 / self._period_s

    def arrived(self, index: int, now_s: float) -> None:
        """Sample `index`, the newest of a frame, has just been read. An index that goes back begins a new stream."""
        if self._points and index < self._points[-1][0]:
            self._restart()
        if not self._points or now_s < self._arrival_s(index):
            self._base = (index, now_s)
        if now_s >= self._next_point_s:
            self._next_point_s = now_s + POINT_SPACING_S
            self._points.append((index, now_s))
        elif now_s - self._points[-1][1] < (index - self._points[-1][0]) * self._period_s:
            self._points[-1] = (index, now_s)
        if now_s >= self._next_fit_s and len(self._points) >= FIRST_FIT_POINTS:
            self._next_fit_s = now_s + REFIT_S
            self._fit()

    def pong(self, sent_s: float, received_s: float, next_index: int) -> None:
        """A PONG said that sample `next_index` (modulo 2^32) was the next to be taken, between two host times."""
        if not self._points:
            return
        newest = self._points[-1][0]
        index = newest + (next_index - 1 - newest + INDEX_SPAN // 2) % INDEX_SPAN - INDEX_SPAN // 2
        taken_s = (sent_s + received_s) / 2 - self._nominal_s / 2  # half a period: when `index` was taken
        self._pongs.append((received_s - sent_s, self._arrival_s(index) - taken_s))
        self.transport_s = max(0.0, min(self._pongs)[1])

    def sampled_s(self, index: int) -> float:
        """Host time at which sample `index` was taken."""
        return self._arrival_s(index) - self.transport_s

    def _arrival_s(self, index: int) -> float:
        base_index, base_s = self._base
        return base_s + (index - base_index) * self._period_s

    def _fit(self) -> None:
        """The hull's edge under the middle of the points is the line that all of them lie closest above."""
        hull = _lower_hull(self._points)
        middle = (hull[0][0] + hull[-1][0]) / 2
        start, end = next(edge for edge in pairwise(hull) if edge[1][0] >= middle)
        period_s = (end[1] - start[1]) / (end[0] - start[0])
        if abs(period_s / self._nominal_s - 1) <= MAX_RATE_ERROR:
            self._period_s, self._base = period_s, end


def _lower_hull(points: deque[Point]) -> list[Point]:
    """Points of the convex hull's lower side, in order (Andrew's monotone chain)."""
    hull: list[Point] = []
    for index, arrival_s in points:
        while len(hull) > 1:
            (index_0, s_0), (index_1, s_1) = hull[-2:]
            if (s_1 - s_0) * (index - index_1) < (arrival_s - s_1) * (index_1 - index_0):
                break
            hull.pop()
        hull.append((index, arrival_s))
    return hull
