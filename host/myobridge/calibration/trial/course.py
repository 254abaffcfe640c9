"""The course of a trial as it runs: a state machine that is told the shown hands. Their times are its only clock.

    WAITING → READY → TARGET → REST → TARGET → … → DONE

WAITING lasts until the hand follows the wearer. An interruption goes back to WAITING, and the target comes again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from msgspec.structs import replace

from myobridge.calibration.trial.attempt import GAP_S, Attempt
from myobridge.model.file import Pose
from myobridge.recording.trial_records import Answer, Ended, Outcome, Record, Shown, Target

READY_S: Final = 3.0
"""Before the first target, and after an interruption."""
REST_S: Final = 2.0
"""Least time between two targets."""
MOST_REST_S: Final = 5.0
"""The next target waits this long for the hand to come back to rest."""
AT_REST_DEG: Final = 15.0


class Stage(Enum):
    """What the wearer does."""

    WAITING = auto()
    READY = auto()
    REST = auto()
    TARGET = auto()
    DONE = auto()


class Course:
    """Goes through the targets. `take`, `interrupt` and `stop` return the records to write down, in order."""

    def __init__(self, targets: Sequence[Target], rest_deg: Pose) -> None:
        self.planned = len(targets)
        self.rest_deg = rest_deg
        self.stage = Stage.WAITING
        self.attempt: Attempt | None = None
        self.answers: list[Answer] = []
        self.finished: list[Attempt] = []
        """The attempts that count."""
        self.since_s = self.now_s = 0.0
        """When the stage began, and the time of the newest hand."""
        self._todo = deque(targets)

    @property
    def coming(self) -> Target | None:
        """The current target, or the next one."""
        return self._todo[0] if self._todo else None

    @property
    def done(self) -> int:
        """Number of targets that are over."""
        return self.planned - len(self._todo)

    def left_s(self) -> float:
        """Time to the end of the stage; 0 if it is not known."""
        lasts = {Stage.READY: READY_S, Stage.REST: REST_S}.get(self.stage, 0.0)
        if self.stage is Stage.TARGET and self.attempt is not None:
            lasts = self.attempt.target.timeout_s
        return max(0.0, self.since_s + lasts - self.now_s)

    def take(self, shown: Shown) -> list[Record]:
        """Takes the next hand."""
        if self.stage is Stage.DONE:
            return []
        gap_s, self.now_s = shown.t_s - self.now_s, shown.t_s
        if self.stage is Stage.TARGET:
            return self._attempted(shown)
        if not shown.follows or (gap_s > GAP_S and self.stage is not Stage.WAITING):
            self._enter(Stage.WAITING)
        elif self.stage is Stage.WAITING:
            self._enter(Stage.READY)
        elif self._is_rested(shown):
            return [self._next(shown)]
        return []

    def interrupt(self) -> list[Record]:
        """Waits for the hand again, as nobody sees it now; a current target comes again."""
        if self.stage is Stage.DONE:
            return []
        broken: list[Record] = [self._answered("interrupted")] if self.attempt is not None else []
        self._enter(Stage.WAITING)
        return broken

    def stop(self) -> list[Record]:
        """Breaks the trial off; a current target does not count."""
        if self.stage is Stage.DONE:
            return []
        broken = self.interrupt()
        self._enter(Stage.DONE)
        return [*broken, Ended(self.now_s, finished=False)]

    def _is_rested(self, shown: Shown) -> bool:
        waited_s = self.now_s - self.since_s
        if self.stage is Stage.READY or not self._todo:
            return waited_s >= (READY_S if self.stage is Stage.READY else REST_S)
        away = max(abs(a - r) for a, r in zip(shown.angles_deg, self.rest_deg, strict=True))
        return waited_s >= (REST_S if away <= AT_REST_DEG else MOST_REST_S)

    def _next(self, shown: Shown) -> Record:
        if not self._todo:
            self._enter(Stage.DONE)
            return Ended(self.now_s, finished=True)
        target = replace(self._todo[0], t_s=self.now_s)
        self.attempt = Attempt(target, shown)
        self._enter(Stage.TARGET)
        return target

    def _attempted(self, shown: Shown) -> list[Record]:
        attempt = self.attempt
        assert attempt is not None
        outcome = attempt.take(shown)
        if outcome is None:
            return []
        answer = self._answered(outcome)
        if outcome == "interrupted":
            self._enter(Stage.WAITING)
        else:
            self._todo.popleft()
            self.finished.append(attempt)
            self._enter(Stage.REST)
        return [answer]

    def _answered(self, outcome: Outcome) -> Answer:
        assert self.attempt is not None
        answer = Answer(self.attempt.target.number, self.now_s, outcome)
        self.answers.append(answer)
        self.attempt = None
        return answer

    def _enter(self, stage: Stage) -> None:
        self.stage, self.since_s = stage, self.now_s
