"""The rhythm of a calibration, as a state machine that is told the time. Pure.

    CONTACT → REST → ACTING → HOLD → REST → ACTING → HOLD → … → REST → OVER

Each pose begins with ACTING: the hand moves to the pose, and the wearer follows. In HOLD the EMG counts. The rest after
a pose serves as the countdown to the next one, so that a wearer can follow the rhythm with eyes closed. `pause` leads
to PAUSED from everywhere, and `resume` back to CONTACT; a pose that was broken off comes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from myobridge.calibration.quality import FOLLOWED_S
from myobridge.model.file import REST, LabelledPose
from myobridge.wire.messages import GUIDE_MAX_MS

LEAD_S: Final = 0.7
"""From the permission to the first pose."""
HELD_S: Final = 1.3
"""Counted EMG of a pose; two halves of it hold windows enough to learn from and to judge."""
REST_S: Final = 1.6
"""The hand opens within 1.6 s at the slew of a guide."""
MOST_REPEATS: Final = 4
"""Poses that come again because their EMG was of no use, in one calibration, if there is time for them."""
BEAT_S: Final = FOLLOWED_S + HELD_S + REST_S
"""From one pose to the next one."""
GUIDE_S: Final = GUIDE_MAX_MS / 1000 - 0.5
"""How long the hand may act; the board ends a guide a little later."""
MOST_POSES: Final = int((GUIDE_S - LEAD_S) / BEAT_S)
"""More do not fit into this time."""


class Stage(Enum):
    """What happens now."""

    CONTACT = auto()
    REST = auto()
    ACTING = auto()
    HOLD = auto()
    PAUSED = auto()
    OVER = auto()


class Asked(NamedTuple):
    """The wearer is asked for a pose from now on, which begins a stretch of EMG with its label."""

    pose: LabelledPose


class Held(NamedTuple):
    """A pose has been held to its end; the caller judges it and may call `again`."""

    pose: LabelledPose


class Forgotten(NamedTuple):
    """The EMG of a pose that was held to its end does not count any more."""

    pose: LabelledPose


class Broken(NamedTuple):
    """The EMG since the last Asked does not count."""


Event = Asked | Held | Forgotten | Broken


class Guide:
    """One walk through the poses of a model, rest not counted among them."""

    def __init__(self, poses: Sequence[LabelledPose]) -> None:
        """poses: of the model, in the order in which they are asked for; one of them is rest."""
        self.rest = next(pose for pose in poses if pose.label == REST)
        self.poses = tuple(pose for pose in poses if pose.label != REST)
        self.stage = Stage.CONTACT
        self.index = 0
        """Of the pose that is held, or comes next."""
        self._repeats = 0
        self._until_s = self._ends_s = 0.0
        self._ended = False
        """The pose before `index` has just ended, and can be repeated."""

    @property
    def pose(self) -> LabelledPose | None:
        """The pose that is held, or comes next; None after the last one."""
        return self.poses[self.index] if self.index < len(self.poses) else None

    @property
    def asked(self) -> LabelledPose:
        """What the hand shows now."""
        holds = self.stage in (Stage.ACTING, Stage.HOLD)
        return self.poses[self.index] if holds else self.rest

    def left_s(self, now_s: float) -> float:
        """Time left of this stage."""
        timed = self.stage in (Stage.REST, Stage.ACTING, Stage.HOLD)
        return max(0.0, self._until_s - now_s) if timed else 0.0

    def permitted(self, now_s: float) -> list[Event]:
        """The hand may act from now on."""
        if self.stage is not Stage.CONTACT:
            return []
        self._ends_s = now_s + GUIDE_S
        return self._rest(now_s, LEAD_S)

    def tick(self, now_s: float) -> list[Event]:
        """Enters the next stage when the present one is over."""
        if self.stage not in (Stage.REST, Stage.ACTING, Stage.HOLD) or now_s < self._until_s:
            return []
        if self.stage is Stage.REST:
            return self._begin(now_s)
        if self.stage is Stage.ACTING:
            self.stage, self._until_s = Stage.HOLD, now_s + HELD_S
            return []
        held = self.poses[self.index]
        self.index, self._ended = self.index + 1, True
        return [Held(held), *self._rest(now_s)]

    def again(self) -> bool:
        """Repeats the pose that has just ended because its EMG is of no use; False: too often, or no time is left."""
        self._repeats += 1
        if self._repeats > MOST_REPEATS or not self._fits(self._until_s, self.index - 1):
            return False
        self.index -= 1
        self._ended = False
        return True

    def redo(self, now_s: float) -> list[Event]:
        """A person repeats the pose that is held, or has just ended; no events: there is none, or no time is left."""
        rested_s = now_s + REST_S
        if self.stage in (Stage.ACTING, Stage.HOLD) and self._fits(rested_s, self.index):
            return [Broken(), *self._rest(now_s)]
        if self.stage is Stage.REST and self._ended and self._fits(rested_s, self.index - 1):
            self.index, self._ended = self.index - 1, False
            self._until_s = rested_s
            return [Forgotten(self.poses[self.index])]
        return []

    def pause(self) -> list[Event]:
        """Pauses; EMG of now does not count."""
        if self.stage in (Stage.PAUSED, Stage.OVER):
            return []
        self.stage = Stage.PAUSED
        return [Broken()]

    def resume(self) -> None:
        """Goes on after a pause, once the hand may act again."""
        if self.stage is Stage.PAUSED:
            self.stage = Stage.CONTACT

    def _fits(self, from_s: float, index: int) -> bool:
        """Whether the hand has time to show the poses from this one on."""
        return from_s + BEAT_S * (len(self.poses) - index) <= self._ends_s

    def _begin(self, now_s: float) -> list[Event]:
        self._ended = False
        if self.pose is None:
            self.stage = Stage.OVER
            return []
        self.stage, self._until_s = Stage.ACTING, now_s + FOLLOWED_S
        return [Asked(self.pose)]

    def _rest(self, now_s: float, seconds: float = REST_S) -> list[Event]:
        self.stage, self._until_s = Stage.REST, now_s + seconds
        return [Asked(self.rest)]
