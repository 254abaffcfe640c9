"""A simulated wearer who imitates a shown hand: late as people are, a little too far or not far enough, never exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from myobridge.model.file import REST_DEG
from myobridge.recording.movement import Movement
from myobridge.simulator.script import FingerScript, FloatArray

LATE_S: Final = (0.15, 0.35)
"""Delay of a hand behind the hand that it imitates; people track slow, predictable movements this well (Poulton,
Tracking Skill and Manual Control, 1974)."""
WANDERS_S: Final = 0.05
"""Standard deviation of the delay within a session."""
WANDERS_WITHIN_S: Final = (5.0, 15.0)
"""Periods of the slow sines that the delay wanders by."""
DEPTH_ERROR: Final = 0.05
"""Standard deviation of the share by which a finger goes too far or not far enough, throughout a session."""


class Begun(NamedTuple):
    """A movement, and the time at which the hand begins to show it."""

    start_s: float
    movement: Movement


class ShownScript:
    """The shown hand of a whole session: movements in order of time, and rest between them."""

    def __init__(self, begun: Sequence[Begun]) -> None:
        self._begun = begun

    def angles_deg(self, t_s: ArrayLike) -> FloatArray:  # noqa: D102 - its protocol says it
        t_s = np.asarray(t_s, dtype=np.float64)
        angles_deg = np.tile(np.array(REST_DEG, dtype=np.float64), (len(t_s), 1))
        for start_s, movement in self._begun:
            inside = (t_s >= start_s) & (t_s < start_s + movement.seconds)
            if inside.any():
                angles_deg[inside] = movement.shown_deg(t_s[inside] - start_s)
        return angles_deg


class ImitatingScript:
    """The fingers of a wearer who imitates the angles of `shown`; `seed` sets the wearer's lateness and depths."""

    def __init__(self, shown: FingerScript, seed: int, late_s: float | None = None) -> None:
        """late_s: the mean delay; None: a person's."""
        rng = np.random.default_rng([seed, 5])
        usual_s = float(rng.uniform(*LATE_S))
        self._shown = shown
        self.late_s = usual_s if late_s is None else late_s
        self._depth = 1 + DEPTH_ERROR * rng.standard_normal(len(REST_DEG))
        self._hz = 1 / rng.uniform(*WANDERS_WITHIN_S, 2)
        self._turns = rng.random(2)

    def angles_deg(self, t_s: ArrayLike) -> FloatArray:  # noqa: D102 - its protocol says it
        t_s = np.asarray(t_s, dtype=np.float64)
        wave = np.sin(2 * np.pi * (t_s[:, None] * self._hz + self._turns)).sum(axis=1)
        shown_deg = self._shown.angles_deg(np.maximum(0, t_s - self.late_s - WANDERS_S * wave))
        return np.clip(REST_DEG + self._depth * (shown_deg - REST_DEG), 0, 180)
