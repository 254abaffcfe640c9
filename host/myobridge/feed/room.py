"""Accepts every client of the feed. If there is no room, disconnects the idlest client without a subscription."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Final

from myobridge.feed.peer import Peer

MAX_CLIENTS: Final = 64
ACCEPTS_A_POLL: Final = 32
"""New clients in one poll: half a millisecond."""


class Room:
    """The listening socket. It reserves a file descriptor to accept an ESTOP when the process has no other left."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._spare = -1
        self.keeps_one_back()

    def close(self) -> None:
        """Accepts nobody from now on."""
        self._give_up_spare()

    def newcomers(
        self, clients: Collection[Peer], poll: int, disconnect: Callable[[Peer], None]
    ) -> Iterator[socket.socket]:
        """Accepts up to ACCEPTS_A_POLL new clients; the caller adds each to `clients` before it takes the next.

        A client of this `poll` is not disconnected, because it has not been heard yet.
        """
        self.keeps_one_back()
        for _ in range(ACCEPTS_A_POLL):
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE):
                    return
                if (idle := _idlest(clients, poll)) is not None:
                    disconnect(idle)
                elif not self._give_up_spare():
                    return
                continue
            if len(clients) >= MAX_CLIENTS and (idle := _idlest(clients, poll)) is not None:
                disconnect(idle)
            connection.setblocking(False)
            yield connection

    def keeps_one_back(self) -> bool:
        """Whether a file descriptor is reserved for a client that comes with an order."""
        if self._spare < 0:
            with suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY)
        return self._spare >= 0

    def _give_up_spare(self) -> bool:
        if self._spare < 0:
            return False
        os.close(self._spare)
        self._spare = -1
        return True


def _idlest(clients: Collection[Peer], poll: int) -> Peer | None:
    """The client that never made a request, or whose last request is the oldest."""
    idle = [client for client in clients if not client.wants and client.heard < poll]
    return min(idle, key=lambda client: (client.unanswered > 0, client.spoke, client.heard), default=None)
