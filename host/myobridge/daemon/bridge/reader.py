"""The thread that waits for the stream, so that no library of a stream can delay a message between host and board."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Final

import numpy as np

from myobridge.daemon.bridge.stream import Block, Source, StreamLost
from myobridge.errors import UserError

READ_S: Final = 0.2
AGAIN_S: Final = 0.5
IDLE_S: Final = 0.02
"""While no host wants samples, the thread reads those of this long at once."""
AHEAD_S: Final = 0.05
"""A sample stamped so far in the future has a wrong clock, so nothing is known about its age."""
LATE_S: Final = 1.0
SILENT_S: Final = 1.0
CLOSE_S: Final = 2.0


class Reader:
    """Reads a stream, gives its blocks to `take` in a thread, and says what is wrong with the stream."""

    def __init__(self, source: Source, reopen: Callable[[], Source], tell: Callable[[str], None]) -> None:
        """reopen: opens the stream again after its end; it raises UserError while the stream is away."""
        self.failure: Exception | None = None
        """Why the thread has ended."""
        self.samples = 0
        self.lost = 0
        """Samples that the stream has lost, by its stamps or its counter."""
        self._source, self._reopen, self._tell = source, reopen, tell
        self._stream = source.stream
        self._newest_s = 0.0
        """When the newest sample was taken."""
        self._read_s = 0.0
        """When it was read, or the reader was started."""
        self._ended_s: float | None = None
        """When the newest sample of a stream was taken that has ended and come back."""
        self._fault = ""
        self._closing = Event()

    def start(self, missing: Callable[[], int], take: Callable[[Block], None]) -> None:
        """Begins to read. missing: samples that complete a frame; 0: nobody wants any."""
        self._read_s = time.monotonic()
        self._thread = Thread(target=self._run, args=(missing, take), name="stream", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and leaves the stream."""
        self._closing.set()
        self._thread.join(CLOSE_S)
        if not self._thread.is_alive():  # otherwise it is in a call of the stream's library, and ends with the process
            with suppress(Exception):  # a stream that has ended may not be able to close
                self._source.close()

    def _run(self, missing: Callable[[], int], take: Callable[[Block], None]) -> None:
        idle = max(1, round(IDLE_S * self._stream.fs_hz))
        try:
            while not self._closing.is_set():
                try:
                    block = self._source.read(missing() or idle, READ_S)
                except StreamLost:
                    self._await_stream()
                    continue
                if block is None:
                    self._missed()
                elif self._credible(block):
                    take(block)
        except Exception as failure:  # libraries in C may raise anything, and the main thread has to hear of it
            self.failure = failure

    def _credible(self, block: Block) -> bool:
        """Counts a block, and says what is wrong with its time stamps; False if they prove nothing."""
        if not np.isfinite(block.taken_s).all():
            self._tell_change("no number", "The time stamps of the stream are not numbers; correct its program.")
            return False
        if self._ended_s is not None:
            since = round((float(block.taken_s[0]) - self._ended_s) * self._stream.fs_hz) - 1
            block.lost[0] += max(0, since)
            self._ended_s = None
        self.samples += len(block.lost)
        self.lost += int(block.lost.sum())
        self._newest_s, self._read_s = float(block.taken_s[-1]), block.read_s
        ahead_s = self._newest_s - block.read_s
        if ahead_s > AHEAD_S:
            fault = f"lie {ahead_s:.3g} s in the future, so its samples are left out; correct the clock of its program"
            self._tell_change("future", f"The time stamps of the stream {fault}.")
        elif -ahead_s > LATE_S:
            fault = f"{-ahead_s:.3g} s old, so the board refuses setpoints; restart the stream's program"
            self._tell_change("late", f"The samples of the stream are, by their time stamps, {fault}.")
        else:
            self._tell_change("", "The stream sends samples in time again.")
        return ahead_s <= AHEAD_S

    def _missed(self) -> None:
        """Says that no samples come."""
        if time.monotonic() - self._read_s > SILENT_S:
            self._tell_change(
                "silent", "The stream sends no samples, so the hand holds and then opens; check its program."
            )

    def _tell_change(self, fault: str, sentence: str) -> None:
        """Tells a fault of the stream once, until it has another one or none."""
        if fault != self._fault:
            self._fault = fault
            self._tell(sentence)

    def _await_stream(self) -> None:
        """Waits for the return of a stream that has ended.

        Raises:
            UserError: it came back as another stream.
        """
        self._tell("The stream has ended; the hand holds, then opens. Start the stream's program again.")
        with suppress(Exception):  # a stream that has ended may not be able to close
            self._source.close()
        while not self._closing.wait(AGAIN_S):
            try:
                source = self._reopen()
            except UserError:
                continue
            self._source, self._ended_s = source, self._newest_s
            if source.stream != self._stream:
                raise UserError(
                    f"The stream came back with {source.stream.channels} channels at {source.stream.fs_hz:g} Hz "
                    f"instead of {self._stream.channels} at {self._stream.fs_hz:g} Hz; start the bridge again."
                )
            self._tell("The stream is back.")
            return
