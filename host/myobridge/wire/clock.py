"""The sample clock: when was a sample taken, in the host's time, and how fast does the board really sample?

Sample indices are the board's time. The transport makes arrivals late, never early, and bunches them. Below all points
(index, arrival) lies one line that touches the earliest points: an edge of their lower hull (Moon, Skelly and Towsley,
INFOCOM 1999). The slope of the line is the sampling period; the line gives the arrival of a sample without any delay.
PING and PONG bracket an index between two host times, which measures the transport itself.

A change of the rate bends the line. Once the arrivals leave the line, only the newest two seconds count.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import floor, inf
from typing import Final

from myobridge.wire.emg import index_step

KEPT_POINTS: Final = 256
POINT_SPACING_S: Final = 0.08
"""The clock keeps the earliest arrival in each stretch of this length: twenty seconds in all."""
FIRST_FIT_POINTS: Final = 8
REFIT_S: Final = 0.5
RECENT_S: Final = 2.0
"""Longer than any stall of a busy machine, and short enough to follow a board that warms up."""
LEFT_S: Final = 0.01
"""The rate has changed if all arrivals are later than the line by this much, or one arrival is earlier by it."""
LATEST_S: Final = 0.02
"""The ends of a measurement may be late by this much: 16 ms for an FTDI adapter, 4 ms for USB and scheduling."""
TOLERANCE: Final = 0.02
"""The hand may move while the error of the rate is at most this.

A ceramic resonator, as on an Arduino, is within 0.5 % when new and within 1 % when warm and old. At an error of 2 %,
50 Hz fall outside the lines that the contact check takes for hum (1 Hz wide at 200 ms), and filters and network get
another band.
"""
KEPT_PONGS: Final = 16

Point = tuple[int, float]


class SampleClock:
    """The line below the arrivals, and the transport delay from PING. All indices are unwrapped, except in `pong`."""

    def __init__(self, nominal_hz: float) -> None:
        self.nominal_hz = nominal_hz
        """The configured sampling rate."""
        self._restart()

    def _restart(self) -> None:
        self._period_s = 1 / self.nominal_hz
        self._points: deque[Point] = deque(maxlen=KEPT_POINTS)
        self._pongs: deque[tuple[float, int, float]] = deque(maxlen=KEPT_PONGS)
        """Round-trip time, an index, and the time at which its sample was taken."""
        self.transport_s = 0.0
        """Shortest time from a sample to its arrival, from the quickest PONG; 0 before the first PONG."""
        self.measured = False
        """The rate is measured from arrivals; until then `fs_hz` is the nominal rate."""
        self.rate_off = False
        """The measured rate differs from the nominal rate by more than TOLERANCE."""
        self._base: Point = (0, 0.0)
        self._early_s = 0.0
        self._next_point_s = -inf
        self._next_fit_s = 0.0

    @property
    def fs_hz(self) -> float:
        """Measured sampling rate; the nominal rate until it is measured."""
        return 1 / self._period_s

    def arrived(self, index: int, now_s: float) -> None:
        """Takes the index of the newest sample of a new frame. An index that goes back starts a new stream."""
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
        """Takes a PONG: between two host times, `next_index` (modulo 2^32) was the index of the next sample."""
        if not self._points:
            return
        newest = self._points[-1][0]
        index = newest + index_step(next_index - 1, newest)
        taken_s = (sent_s + received_s) / 2 - self._period_s / 2  # half a period: the time of sample `index` itself
        self._pongs.append((received_s - sent_s, index, taken_s))
        self._weigh_transport()

    def _weigh_transport(self) -> None:
        if self._pongs:
            _, index, taken_s = min(self._pongs)
            self.transport_s = max(0.0, self._arrival_s(index) - taken_s)

    def sampled_s(self, index: int) -> float:
        """Host time of sample `index`."""
        return self._arrival_s(index) - self.transport_s

    def index_at(self, t_s: float) -> int:
        """Index of the newest sample taken by the host time `t_s`."""
        base_index, base_s = self._base
        return base_index + floor((t_s + self.transport_s - base_s) / self._period_s)

    def _arrival_s(self, index: int) -> float:
        base_index, base_s = self._base
        return base_s + (index - base_index) * self._period_s

    def _follow(self, recent_s: float) -> None:
        """Fits the line again; if the arrivals since `recent_s` do not lie on it, only those arrivals count."""
        newest = self._points[-1][0]
        expected_s = self._arrival_s(newest)
        if self._early_s > LEFT_S:
            self._forget_before(recent_s)
        self._fit()
        if self._points[0][1] < recent_s and self._least_late_s(recent_s) > LEFT_S:
            self._forget_before(recent_s)
            self._fit()
            # Until the next PONG, assume that the transport got slower, so that the samples are older than on the line.
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
        """The edge of the hull below the middle of the points is the line closest below all of them."""
        hull = _lower_hull(self._points)
        middle = (hull[0][0] + hull[-1][0]) / 2
        if hull[0][0] < middle:
            start, end = next(edge for edge in pairwise(hull) if edge[1][0] >= middle)
            self._period_s, self._base = (end[1] - start[1]) / (end[0] - start[0]), end
            self.measured = True

    def _judge(self) -> None:
        """Allows for the lateness of both ends of a short measurement, but not once the rate has been off."""
        unsure = 0.0 if self.rate_off else LATEST_S / max(self._points[-1][1] - self._points[0][1], LATEST_S)
        self.rate_off = abs(self.fs_hz / self.nominal_hz - 1) > TOLERANCE + unsure


def _lower_hull(points: deque[Point]) -> list[Point]:
    """Points on the lower side of the convex hull, in order (Andrew's monotone chain)."""
    hull: list[Point] = []
    for index, arrival_s in points:
        while len(hull) > 1:
            (index_0, s_0), (index_1, s_1) = hull[-2:]
            if (s_1 - s_0) * (index - index_1) < (arrival_s - s_1) * (index_1 - index_0):
                break
            hull.pop()
        hull.append((index, arrival_s))
    return hull
