"""The sample clock: when was a sample taken, in the host's time.

Sample indices are the device's time. Arrival times are late by the transport, never early, and come in bunches;
a straight line through the earliest of them, over some seconds, gives the rate and the arrival of a sample
that nothing delayed. PING and PONG bracket an index between two host times, which gives the transport itself.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

KEPT_POINTS: Final = 256
POINT_SPACING_S: Final = 0.02
REFIT_S: Final = 0.5
MAX_RATE_ERROR: Final = 0.02
KEPT_PONGS: Final = 16


class SampleClock:
    """Regression of sample index against arrival time, with the transport delay from PING."""

    def __init__(self, fs_hz: float) -> None:
        self._period_s = 1 / fs_hz
        self._nominal_s = 1 / fs_hz
        self._points: deque[tuple[int, float]] = deque(maxlen=KEPT_POINTS)
        self._pongs: deque[tuple[float, float]] = deque(maxlen=KEPT_PONGS)
        self._base_index = 0
        self._base_s = 0.0
        self._next_point_s = 0.0
        self._next_fit_s = 0.0

    @property
    def fs_hz(self) -> float:
        """Measured sampling rate."""
        return 1 / self._period_s

    @property
    def transport_s(self) -> float:
        """Least time from the taking of a sample to its arrival, from the quickest PONG; 0 before the first."""
        return max(0.0, min(self._pongs)[1]) if self._pongs else 0.0

    def arrived(self, index: int, now_s: float) -> None:
        """Sample `index`, the newest of a frame, has just been read."""
        if now_s < self._next_point_s:
            return
        self._next_point_s = now_s + POINT_SPACING_S
        if not self._points:
            self._base_index, self._base_s = index, now_s
        self._points.append((index, now_s))
        early = now_s < self._base_s + (index - self._base_index) * self._period_s
        if early:
            self._base_index, self._base_s = index, now_s
        if now_s >= self._next_fit_s and len(self._points) >= KEPT_POINTS // 8:
            self._next_fit_s = now_s + REFIT_S
            self._fit()

    def pong(self, sent_s: float, received_s: float, next_index: int) -> None:
        """A PONG said that sample `next_index` was the next to be taken, between two host times."""
        round_trip = received_s - sent_s
        taken_s = (sent_s + received_s) / 2 - self._nominal_s / 2  # half a period: when `next_index - 1` was taken
        self._pongs.append((round_trip, self._arrival_s(next_index - 1) - taken_s))

    def sampled_s(self, index: int) -> float:
        """Host time at which sample `index` was taken."""
        return self._arrival_s(index) - self.transport_s

    def _arrival_s(self, index: int) -> float:
        return self._base_s + (index - self._base_index) * self._period_s

    def _fit(self) -> None:
        """Line through the earlier half of the arrivals; the line then touches the earliest."""
        points = np.array(self._points)
        index, arrival = points[:, 0] - points[0, 0], points[:, 1] - points[0, 1]
        late = arrival - index * self._nominal_s
        for _ in range(2):
            kept = late <= np.median(late)
            if np.ptp(index[kept]) == 0:
                return
            slope, offset = np.polyfit(index[kept], arrival[kept], 1)
            late = arrival - (offset + slope * index)
        if abs(slope / self._nominal_s - 1) > MAX_RATE_ERROR:
            return
        earliest = float(np.percentile(late, 5))
        self._period_s = float(slope)
        self._base_index = int(points[0, 0])
        self._base_s = float(points[0, 1] + offset + earliest)
