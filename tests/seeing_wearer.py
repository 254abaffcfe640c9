"""A simulated wearer who sees the hand and the target, and corrects the own hand as people do: late, and in steps.

The wearer moves towards a new target after a reaction time, looks at where the hand ends up, and corrects the intention
by a share of the error that is seen, again after a reaction time (intermittent control: Craik, Br. J. Psychol. 38,
1947). The wearer knows nothing about the decoder. The synthesis is 0.1 to 0.2 s ahead of the samples, so that a
decision takes effect 0.2 to 0.3 s after the look.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myobridge.model.file import REST_DEG, Pose
from myobridge.simulator.script import FloatArray, _Moves

REACTION_S: Final = (0.08, 0.15)
"""Added to the synthesis, which is 0.1 to 0.2 s ahead."""
MOVE_S: Final = (0.3, 0.5)
CORRECTION_S: Final = (0.2, 0.3)
EFFORT: Final = 0.05
"""Standard deviation of the share of the way to a target that a first movement takes."""
SHARE: Final = 0.6
"""Share of the seen error that a correction takes back."""
CONTENT_DEG: Final = 7.0
"""A smaller error is left alone."""
LOOK_S: Final = 0.35
"""A wearer waits this long for the effect of a movement before the next correction."""


class SeeingWearer:
    """A `FingerScript`; tell it with `see` what the screen shows."""

    def __init__(self, seed: int, *, lazy: bool = False) -> None:
        """lazy: the wearer does nothing."""
        self._rng = np.random.default_rng([seed, 6])
        self._lazy = lazy
        self._moves = _Moves()
        self._target: NDArray[np.float64] = np.array(REST_DEG, np.float64)
        self._aim = self._target.copy()
        """The target that the wearer has reacted to."""
        self._intended = self._target.copy()
        self._here = self._target.copy()
        self._known_s = self._still_s = 0.0

    def see(self, target_deg: Pose, here_deg: Pose) -> None:
        """Takes what the screen shows now."""
        self._target, self._here = np.array(target_deg, np.float64), np.array(here_deg, np.float64)

    def angles_deg(self, t_s: ArrayLike) -> FloatArray:
        t_s = np.asarray(t_s, dtype=np.float64)
        if not self._lazy and t_s.size and t_s.max() > self._known_s:
            self._decide()
        self._known_s = max(self._known_s, float(t_s.max(initial=0)))
        return self._moves.angles_deg(t_s)

    def _decide(self) -> None:
        rng = self._rng
        if not np.array_equal(self._target, self._aim):
            self._aim = self._target.copy()
            effort = 1 + EFFORT * rng.standard_normal()
            self._move(REST_DEG + effort * (self._aim - REST_DEG), rng.uniform(*MOVE_S))
        elif self._known_s > self._still_s + LOOK_S and np.abs(error := self._aim - self._here).max() > CONTENT_DEG:
            self._move(self._intended + SHARE * error, rng.uniform(*CORRECTION_S))

    def _move(self, intended: NDArray[np.float64], lasts_s: float) -> None:
        self._intended = np.clip(intended, 0, 180)
        start_s = max(self._known_s + self._rng.uniform(*REACTION_S), self._still_s)
        self._moves.append(np.array([start_s]), np.array([lasts_s]), self._intended[None])
        self._still_s = start_s + lasts_s
