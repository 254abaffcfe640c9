"""Turns network angles into servo angles: rest gate, smoothing, then the configured limits."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

from myobridge.model.file import ModelSpec, RestGate, Smoothing

SPEED_CUTOFF_HZ = 1.0
"""Cut-off of the speed estimate, as in the One-Euro paper. The speed is the way to the new angle in a hop."""


class Gate:
    """Applies a `RestGate`: keeps the rest pose until the network has left it for long enough. Counts decisions."""

    def __init__(self, rest_deg: Sequence[float], gate: RestGate, hop_ms: float) -> None:
        self._rest_deg = tuple(rest_deg)
        self._leave_deg = gate.leave_deg
        self._after = max(1, round(gate.after_ms / hop_ms))
        self._again_after = max(self._after, round(gate.again_after_ms / hop_ms))
        self._settling = round(gate.settling_ms / hop_ms)
        self.reset()

    def reset(self) -> None:
        """Assumes that the hand has been at rest for a long time."""
        self._moves = False
        self._away = 0
        self._since_rest = self._settling

    def __call__(self, angles_deg: Sequence[float]) -> Sequence[float]:
        """The angles, or the rest pose."""
        away = max([abs(a - r) for a, r in zip(angles_deg, self._rest_deg, strict=True)]) > self._leave_deg
        self._away = self._away + 1 if away else 0
        if self._moves:
            self._moves, self._since_rest = away, 1
        else:
            self._since_rest += 1
            rested = self._since_rest - self._away
            lets_go = self._after <= rested < self._settling
            self._moves = self._away >= (self._again_after if lets_go else self._after)
        return angles_deg if self._moves else self._rest_deg


class Postprocessor:
    """Rest gate, One-Euro filter (Casiez, Roussel, Vogel, CHI 2012) and limits, on five angles in degrees.

    Plain floats: five values are too few for numpy to win.
    """

    def __init__(self, spec: ModelSpec, min_deg: Sequence[float], max_deg: Sequence[float]) -> None:
        self._smoothing = spec.smoothing
        self._period_s = period_s = spec.hop_ms / 1000
        gate = spec.rest_gate
        self._gate = gate and Gate(spec.rest_pose_deg, gate, spec.hop_ms)
        self._limits = list(zip(min_deg, max_deg, strict=True))
        self._speed_weight = 1 / (1 + 1 / (2 * pi * SPEED_CUTOFF_HZ * period_s))
        self.reset()

    def reset(self) -> None:
        """Takes the next angles without smoothing."""
        self._angles: list[float] | None = None
        self._speeds: list[float] = []
        if self._gate:
            self._gate.reset()

    def __call__(self, angles_deg: Sequence[float]) -> tuple[float, ...]:
        """Smoothed angles within the limits."""
        if self._gate:
            angles_deg = self._gate(angles_deg)
        if self._smoothing is None or self._angles is None:
            self._angles = list(angles_deg)
            self._speeds = [0.0] * len(self._angles)
        else:
            self._smooth(angles_deg, self._angles, self._smoothing)
        return tuple([min(max(a, low), high) for a, (low, high) in zip(self._angles, self._limits, strict=True)])

    def _smooth(self, angles_deg: Sequence[float], smoothed: list[float], smoothing: Smoothing) -> None:
        """One step of the filter for all servos; a call for each servo would cost more than the filter."""
        period_s, speeds = self._period_s, self._speeds
        for servo, angle in enumerate(angles_deg):
            change = angle - smoothed[servo]
            speeds[servo] += self._speed_weight * (change / period_s - speeds[servo])
            fast_deg_per_s = abs(speeds[servo]) - smoothing.calm_deg_per_s
            cutoff_hz = smoothing.min_cutoff_hz
            if fast_deg_per_s > 0:
                cutoff_hz += smoothing.beta_hz_per_deg_s * fast_deg_per_s
            smoothed[servo] += change / (1 + 1 / (2 * pi * cutoff_hz * period_s))
