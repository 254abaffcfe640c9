"""Limits the connections that have not finished their handshake, so that they cannot harm the view or its viewers."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Iterable
from typing import Final

from websockets.asyncio.server import ServerConnection

REQUEST_S: Final = 3.0
"""Time for a handshake."""
MAX_UNFINISHED: Final = 64
BACKLOG: Final = 8
"""Connections that are accepted before the open ones are served again: three milliseconds."""
WAITING: Final = 256
"""Connections that may wait in the kernel until they are accepted."""


class Handshakes:
    """Allows MAX_UNFINISHED handshakes. Beyond that, the address with the most of them loses its oldest one."""

    def __init__(self) -> None:
        self._of: dict[ServerConnection, str] = {}

    def connection_type(self) -> type[ServerConnection]:
        """A type of connections that are counted until their handshake is finished."""
        handshakes = self

        class Newcomer(ServerConnection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                handshakes.begin(self)

            def connection_lost(self, exc: Exception | None) -> None:
                handshakes.end(self)
                super().connection_lost(exc)

        return Newcomer

    def begin(self, connection: ServerConnection) -> None:
        """Counts a new connection."""
        if len(self._of) >= MAX_UNFINISHED:
            ((crowded, _),) = Counter(self._of.values()).most_common(1)
            oldest = next(connection for connection, address in self._of.items() if address == crowded)
            del self._of[oldest]
            oldest.transport.abort()
        peer = connection.remote_address
        self._of[connection] = peer[0] if peer else ""

    def end(self, connection: ServerConnection) -> None:
        """Stops counting a connection, which became a viewer or is gone."""
        self._of.pop(connection, None)


def let_wait(listeners: Iterable[socket.socket]) -> None:
    """Lets more connections wait in the kernel than the BACKLOG that asyncio asks for."""
    for listener in listeners:
        with socket.socket(fileno=os.dup(listener.fileno())) as same:
            same.listen(WAITING)
