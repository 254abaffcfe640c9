"""The daemon's end of one client's connection: neither a slow client nor a faulty one delays the loop."""

from __future__ import annotations

import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from myobridge.feed.messages import REQUEST, URGENT, Splitter

MAX_REQUEST: Final = 4096
READ_BYTES: Final = 1 << 15
"""Bytes of one read: some 700 requests."""


@dataclass(eq=False)
class Peer:
    """A non-blocking connection."""

    socket: socket.socket
    heard: int
    """The poll in which the client connected or made its last request."""
    wants: set[str] = field(default_factory=set)
    spoke: bool = False
    """The client has made a request."""
    unanswered: int = 0
    """Requests that the daemon has not answered yet."""
    unsent: bytearray = field(default_factory=bytearray)
    urgent: list[bytes] = field(default_factory=list)
    later: deque[tuple[float, bytes]] = field(default_factory=deque)
    """Each with the time when it was read."""
    _splitter: Splitter = field(default_factory=lambda: Splitter(MAX_REQUEST))

    @property
    def has_more(self) -> bool:
        """Messages of the client are still to be read."""
        return bool(self.later) or self._splitter.has_message

    def send(self, message: bytes, room: int) -> bool:
        """Sends what the kernel takes and keeps the rest; beyond `room` bytes, drops the message and returns False.

        Raises:
            OSError: the client is gone.
        """
        taken = len(self.unsent) <= room
        if taken:
            self.unsent += message
        self.flush()
        return taken

    def flush(self) -> None:
        """Sends what the kernel takes of the rest.

        Raises:
            OSError: the client is gone.
        """
        with suppress(BlockingIOError):
            del self.unsent[: self.socket.send(self.unsent)]

    def receive(self, most: int, now_s: float) -> int:
        """Reads up to `most` messages into `urgent` and `later`; returns how many were not requests.

        Raises:
            OSError: the client is gone, and all its messages were read.
            ValueError: the client announces a message longer than MAX_REQUEST.
        """
        data = b"" if self._splitter.has_message else self._read()
        refused = 0
        for kind, payload in islice(self._splitter.push(data), most):
            if kind != REQUEST:
                refused += 1
            elif any(word in payload for word in URGENT):
                self.urgent.append(payload)
            else:
                self.later.append((now_s, payload))
        return refused

    def _read(self) -> bytes:
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            raise ConnectionResetError
        return data
