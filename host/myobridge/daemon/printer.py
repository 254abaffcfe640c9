"""Prints sentences from its own thread, so that a terminal, pipe or journal never delays the loop.

A write blocks or fails when Ctrl-S stops the terminal, when a pipe's reader sleeps, or when the disk is full. The loop
only queues a sentence; the thread drops and counts the sentences that it cannot write.
"""

from __future__ import annotations

import os
import select
import sys
from _queue import SimpleQueue  # the same class as queue.SimpleQueue, without queue's other imports
from threading import Thread
from typing import Final

from myobridge.daemon.realtime import leave_realtime

MAX_WAITING: Final = 64
"""Sentences that may wait for a terminal; more would be stale by the time somebody reads them."""
CLOSE_S: Final = 0.5
"""How long a program waits for the terminal when it ends."""


class Printer:
    """Writes lines to a file descriptor, in order. `say` never blocks and never fails."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._lost = 0
        self._thread: Thread | None = Thread(target=self._write_all, name="printer", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the system has no thread left: the loop runs without output
            self._thread = None

    @property
    def dropped(self) -> int:
        """Lines that could not be written, and lines that still wait."""
        return self._lost + self._queue.qsize()

    def say(self, text: str) -> None:
        """Queues one line."""
        if self._thread is None or self._queue.qsize() >= MAX_WAITING:
            self._lost += 1
        else:
            encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
            self._queue.put(f"{text}\n".encode(encoding, "backslashreplace"))

    def close(self, within_s: float = CLOSE_S) -> bool:
        """Ends the thread; True if every line was written within this time."""
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
            except BlockingIOError:  # another program made the terminal non-blocking
                select.select([], [self._fd], [])
