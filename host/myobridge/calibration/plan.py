"""What the wearer is asked to do and when, as a state machine that is told the time.

    PAUSED → READY → REST → HOLD → REST → HOLD → … → REST → DONE

READY is a countdown that does not count. The rest before a pose is its countdown, so none of the wearer's time is lost.
Each repetition holds every pose once, in an order of its own.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from myobridge.calibration.poses import REST, GuidedPose


@dataclass(frozen=True)
class Timing:
    """How long each stage lasts, and how often each pose is held."""

    repetitions: int = 3
    hold_s: float = 3.0
    rest_s: float = 2.0
    ready_s: float = 3.0

    def recorded_s(self, holds: int) -> float:
        """EMG recorded when nothing is done again."""
        return holds * (self.rest_s + self.hold_s) + self.rest_s


class Stage(Enum):
    """What the wearer does."""

    READY = auto()
    REST = auto()
    HOLD = auto()
    PAUSED = auto()
    DONE = auto()


COUNTS: Final = (Stage.REST, Stage.HOLD)
"""What the electrodes say in these stages belongs to a cue."""
IDLE: Final = 255
"""The repetition under which rest does not count: countdown and pauses."""


class Hold(NamedTuple):
    """One pose to hold; repetitions count from 0."""

    pose: GuidedPose
    repetition: int


class Cue(NamedTuple):
    """From now on the wearer is asked for this; label 0 is rest."""

    label: int
    repetition: int


class Void(NamedTuple):
    """What was recorded under this cue does not count: it comes again."""

    label: int
    repetition: int


class Held(NamedTuple):
    """A pose was held to its end: time to look at its quality."""

    hold: Hold


Event = Cue | Void | Held


def schedule(poses: Sequence[GuidedPose], repetitions: int, seed: int) -> tuple[Hold, ...]:
    """All poses but rest, `repetitions` times, shuffled; no pose follows itself if there is another."""
    shuffle = random.Random(seed)
    wanted = [pose for pose in poses if pose.label != REST]
    holds: list[Hold] = []
    for repetition in range(repetitions):
        shuffle.shuffle(wanted)
        if holds and len(wanted) > 1 and wanted[0] is holds[-1].pose:
            wanted.append(wanted.pop(0))
        holds += [Hold(pose, repetition) for pose in wanted]
    return tuple(holds)


class Walk:
    """Goes through the holds; begins PAUSED. The methods return what is to be noted down, in order."""

    def __init__(self, holds: Sequence[Hold], timing: Timing) -> None:
        self.timing = timing
        self._todo = deque(holds)
        self._count = len(holds)
        self._last: Hold | None = None
        """Held to its end, and nothing after it: what `redo` means."""
        self._rest_repetition = 0
        self._until_s = 0.0
        self.stage = Stage.PAUSED

    @property
    def coming(self) -> Hold | None:
        """The hold that is being held, or that comes next."""
        return self._todo[0] if self._todo else None

    @property
    def holds_left(self) -> int:
        """Poses still to be held to their end."""
        return len(self._todo)

    def stage_left_s(self, now_s: float) -> float:
        """Time to the next stage; 0 while it stands still."""
        return max(0.0, self._until_s - now_s) if self.stage not in (Stage.PAUSED, Stage.DONE) else 0.0

    def left_s(self, now_s: float) -> float:
        """Time to the end if nothing is done again."""
        if self.stage is Stage.DONE:
            return 0.0
        timing, holds = self.timing, len(self._todo)
        after = {
            Stage.READY: timing.recorded_s(holds),
            Stage.PAUSED: timing.ready_s + timing.recorded_s(holds),
            Stage.REST: holds * (timing.hold_s + timing.rest_s),
            Stage.HOLD: timing.recorded_s(holds - 1),
        }
        return self.stage_left_s(now_s) + after[self.stage]

    def progress(self, now_s: float) -> float:
        """From 0 to 1."""
        begun = 0.0
        if self.stage is Stage.HOLD:
            begun = 1 - self.stage_left_s(now_s) / self.timing.hold_s
        return (self._count - len(self._todo) + begun) / max(1, self._count)

    def tick(self, now_s: float) -> list[Event]:
        """Goes on to the next stage when it is time."""
        if self.stage in (Stage.PAUSED, Stage.DONE) or now_s < self._until_s:
            return []
        if self.stage is Stage.READY:
            return [Void(REST, IDLE), *self._rest(now_s)]
        if self.stage is Stage.HOLD:
            self._last = self._todo.popleft()
            return [Held(self._last), *self._rest(now_s)]
        if not self._todo:
            self.stage = Stage.DONE
            return []
        hold = self._todo[0]
        self._last = None
        self.stage, self._until_s = Stage.HOLD, now_s + self.timing.hold_s
        return [Cue(hold.pose.label, hold.repetition)]

    def redo(self, now_s: float) -> list[Event]:
        """The hold that is going on, or the one that has just been held, comes again; nothing if there is none."""
        if self.stage is Stage.HOLD:
            return [self._void(self._todo[0]), *self._rest(now_s)]
        if self._last is None or self.stage is Stage.DONE:
            return []
        again, self._last = self._last, None
        self._todo.appendleft(again)
        if self.stage is Stage.REST:
            self._until_s = now_s + self.timing.rest_s
        return [self._void(again)]

    def pause(self) -> list[Event]:
        """Stands still; a hold that is going on comes again."""
        if self.stage in (Stage.PAUSED, Stage.DONE):
            return []
        broken_off = [self._void(self._todo[0])] if self.stage is Stage.HOLD else []
        self.stage = Stage.PAUSED
        return [*broken_off, Cue(REST, IDLE)]

    def resume(self, now_s: float) -> list[Event]:
        """Begins, or goes on after a pause, with READY."""
        if self.stage is not Stage.PAUSED:
            return []
        self.stage, self._until_s = Stage.READY, now_s + self.timing.ready_s
        return [Cue(REST, IDLE)]

    def stop(self) -> list[Event]:
        """Ends here; what was recorded counts, the hold that is going on as well."""
        idle = self.stage in (Stage.PAUSED, Stage.READY)
        self.stage = Stage.DONE
        return [Void(REST, IDLE)] if idle else []

    def _rest(self, now_s: float) -> list[Event]:
        self.stage, self._until_s = Stage.REST, now_s + self.timing.rest_s
        if self._todo:
            self._rest_repetition = self._todo[0].repetition
        return [Cue(REST, self._rest_repetition)]

    @staticmethod
    def _void(hold: Hold) -> Void:
        return Void(hold.pose.label, hold.repetition)
