"""The faults that a person makes while a simulated hand runs: JSON datagrams to a Unix socket.

Each datagram lists all faults that are on now, so that a lost datagram costs nothing once the next one arrives.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

HandFault = Literal["cable", "electrode", "hum", "cuff", "power"]
"""The cable is pulled, an electrode is lifted, mains hum is added, the cuff is shifted around the forearm, the board is
switched off."""
HAND_FAULTS: Final[tuple[HandFault, ...]] = get_args(HandFault)


class FaultSender:
    """The sending end; drops datagrams that the kernel does not take."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, faults: Collection[HandFault]) -> None:
        """Sends the faults that are on now; never blocks."""
        with suppress(OSError):
            self._socket.sendto(msgspec.json.encode(sorted(faults)), self._path)


class FaultInbox:
    """The receiving end; makes the socket. `on`: the faults that are on now."""

    def __init__(self, path: Path) -> None:
        self.on: frozenset[HandFault] = frozenset()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self._decode = msgspec.json.Decoder(frozenset[HandFault]).decode

    def take(self) -> bool:
        """Takes the newest order; True if it changed the faults. An order that makes no sense changes nothing."""
        newest = None
        with suppress(BlockingIOError):
            while True:
                newest = self._socket.recv(4096)
        before = self.on
        if newest is not None:
            with suppress(msgspec.DecodeError):
                self.on = self._decode(newest)
        return self.on != before
