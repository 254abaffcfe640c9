"""Writes the memory of an emergency stop from a thread, because a disk may be slow and the loop must not wait."""

from __future__ import annotations

from _queue import SimpleQueue
from collections.abc import Callable
from threading import Thread
from typing import Final

from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.daemon.permission.rules import STOPPED_AGAIN, Answer
from myobridge.daemon.realtime import leave_realtime
from myobridge.errors import UserError

KEEP_S: Final = 2.0
"""How long a run waits for the disk when it ends."""


class EstopWriter:
    """Changes a memory from a thread, in the order of the calls."""

    def __init__(self, memory: EstopMemory, tell: Callable[[str], None]) -> None:
        self.memory = memory
        self._tell = tell
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lifted: SimpleQueue[tuple[Answer, str, int]] = SimpleQueue()
        self._stops = self._stored = 0
        """How many emergency stops were asked for, and how many of these the disk has."""
        self._thread: Thread | None = None
        self._remembering = False
        """The newest job remembers a stop."""

    def remember(self) -> int:
        """Remembers an emergency stop, and returns its number; calls that wait together share one write."""
        self._stops += 1
        if self._remembering and self._jobs.qsize():
            return self._stops
        memory, self._remembering = self.memory, True

        def job() -> None:
            stops = self._stops
            try:
                memory.remember()
            except UserError as error:
                self._tell(str(error))
            else:
                self._stored = stops

        self._do(job)
        return self._stops

    def stored(self, stop: int) -> bool:
        """Whether the disk has the emergency stop with this number."""
        return self._stored >= stop

    def lift(self, answer: Answer) -> None:
        """Forgets the stop; `lifted` returns `answer` when that is done."""
        memory, self._remembering, stops = self.memory, False, self._stops

        def job() -> None:
            try:
                memory.lift()
            except UserError as error:
                self._lifted.put((answer, str(error), stops))
            else:
                self._lifted.put((answer, "", stops))

        self._do(job)

    def lifted(self) -> list[tuple[Answer, str]]:
        """The answers of finished lifts, each with the reason why the stop stays; empty if it is lifted.

        A stop that came while the disk was busy stays.
        """
        done = [self._lifted.get() for _ in range(self._lifted.qsize())]
        return [(answer, problem or ("" if stops == self._stops else STOPPED_AGAIN)) for answer, problem, stops in done]

    def close(self) -> None:
        """Ends the thread."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(KEEP_S)

    def _do(self, job: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._work, name="estop-memory", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no thread is left: a stop is worth the wait
                self._thread = None
                job()
                return
        self._jobs.put(job)

    def _work(self) -> None:
        leave_realtime()
        while (job := self._jobs.get()) is not None:
            job()
