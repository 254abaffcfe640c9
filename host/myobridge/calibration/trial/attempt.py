"""One attempt to bring the hand into a target and to keep it there. Pure: the same hands give the same outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from myobridge.recording.trial_records import Judged, Outcome, Shown, Target

GAP_S: Final = 1.0
"""If no hand is shown for longer than this, the attempt does not count: the stream or the trial stood still."""
INDEX: Final = 1
Place = tuple[float, ...]


def place(judged: Judged, angles_deg: Sequence[float]) -> Place:
    """Where a hand is in the space in which it is judged, in degrees for each dimension."""
    if judged == "hand":
        return tuple(angles_deg)
    others = [angle for finger, angle in enumerate(angles_deg) if finger != INDEX]
    grip = sum(others) / len(others)
    return (grip,) if judged == "grip" else (grip, angles_deg[INDEX])


def gap_deg(target: Target, angles_deg: Sequence[float]) -> float:
    """Distance of a hand from the target: of the finger that is furthest away, or in the space of grip and point."""
    goal, here = place(target.judged, target.angles_deg), place(target.judged, angles_deg)
    if target.judged == "hand":
        return max(abs(a - b) for a, b in zip(goal, here, strict=True))
    return math.dist(goal, here)


class Attempt:
    """Takes the shown hands of one target until the outcome is known.

    entered_s: when the hand came into the target last; None while it is outside.
    exits: how often the hand has left the target before it had stayed long enough.
    path_deg: length of the way until the last entry.
    outside_s: time spent outside of the target.
    """

    def __init__(self, target: Target, start: Shown) -> None:
        """start: the hand as the target appeared."""
        self.target = target
        self.start = self.end = place(target.judged, start.angles_deg)
        self.began_inside = self._is_inside(start)
        self.entered_s: float | None = target.t_s if self.began_inside else None
        self.exits = 0
        self.path_deg = self.outside_s = 0.0
        self.entry = self.start
        """Where the hand was at the last entry."""
        self.over_s = target.t_s
        self.outcome: Outcome | None = None
        self._walked_deg = 0.0
        self._last_s = start.t_s

    def take(self, shown: Shown) -> Outcome | None:
        """Takes the next hand; the outcome once it is known."""
        self.outcome = self._outcome(shown)
        return self.outcome

    def _outcome(self, shown: Shown) -> Outcome | None:
        target, now_s = self.target, shown.t_s
        if not shown.follows or now_s - self._last_s > GAP_S:
            return "interrupted"
        self._walk(shown)
        self.over_s = now_s
        if self.entered_s is not None and now_s - self.entered_s >= target.dwell_s:
            return "reached"
        return "missed" if now_s - target.t_s >= target.timeout_s else None

    def dwelt(self, now_s: float) -> float:
        """Share of the dwell time that is over, from 0 to 1."""
        return 0.0 if self.entered_s is None else min(1.0, (now_s - self.entered_s) / self.target.dwell_s)

    @property
    def movement_s(self) -> float | None:
        """Time until the hand came into the target for good; None if the target was not reached."""
        if self.outcome != "reached" or self.entered_s is None:
            return None
        return self.entered_s - self.target.t_s

    @property
    def path_efficiency(self) -> float | None:
        """Straight way divided by the way that the hand took until it was in the target for good, at most 1."""
        if self.movement_s is None or not self.path_deg:
            return None
        return min(1.0, math.dist(self.start, self.entry) / self.path_deg)

    def _walk(self, shown: Shown) -> None:
        here = place(self.target.judged, shown.angles_deg)
        self._walked_deg += math.dist(self.end, here)
        inside = self._is_inside(shown)
        if not inside:
            self.outside_s += shown.t_s - self._last_s
            self.exits += self.entered_s is not None
            self.entered_s = None
        elif self.entered_s is None:
            self.entered_s, self.entry, self.path_deg = shown.t_s, here, self._walked_deg
        self.end, self._last_s = here, shown.t_s

    def _is_inside(self, shown: Shown) -> bool:
        return gap_deg(self.target, shown.angles_deg) <= self.target.tolerance_deg
