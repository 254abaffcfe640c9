"""Snapshots of a simulated hand: JSON datagrams to a Unix socket, dropped if nobody reads."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

import msgspec

from myobridge.wire.messages import Reason, State


class HandSnapshot(msgspec.Struct, kw_only=True):
    """Angles in degrees, thumb to little. truth_deg: the wearer's fingers; empty if the source does not know them.

    state, reason: of the board itself, which it keeps without a host, too.
    """

    truth_deg: list[float]
    applied_deg: list[float]
    state: State
    reason: Reason


class HandTap:
    """The sending end; drops datagrams that the kernel does not take."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, snapshot: HandSnapshot) -> None:
        """Sends one snapshot or drops it; never blocks."""
        with suppress(OSError):
            self._socket.sendto(msgspec.json.encode(snapshot), self._path)


class HandTapReader:
    """The receiving end; makes the socket, and keeps the newest snapshot only."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._decoder = msgspec.json.Decoder(HandSnapshot)

    def newest(self, timeout_s: float) -> HandSnapshot | None:
        """The newest snapshot that arrives within `timeout_s`; None if none does."""
        self._socket.settimeout(timeout_s)
        newest = None
        with suppress(TimeoutError, BlockingIOError):
            while True:
                newest = self._socket.recv(65536)
                self._socket.setblocking(False)
        return None if newest is None else self._decoder.decode(newest)
