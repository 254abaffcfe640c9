"""Prints sentences from a thread of its own, so that a terminal, pipe or journal never holds a loop up.

Ctrl-S stops a terminal, a pipe fills when its reader sleeps, and a disk fills for good. A write then waits or fails.
The loop only puts a sentence into a queue; a sentence that cannot be written is dropped and counted.
"""

from __future__ import annotations

import os
import select
import sys
from _queue import SimpleQueue  # `queue` itself imports threading's conditions and heapq; the class is this one
from threading import Thread
from typing import Final

from myobridge.daemon.realtime import leave_realtime

MAX_WAITING: Final = 64
"""Sentences that wait for a terminal. More would be old news by the time they were read."""
CLOSE_S: Final = 0.5
"""How long the end of a program waits for a terminal."""


class Printer:
    """Writes lines to a file descriptor, in order. `say` never waits and never fails."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._lost = 0
        self._thread: Thread | None = Thread(target=self._write_all, name="printer", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the system has no thread left: the loop runs all the same, and says nothing
            self._thread = None

    @property
    def dropped(self) -> int:
        """Lines that could not be written, and lines that still wait for a terminal that takes none."""
        return self._lost + self._queue.qsize()

    def say(self, text: str) -> None:
        """Queues one line."""
        if self._thread is None or self._queue.qsize() >= MAX_WAITING:
            self._lost += 1
        else:
            encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
            self._queue.put(f"{text}\n".encode(encoding, "backslashreplace"))

    def close(self, within_s: float = CLOSE_S) -> bool:
        """Ends the thread; True if all that was said within this time, and before, is written."""
        if self._thread is None:
            return self._lost == 0
        self._queue.put(None)
        self._thread.join(within_s)
        return not self._thread.is_alive() and self._lost == 0

    def _write_all(self) -> None:
        leave_realtime()
        while (line := self._queue.get()) is not None:
            try:
                self._write(line)
            except OSError:
                self._lost += 1

    def _write(self, line: bytes) -> None:
        while line:
            try:
                line = line[os.write(self._fd, line) :]
            except BlockingIOError:  # another program has made the terminal non-blocking
                select.select([], [self._fd], [])
