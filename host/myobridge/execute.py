"""Network angles in, servo angles out: rest gate, smoothing, then the configured limits."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

from myobridge.model_file import ModelSpec, Smoothing

SPEED_CUTOFF_HZ = 1.0
"""Cut-off of the speed estimate, the value of the One-Euro paper."""


def _weight(cutoff_hz: float, period_s: float) -> float:
    """Weight of the new value in a first-order low-pass."""
    return 1 / (1 + 1 / (2 * pi * cutoff_hz * period_s))


class Gate:
    """Rest until the network has meant something else for `hops` decisions in a row."""

    def __init__(self, rest_deg: Sequence[float], leave_deg: float, hops: int) -> None:
        self._rest_deg = tuple(rest_deg)
        self._leave_deg = leave_deg
        self._hops = hops
        self._away = 0

    def reset(self) -> None:
        """The hand is at rest."""
        self._away = 0

    def __call__(self, angles_deg: Sequence[float]) -> Sequence[float]:
        """The angles, or the rest pose."""
        away = max([abs(a - r) for a, r in zip(angles_deg, self._rest_deg, strict=True)]) > self._leave_deg
        self._away = self._away + 1 if away else 0
        return angles_deg if self._away >= self._hops else self._rest_deg


class Executor:
    """Rest gate, One-Euro filter (Casiez, Roussel, Vogel, CHI 2012) and limits, on five angles in degrees.

    Plain floats: five values are too few for numpy to win.
    """

    def __init__(self, spec: ModelSpec, min_deg: Sequence[float], max_deg: Sequence[float]) -> None:
        self._smoothing = spec.smoothing
        self._period_s = period_s = spec.hop_ms / 1000
        gate = spec.rest_gate
        self._gate = gate and Gate(spec.rest_pose_deg, gate.leave_deg, max(1, round(gate.after_ms / spec.hop_ms)))
        self._limits = list(zip(min_deg, max_deg, strict=True))
        self._speed_weight = _weight(SPEED_CUTOFF_HZ, period_s)
        self.reset()

    def reset(self) -> None:
        """The next angles are taken as they are."""
        self._angles: list[float] | None = None
        self._speeds: list[float] = []
        if self._gate:
            self._gate.reset()

    def __call__(self, angles_deg: Sequence[float]) -> tuple[float, ...]:
        """Smoothed angles within the limits."""
        if self._gate:
            angles_deg = self._gate(angles_deg)
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
