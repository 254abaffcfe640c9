"""The course of a guided recording, as a state machine that is told the time.

    PAUSED → READY → REST → HOLD → REST → HOLD → … → REST → DONE

READY is a countdown whose samples do not count. The rest before a pose serves as its countdown, which saves time. Each
repetition holds every pose once, in an order of its own. A hold may be a movement that the wearer follows.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from myobridge.calibration.poses import GuidedPose
from myobridge.model.file import REST, REST_DEG, Pose
from myobridge.recording.movement import Movement


@dataclass(frozen=True)
class Timing:
    """How long each stage lasts, and how many times each pose is held."""

    repetitions: int = 3
    hold_s: float = 3.0
    rest_s: float = 2.0
    ready_s: float = 3.0

    def recorded_s(self, holds: int) -> float:
        """Seconds of EMG in a recording in which no pose is repeated."""
        return holds * (self.rest_s + self.hold_s) + self.rest_s


class Stage(Enum):
    """What the wearer does."""

    READY = auto()
    REST = auto()
    HOLD = auto()
    PAUSED = auto()
    DONE = auto()


COUNTS: Final = (Stage.REST, Stage.HOLD)
"""The stages whose samples count."""
IDLE: Final = 255
"""The repetition of rest that does not count: countdown and pauses."""


class Hold(NamedTuple):
    """One pose to hold, or the movement of a shown hand to follow; repetitions are counted from 0."""

    pose: GuidedPose
    repetition: int
    movement: Movement | None = None


class Cue(NamedTuple):
    """The wearer is asked for this pose from now on; label 0 is rest."""

    label: int
    repetition: int


class Discard(NamedTuple):
    """The samples recorded under this cue do not count, because the pose will be repeated."""

    label: int
    repetition: int


class Held(NamedTuple):
    """A pose was held to its end, so its quality can be judged."""

    hold: Hold


Event = Cue | Discard | Held


def schedule(poses: Sequence[GuidedPose], repetitions: int, seed: int) -> tuple[Hold, ...]:
    """All poses but rest, `repetitions` times, shuffled; no pose follows itself unless it is the only one."""
    shuffle = random.Random(seed)
    wanted = [pose for pose in poses if pose.label != REST]
    holds: list[Hold] = []
    for repetition in range(repetitions):
        shuffle.shuffle(wanted)
        if holds and len(wanted) > 1 and wanted[0] is holds[-1].pose:
            wanted.append(wanted.pop(0))
        holds += [Hold(pose, repetition) for pose in wanted]
    return tuple(holds)


def schedule_movements(movements: Sequence[Movement], repetitions: int, seed: int) -> tuple[Hold, ...]:
    """All movements, `repetitions` times, shuffled as poses are."""
    known = {movement.label: movement for movement in movements}
    poses = [GuidedPose(label=m.label, name=m.name, angles_deg=m.angles_deg, how=m.how) for m in movements]
    return tuple(hold._replace(movement=known[hold.pose.label]) for hold in schedule(poses, repetitions, seed))


class Walk:
    """Goes through the holds, beginning PAUSED. The methods return the events to write down, in order."""

    def __init__(self, holds: Sequence[Hold], timing: Timing) -> None:
        self.timing = timing
        self._todo = deque(holds)
        self._count = len(holds)
        self._last: Hold | None = None
        """The hold that ended last, until the next hold begins: `redo` repeats it."""
        self._rest_repetition = 0
        self._until_s = 0.0
        self.stage = Stage.PAUSED

    @property
    def coming(self) -> Hold | None:
        """The current hold, or the next one."""
        return self._todo[0] if self._todo else None

    @property
    def holds_left(self) -> int:
        """Number of holds that have not been held to their end."""
        return len(self._todo)

    def seconds(self, hold: Hold) -> float:
        """How long a hold lasts."""
        return self.timing.hold_s if hold.movement is None else hold.movement.seconds

    def shown_deg(self, now_s: float) -> Pose | None:
        """The angles of the shown hand, which rests between movements; None if the hold is a pose."""
        hold = self.coming
        if hold is None or hold.movement is None:
            return None
        if self.stage is not Stage.HOLD:
            return REST_DEG
        thumb, index, middle, ring, little = hold.movement.shown_deg([self.seconds(hold) - self.stage_left_s(now_s)])[0]
        return (float(thumb), float(index), float(middle), float(ring), float(little))

    def stage_left_s(self, now_s: float) -> float:
        """Time to the next stage; 0 in PAUSED and DONE."""
        return max(0.0, self._until_s - now_s) if self.stage not in (Stage.PAUSED, Stage.DONE) else 0.0

    def left_s(self, now_s: float) -> float:
        """Time to the end if no pose is repeated."""
        if self.stage is Stage.DONE:
            return 0.0
        ready_s, rest_s = self.timing.ready_s, self.timing.rest_s
        holds_s = sum(self.seconds(hold) + rest_s for hold in self._todo)
        after = {
            Stage.READY: rest_s + holds_s,
            Stage.PAUSED: ready_s + rest_s + holds_s,
            Stage.REST: holds_s,
            Stage.HOLD: holds_s - self.seconds(self._todo[0]) if self._todo else 0.0,
        }
        return self.stage_left_s(now_s) + after[self.stage]

    def progress(self, now_s: float) -> float:
        """Share of the holds that is done, from 0 to 1."""
        begun = 0.0
        if self.stage is Stage.HOLD:
            begun = 1 - self.stage_left_s(now_s) / self.seconds(self._todo[0])
        return (self._count - len(self._todo) + begun) / max(1, self._count)

    def tick(self, now_s: float) -> list[Event]:
        """Enters the next stage when the current one is over."""
        if self.stage in (Stage.PAUSED, Stage.DONE) or now_s < self._until_s:
            return []
        if self.stage is Stage.READY:
            return [Discard(REST, IDLE), *self._rest(now_s)]
        if self.stage is Stage.HOLD:
            self._last = self._todo.popleft()
            return [Held(self._last), *self._rest(now_s)]
        if not self._todo:
            self.stage = Stage.DONE
            return []
        hold = self._todo[0]
        self._last = None
        self.stage, self._until_s = Stage.HOLD, now_s + self.seconds(hold)
        return [Cue(hold.pose.label, hold.repetition)]

    def redo(self, now_s: float) -> list[Event]:
        """Repeats the current hold, or the hold that has just ended; does nothing if there is none."""
        if self.stage is Stage.HOLD:
            return [self._discard(self._todo[0]), *self._rest(now_s)]
        if self._last is None or self.stage is Stage.DONE:
            return []
        again, self._last = self._last, None
        self._todo.appendleft(again)
        if self.stage is Stage.REST:
            self._until_s = now_s + self.timing.rest_s
        return [self._discard(again)]

    def pause(self) -> list[Event]:
        """Pauses; a current hold will be repeated."""
        if self.stage in (Stage.PAUSED, Stage.DONE):
            return []
        broken_off = [self._discard(self._todo[0])] if self.stage is Stage.HOLD else []
        self.stage = Stage.PAUSED
        return [*broken_off, Cue(REST, IDLE)]

    def resume(self, now_s: float) -> list[Event]:
        """Starts, or continues after a pause, with READY."""
        if self.stage is not Stage.PAUSED:
            return []
        self.stage, self._until_s = Stage.READY, now_s + self.timing.ready_s
        return [Cue(REST, IDLE)]

    def stop(self) -> list[Event]:
        """Ends the walk; everything recorded counts, the current hold included."""
        idle = self.stage in (Stage.PAUSED, Stage.READY)
        self.stage = Stage.DONE
        return [Discard(REST, IDLE)] if idle else []

    def _rest(self, now_s: float) -> list[Event]:
        self.stage, self._until_s = Stage.REST, now_s + self.timing.rest_s
        if self._todo:
            self._rest_repetition = self._todo[0].repetition
        return [Cue(REST, self._rest_repetition)]

    @staticmethod
    def _discard(hold: Hold) -> Discard:
        return Discard(hold.pose.label, hold.repetition)
