"""Connections that have not said yet what they want: what they may cost the view, and the viewers beside them."""

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
"""Connections that are let in between two looks at those that are open: three milliseconds."""
WAITING: Final = 256
"""Connections that wait with the kernel until they are let in."""


class Handshakes:
    """At most MAX_UNFINISHED. Where there are more, the address that has most of them loses its oldest one."""

    def __init__(self) -> None:
        self._of: dict[ServerConnection, str] = {}

    def connection_type(self) -> type[ServerConnection]:
        """Connections of this type are counted until their handshake is done."""
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
        """A connection has come."""
        if len(self._of) >= MAX_UNFINISHED:
            ((crowded, _),) = Counter(self._of.values()).most_common(1)
            oldest = next(connection for connection, address in self._of.items() if address == crowded)
            del self._of[oldest]
            oldest.transport.abort()
        peer = connection.remote_address
        self._of[connection] = peer[0] if peer else ""

    def end(self, connection: ServerConnection) -> None:
        """It watches from now on, or it has gone."""
        self._of.pop(connection, None)


def let_wait(listeners: Iterable[socket.socket]) -> None:
    """Has the kernel keep more than the BACKLOG connections that asyncio asks it for."""
    for listener in listeners:
        with socket.socket(fileno=os.dup(listener.fileno())) as same:
            same.listen(WAITING)
