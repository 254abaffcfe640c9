"""One client, as the daemon sees it: neither its slowness nor its nonsense is waited for."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from myobridge.feed.messages import Splitter

MAX_REQUEST: Final = 4096
READ_BYTES: Final = 1024
"""At a time, so that what a client sends costs the loop little."""


@dataclass(eq=False)
class Peer:
    """A non-blocking connection."""

    socket: socket.socket
    wants: set[str] = field(default_factory=set)
    heard: int = 0
    """In which poll it was heard last."""
    unsent: bytearray = field(default_factory=bytearray)
    _splitter: Splitter = field(default_factory=lambda: Splitter(MAX_REQUEST))

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

    def receive(self) -> list[tuple[int, bytes]]:
        """(kind, payload) of the messages that have arrived.

        Raises:
            OSError: the client is gone.
            ValueError: it announces a message that is too long.
        """
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            raise ConnectionResetError
        return list(self._splitter.push(data))
