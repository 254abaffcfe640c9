"""The sample clock: when was a sample taken, in the host's time, and how fast does the board really sample?

Sample indices are the device's time. Arrival times are late by the transport, never early, and come in bunches. Under
all points (index, arrival) lies one line that touches the earliest: an edge of their lower hull (Moon, Skelly and
Towsley, INFOCOM 1999). Its slope is the sampling period, and it says when a sample arrives that nothing delayed.
PING and PONG bracket an index between two host times, which gives the transport itself.

A rate that changes bends the line. Where arrivals leave it, only the newest two seconds count from then on.
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
RECENT_S: Final = 2.0
"""Longer than any stall that a busy machine makes, and short enough to follow a board that warms up."""
LEFT_S: Final = 0.01
"""Arrivals that are all later than the line by this, or one that is earlier, mean that the rate has changed."""
LATEST_S: Final = 0.02
"""The ends of a measurement may be late by this unnoticed: 16 ms of an FTDI adapter, 4 ms of USB and scheduling."""
TOLERANCE: Final = 0.02
"""Largest error of the rate at which the hand may move.

A ceramic resonator, as on an Arduino, is within 0.5 % when new and within 1 % when warm and old. From 2 % on, 50 Hz lie
outside the lines by which hum is known (1 Hz wide at the check's 200 ms), and filters and network see another band.
"""
KEPT_PONGS: Final = 16
INDEX_SPAN: Final = 1 << 32

Point = tuple[int, float]


class SampleClock:
    """The line under the arrivals, and the transport delay from PING. Indices are unwrapped but for a PONG's."""

    def __init__(self, nominal_hz: float) -> None:
        self.nominal_hz = nominal_hz
        """The rate that the board was told to sample at."""
        self._restart()

    def _restart(self) -> None:
        self._period_s = 1 / self.nominal_hz
        self._points: deque[Point] = deque(maxlen=KEPT_POINTS)
        self._pongs: deque[tuple[float, int, float]] = deque(maxlen=KEPT_PONGS)
        """Round trip, an index, and when its sample was taken."""
        self.transport_s = 0.0
        """Least time from the taking of a sample to its arrival, from the quickest PONG; 0 before the first."""
        self.measured = False
        """The rate comes from arrivals; before that, it is the nominal one."""
        self.rate_off = False
        """The rate has been measured and is more than TOLERANCE away from the nominal one."""
        self._base: Point = (0, 0.0)
        self._early_s = 0.0
        self._next_point_s = 0.0
        self._next_fit_s = 0.0

    @property
    def fs_hz(self) -> float:
        """Measured sampling rate; the nominal one until it is measured."""
        return 1 / self._period_s

    def arrived(self, index: int, now_s: float) -> None:
        """Sample `index`, the newest of a frame, has just been read. An index that goes back begins a new stream."""
        if self._points and index < self._points[-1][0]:
            self._restart()
        if not self._points:
            self._base = (index, now_s)
        elif (early_s := self._arrival_s(index) - now_s) > 0:
            self._early_s += early_s
            self._base = (index, now_s)
        if now_s >= self._next_point_s:
            self._next_point_s = now_s + POINT_SPACING_S
            self._points.append((index, now_s))
        elif now_s - self._points[-1][1] < (index - self._points[-1][0]) * self._period_s:
            self._points[-1] = (index, now_s)
        if now_s >= self._next_fit_s and len(self._points) >= FIRST_FIT_POINTS:
            self._next_fit_s = now_s + REFIT_S
            self._follow(now_s - RECENT_S)

    def pong(self, sent_s: float, received_s: float, next_index: int) -> None:
        """A PONG said that sample `next_index` (modulo 2^32) was the next to be taken, between two host times."""
        if not self._points:
            return
        newest = self._points[-1][0]
        index = newest + (next_index - 1 - newest + INDEX_SPAN // 2) % INDEX_SPAN - INDEX_SPAN // 2
        taken_s = (sent_s + received_s) / 2 - self._period_s / 2  # half a period: when `index` was taken
        self._pongs.append((received_s - sent_s, index, taken_s))
        self._weigh_transport()

    def _weigh_transport(self) -> None:
        if self._pongs:
            _, index, taken_s = min(self._pongs)
            self.transport_s = max(0.0, self._arrival_s(index) - taken_s)

    def sampled_s(self, index: int) -> float:
        """Host time at which sample `index` was taken."""
        return self._arrival_s(index) - self.transport_s

    def _arrival_s(self, index: int) -> float:
        base_index, base_s = self._base
        return base_s + (index - base_index) * self._period_s

    def _follow(self, recent_s: float) -> None:
        """Fits the line; where the arrivals from `recent_s` on are not its own, only those count."""
        newest = self._points[-1][0]
        expected_s = self._arrival_s(newest)
        if self._early_s > LEFT_S:
            self._forget_before(recent_s)
        self._fit()
        if self._points[0][1] < recent_s and self._least_late_s(recent_s) > LEFT_S:
            self._forget_before(recent_s)
            self._fit()
            # Until a PONG tells, the samples may as well be older than the line says, because the way got longer.
            self.transport_s += max(0.0, self._arrival_s(newest) - expected_s)
        self._early_s = 0.0
        self._weigh_transport()
        self._judge()

    def _least_late_s(self, since_s: float) -> float:
        return min(arrival_s - self._arrival_s(index) for index, arrival_s in self._points if arrival_s >= since_s)

    def _forget_before(self, since_s: float) -> None:
        self._pongs.clear()
        while len(self._points) > 1 and self._points[0][1] < since_s:
            self._points.popleft()

    def _fit(self) -> None:
        """The hull's edge under the middle of the points is the line that all of them lie closest above."""
        hull = _lower_hull(self._points)
        middle = (hull[0][0] + hull[-1][0]) / 2
        if hull[0][0] < middle:
            start, end = next(edge for edge in pairwise(hull) if edge[1][0] >= middle)
            self._period_s, self._base = (end[1] - start[1]) / (end[0] - start[0]), end
            self.measured = True

    def _judge(self) -> None:
        """A short measurement is inexact by what its ends may be late; once the rate is off, it has to come back."""
        unsure = 0.0 if self.rate_off else LATEST_S / max(self._points[-1][1] - self._points[0][1], LATEST_S)
        self.rate_off = abs(self.fs_hz / self.nominal_hz - 1) > TOLERANCE + unsure


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
