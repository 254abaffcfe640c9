"""Network angles in, servo angles out: smoothing, then the configured limits."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

from myobridge.model_file import Smoothing

SPEED_CUTOFF_HZ = 1.0
"""Cut-off of the speed estimate, the value of the One-Euro paper."""


def _weight(cutoff_hz: float, period_s: float) -> float:
    """Weight of the new value in a first-order low-pass."""
    return 1 / (1 + 1 / (2 * pi * cutoff_hz * period_s))


class Executor:
    """One-Euro filter (Casiez, Roussel, Vogel, CHI 2012) and limits, on five angles in degrees.

    Plain floats: five values are too few for numpy to win.
    """

    def __init__(
        self, smoothing: Smoothing | None, period_s: float, min_deg: Sequence[float], max_deg: Sequence[float]
    ) -> None:
        self._smoothing = smoothing
        self._period_s = period_s
        self._limits = list(zip(min_deg, max_deg, strict=True))
        self._speed_weight = _weight(SPEED_CUTOFF_HZ, period_s)
        self.reset()

    def reset(self) -> None:
        """The next angles are taken as they are."""
        self._angles: list[float] | None = None
        self._speeds: list[float] = []

    def __call__(self, angles_deg: Sequence[float]) -> tuple[float, ...]:
        """Smoothed angles within the limits."""
        if self._smoothing is None or self._angles is None:
            smoothed = list(angles_deg)
            self._speeds = [0.0] * len(smoothed)
        else:
            smoothed = [self._smooth(i, angle, self._smoothing) for i, angle in enumerate(angles_deg)]
        self._angles = smoothed
        return tuple([min(max(a, low), high) for a, (low, high) in zip(smoothed, self._limits, strict=True)])

    def _smooth(self, servo: int, angle_deg: float, smoothing: Smoothing) -> float:
        assert self._angles is not None
        before = self._angles[servo]
        speed = self._speeds[servo]
        speed += self._speed_weight * ((angle_deg - before) / self._period_s - speed)
        self._speeds[servo] = speed
        cutoff_hz = smoothing.min_cutoff_hz + smoothing.beta_hz_per_deg_s * abs(speed)
        return before + _weight(cutoff_hz, self._period_s) * (angle_deg - before)
