"""One client, as the daemon sees it: the loop waits neither for a slow one nor for one that talks nonsense."""

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
"""At a time: some 700 requests."""


@dataclass(eq=False)
class Peer:
    """A non-blocking connection."""

    socket: socket.socket
    heard: int
    """The poll in which it came, or made its last request."""
    wants: set[str] = field(default_factory=set)
    spoke: bool = False
    """It has made a request."""
    unanswered: int = 0
    """Requests that the daemon has not answered yet."""
    unsent: bytearray = field(default_factory=bytearray)
    urgent: list[bytes] = field(default_factory=list)
    later: deque[bytes] = field(default_factory=deque)
    _splitter: Splitter = field(default_factory=lambda: Splitter(MAX_REQUEST))

    @property
    def has_more(self) -> bool:
        """Something that it has sent waits to be looked at."""
        return bool(self.later) or self._splitter.has_message

    def send(self, message: bytes, room: int) -> bool:
        """Sends what the kernel takes and keeps the rest; False, and the message is dropped, beyond `room` bytes.

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

    def receive(self, most: int) -> int:
        """Looks at `most` messages at most, and puts each request to `urgent` or `later`; how many were none.

        Raises:
            OSError: the client is gone, and all that it has sent was looked at.
            ValueError: it announces a message that is too long.
        """
        data = b"" if self._splitter.has_message else self._read()
        refused = 0
        for kind, payload in islice(self._splitter.push(data), most):
            if kind != REQUEST:
                refused += 1
            elif any(word in payload for word in URGENT):
                self.urgent.append(payload)
            else:
                self.later.append(payload)
        return refused

    def _read(self) -> bytes:
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            raise ConnectionResetError
        return data
