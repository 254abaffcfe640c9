"""Scripts of the simulated wearer's fingers: five angles as a function of time.

Angles are in degrees, thumb to little finger, 0 open and 180 closed. A script is a sequence of moves. Each move leaves
the previous pose along a minimum-jerk curve (Flash and Hogan, J. Neurosci. 1985) and holds its pose until the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myobridge.calibration.poses import load_poses
from myobridge.errors import UserError
from myobridge.model.file import REST_DEG, Pose
from myobridge.simulator.safety import Safety

FloatArray = NDArray[np.float64]
POSES_DEG: Final[dict[str, Pose]] = {
    **{pose.name.lower(): pose.angles_deg for pose in load_poses()},
    "thumb": (150, 40, 40, 40, 40),
    "index": (40, 150, 40, 40, 40),
    "middle": (40, 40, 150, 40, 40),
    "ring": (40, 40, 40, 150, 40),
    "little": (40, 40, 40, 40, 150),
}
"""Poses of the simulated wearer: those of a guided recording, rest first, and each finger alone."""
_REST_PROBABILITY: Final = 0.4
_EFFORT: Final = (0.5, 1.0)
"""Range of the share of the way from rest to a pose that the fingers go."""
_HOLD_S: Final = (1.0, 3.0)
_MOVE_S: Final = (0.3, 0.8)
_MOVES_AT_A_TIME: Final = 64
_REACTION_S: Final = (0.05, 0.2)
"""Added to the synthesis, which is 0.1 to 0.2 s ahead: 0.2 to 0.4 s from cue to movement, as in people."""
_CUED_MOVE_S: Final = (0.3, 0.5)
_CUED_EFFORT: Final = (0.9, 1.0)
_NEAR_DEG: Final = 30.0
"""A new pose this near the last one belongs to a hand that moves before the wearer's eyes."""
_TRACKED_MOVE_S: Final = 0.1


class FingerScript(Protocol):
    """Angles for any time from 0 on."""

    def angles_deg(self, t_s: ArrayLike) -> FloatArray:
        """Angles (len(t_s), 5) in degrees at the times t_s (n,) in seconds."""


class _Moves:
    """Moves in order of time: start_s (n,), duration_s (n,), pose_deg (n, 5)."""

    def __init__(self) -> None:
        self.start_s = np.zeros(1)
        self.duration_s = np.ones(1)
        self.pose_deg = np.array([REST_DEG], dtype=np.float64)

    def append(self, start_s: FloatArray, duration_s: FloatArray, pose_deg: FloatArray) -> None:
        self.start_s = np.append(self.start_s, start_s)
        self.duration_s = np.append(self.duration_s, duration_s)
        self.pose_deg = np.append(self.pose_deg, pose_deg, axis=0)

    def angles_deg(self, t_s: FloatArray) -> FloatArray:
        now = np.maximum(np.searchsorted(self.start_s, t_s, side="right") - 1, 0)
        before = np.maximum(now - 1, 0)
        progress = np.clip((t_s - self.start_s[now]) / self.duration_s[now], 0, 1)[:, None]
        way = self.pose_deg[now] - self.pose_deg[before]
        return np.asarray(self.pose_deg[before] + way * progress**3 * (10 - 15 * progress + 6 * progress**2))


class StepScript:
    """A script from a list of (seconds, pose): each step moves to its pose and holds it until the seconds are over.

    It starts from rest, moves within move_s (or half the step, if that is shorter) and holds the last pose forever.
    """

    def __init__(self, steps: Sequence[tuple[float, Pose]], move_s: float = 0.5) -> None:
        seconds = np.array([s for s, _ in steps])
        poses = np.array([pose for _, pose in steps], dtype=np.float64)
        if not steps or not np.all(seconds > 0):
            raise UserError(
                "The finger script has no steps, or a step of 0 seconds; give steps of more than 0 seconds."
            )
        if not np.all((poses >= 0) & (poses <= 180)):
            raise UserError("The finger script has an angle outside 0 to 180 degrees; correct its poses.")
        self._moves = _Moves()
        self._moves.append(np.append(0, np.cumsum(seconds)[:-1]), np.minimum(move_s, seconds / 2), poses)

    def angles_deg(self, t_s: ArrayLike) -> FloatArray:  # noqa: D102 - its protocol says it
        return self._moves.angles_deg(np.asarray(t_s, dtype=np.float64))


class RandomScript:
    """An endless script: random poses, whole or in part, and often rest; holds of 1-3 s, moves of 0.3-0.8 s."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._moves = _Moves()
        self._end_s = 1.0  # the script begins with a second of rest
        self._poses = np.array(list(POSES_DEG.values()), dtype=np.float64)
        self._last = 0

    def angles_deg(self, t_s: ArrayLike) -> FloatArray:  # noqa: D102 - its protocol says it
        t_s = np.asarray(t_s, dtype=np.float64)
        while t_s.size and t_s.max() >= self._end_s:
            self._extend()
        return self._moves.angles_deg(t_s)

    def _extend(self) -> None:
        rng = self._rng
        move_s = rng.uniform(*_MOVE_S, _MOVES_AT_A_TIME)
        ends_s = self._end_s + np.cumsum(move_s + rng.uniform(*_HOLD_S, _MOVES_AT_A_TIME))
        starts_s = np.append(self._end_s, ends_s[:-1])
        poses_deg = self._poses[[self._next_pose() for _ in range(_MOVES_AT_A_TIME)]]
        effort = rng.uniform(*_EFFORT, (_MOVES_AT_A_TIME, 1))
        self._moves.append(starts_s, move_s, REST_DEG + effort * (poses_deg - REST_DEG))
        self._end_s = float(ends_s[-1])

    def _next_pose(self) -> int:
        """Index of the next pose, which differs from the last."""
        go_rest = self._last != 0 and self._rng.random() < _REST_PROBABILITY
        others = [i for i in range(1, len(self._poses)) if i != self._last]
        self._last = 0 if go_rest else int(self._rng.choice(others))
        return self._last


class HandWatcher:
    """What a wearer sees who does what the hand acts: the newest pose that the board was told with `guide`."""

    def __init__(self) -> None:
        self.safety: Safety | None = None
        """The rules of the board whose hand is watched."""
        self._acts = False

    def __call__(self) -> Pose | None:
        """The pose to take; None: nothing new. When the hand ends its act, the wearer rests."""
        acted, safety = self._acts, self.safety
        self._acts = safety is not None and safety.acting
        if safety is not None and self._acts:
            return safety.target_deg
        return REST_DEG if acted else None


class CuedScript:
    """A wearer who takes the poses that a guided recording asks for, with a human reaction time and varying effort.

    A hand that moves smoothly is tracked: the wearer follows without a new reaction.
    """

    def __init__(self, asked: Callable[[], Pose | None], seed: int) -> None:
        """asked: gives the newest pose to take; None: nothing new."""
        self._asked = asked
        self._rng = np.random.default_rng(seed)
        self._moves = _Moves()
        self._pose: Pose = REST_DEG
        self._known_s = 0.0
        """Time up to which angles have been given, and must not change."""
        self._still_s = 0.0
        """Time at which the last move ends."""

    def angles_deg(self, t_s: ArrayLike) -> FloatArray:  # noqa: D102 - its protocol says it
        t_s = np.asarray(t_s, dtype=np.float64)
        pose = self._asked()
        if pose is not None and pose != self._pose:
            self._follow(pose)
        self._known_s = max(self._known_s, float(t_s.max(initial=0)))
        return self._moves.angles_deg(t_s)

    def _follow(self, pose: Pose) -> None:
        if max(abs(new - old) for new, old in zip(pose, self._pose, strict=True)) < _NEAR_DEG:
            self._track(pose)
            return
        rng, self._pose = self._rng, pose
        start_s = max(self._known_s + rng.uniform(*_REACTION_S), self._still_s)
        move_s = rng.uniform(*_CUED_MOVE_S)
        effort = rng.uniform(*_CUED_EFFORT)
        pose_deg = REST_DEG + effort * (np.array([pose], dtype=np.float64) - REST_DEG)
        self._moves.append(np.array([start_s]), np.array([move_s]), pose_deg)
        self._still_s = start_s + move_s

    def _track(self, pose: Pose) -> None:
        """Moves to the pose of a hand that moves, unless the wearer still moves to its pose before."""
        start_s, end_s = max(self._known_s, self._still_s), self._known_s + _TRACKED_MOVE_S
        if start_s < end_s:
            self._pose, self._still_s = pose, end_s
            self._moves.append(np.array([start_s]), np.array([end_s - start_s]), np.array([pose], dtype=np.float64))
