"""The loop of the bridge between the host's port and the board's, and the thread that brings the stream.

One lock keeps the two apart. Neither waits for anything while it has the lock, so an emergency stop waits for the board
no longer than a frame of the stream takes.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from types import FrameType
from typing import Any, Final, Protocol

from myobridge.daemon.bridge.reader import Reader
from myobridge.daemon.bridge.stream import Block
from myobridge.daemon.bridge.translate import Translator
from myobridge.errors import UserError
from myobridge.metrics import Distribution, ProcessCost
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.link import LinkLost, SerialLink

IDLE_MS: Final = 20
RETRY_S: Final = 0.3
MOST_UNSENT_BYTES: Final = 1 << 16
"""A second or two of EMG, as the buffers of a USB port hold for a host that is busy."""


class HostPort(Protocol):
    """The port that the bridge offers to a host. path: what the host opens."""

    path: str

    def fileno(self) -> int:
        """A file descriptor that is readable when the host has written."""

    def read(self) -> bytes:
        """Bytes that the host has written."""

    def plug(self) -> None:
        """Offers the port again."""

    def unplug(self) -> None:
        """Takes the port away, as if the cable were pulled."""


class Bridge:
    """Carries frames between host and board, and the stream's to the host."""

    def __init__(
        self,
        open_host: Callable[[], HostPort],
        hand: str,
        baud: int,
        reader: Reader,
        translator: Translator,
        tell: Callable[[str], None],
    ) -> None:
        """Opens the board's port, then the host's: the link of another bridge to that board stays as it is.

        Raises:
            UserError: a port cannot be opened.
        """
        self._link: SerialLink | None = SerialLink(hand, baud)
        self._host = open_host()
        self._hand, self._baud = hand, baud
        self._reader, self._translator, self._tell = reader, translator, tell
        self._from_host, self._from_board = FrameDecoder(), FrameDecoder()
        self._poll = select.poll()
        for port in (self._host, self._link):
            self._poll.register(port.fileno(), select.POLLIN)
        self._lock = Lock()
        self._unsent = b""
        """Bytes for a host that does not read at the moment."""
        self._retry_s = 0.0
        self._stopping = False
        self._emg_added, self._emg_age, self._host_added = Distribution(), Distribution(), Distribution()
        """Time from the arrival of a frame's newest sample, from its time stamp, and from a host's message, to the
        write."""
        self._frames = self._drops = 0
        self._cost = ProcessCost()

    @property
    def path(self) -> str:
        """The port that a host opens."""
        return self._host.path

    def run(self, seconds: float | None) -> dict[str, Any]:
        """Runs until a signal ends it, or for `seconds`; the summary.

        Raises:
            Exception: the stream cannot be used any longer; UserError, if its user can do something about it.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                signal.signal(number, self._stop)
        began_s = time.monotonic()
        self._reader.start(lambda: self._translator.missing, self._hear_stream)
        try:
            while not self._stopping and (seconds is None or time.monotonic() - began_s < seconds):
                self._turn()
        finally:
            self._reader.close()
            if self._link is not None:
                self._let_go(self._link)
        return self._summary(time.monotonic() - began_s)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _turn(self) -> None:
        """One turn: what the host says goes first, because it may be an emergency stop."""
        ready = {fd for fd, _ in self._poll.poll(IDLE_MS)}
        if self._link is None:
            self._find_board()
        else:
            with self._lock:
                self._send(b"")
            try:
                if self._host.fileno() in ready:
                    self._hear_host(self._link)
                if self._link.fileno() in ready:
                    self._hear_board(self._link)
            except LinkLost as lost:
                self._lose_board(self._link, lost)
        if self._reader.failure is not None:
            raise self._reader.failure

    def _hear_host(self, link: SerialLink) -> None:
        data, read_s = self._host.read(), time.monotonic()
        for frame in self._from_host.feed(data):
            with self._lock:
                to_board, to_host = self._translator.from_host(frame)
                self._send(to_host)
            if to_board:
                link.write(to_board)
                self._host_added.add(time.monotonic() - read_s)

    def _hear_board(self, link: SerialLink) -> None:
        data, read_s = link.read(), time.monotonic()
        for frame in self._from_board.feed(data):
            with self._lock:
                self._send(self._translator.from_board(frame, read_s))

    def _hear_stream(self, block: Block) -> None:
        """Runs in the thread of the reader."""
        with self._lock:
            if frames := self._translator.from_stream(block):
                self._send(b"".join(frames))
                self._frames += len(frames)
                written_s = time.monotonic()
                self._emg_added.add(written_s - block.read_s)
                self._emg_age.add(written_s - float(block.taken_s[-1]))

    def _send(self, data: bytes) -> None:
        """Gives whole frames to the host; drops them while too many wait, because the host does not read."""
        if len(self._unsent) < MOST_UNSENT_BYTES:
            self._unsent += data
        elif data:
            self._drops += 1
        with suppress(BlockingIOError):
            if self._unsent and self._link is not None:
                self._unsent = self._unsent[os.write(self._host.fileno(), self._unsent) :]

    def _lose_board(self, link: SerialLink, lost: LinkLost) -> None:
        self._tell(f"The board on {self._hand} is gone ({lost}); plug it in again.")
        self._poll.unregister(link.fileno())
        self._poll.unregister(self._host.fileno())
        self._let_go(link)

    def _let_go(self, link: SerialLink) -> None:
        """Closes both ports."""
        link.close()
        with self._lock:
            self._host.unplug()
            self._unsent = b""
            self._translator.board_lost()
            self._link = None

    def _find_board(self) -> None:
        now_s = time.monotonic()
        if now_s < self._retry_s:
            return
        self._retry_s = now_s + RETRY_S
        with suppress(UserError):  # it is still away
            link = self._link = SerialLink(self._hand, self._baud)
            self._from_host.reset()
            self._from_board.reset()
            self._host.plug()
            self._poll.register(link.fileno(), select.POLLIN)
            self._poll.register(self._host.fileno(), select.POLLIN)
            self._tell(f"The board on {self._hand} is back.")

    def _summary(self, seconds: float) -> dict[str, Any]:
        return {
            "seconds": round(seconds, 3),
            "samples": self._reader.samples,
            "samples_lost": self._reader.lost,
            "emg_frames": self._frames,
            "drops": self._drops,
            "emg_added_ms": self._emg_added.summary_ms(),
            "emg_age_ms": self._emg_age.summary_ms(),
            "host_added_ms": self._host_added.summary_ms(),
            "cpu_seconds_per_second": round(self._cost.cpu_seconds_per_second(), 3),
            "rss_mb": round(self._cost.rss_mb(), 1),
        }
