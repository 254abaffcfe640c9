"""A look into the running loop: snapshots as JSON datagrams to a Unix socket, dropped when nobody reads."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

PERIOD_S: Final = 0.04


class Snapshot(msgspec.Struct, kw_only=True):
    """One look; angles in degrees, thumb to little.

    level: per channel, root mean square of the filtered and scaled window (1 is the training's usual level).
    """

    t_s: float
    state: str
    reason: str
    may_move: bool
    withheld: str
    level: list[float]
    contact: list[str]
    predicted_deg: list[float]
    applied_deg: list[float]
    frames_lost: int
    samples_lost: int
    crc_errors: int
    commands_sent: int
    latency_ms: dict[str, float]
    fs_hz: float
    note: str


class HandSnapshot(msgspec.Struct, kw_only=True):
    """One look at a simulated hand; truth_deg is empty where the source does not know it."""

    truth_deg: list[float]
    applied_deg: list[float]


class Tap:
    """The sending end. The kernel's socket buffer is the bounded queue; `drops` counts what it did not take."""

    def __init__(self, path: Path) -> None:
        self.drops = 0
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._encode = msgspec.json.Encoder().encode

    def send(self, snapshot: Snapshot | HandSnapshot) -> None:
        """Sends one snapshot or drops it; never blocks."""
        try:
            self._socket.sendto(self._encode(snapshot), self._path)
        except OSError:
            self.drops += 1


Look = TypeVar("Look", Snapshot, HandSnapshot)


class TapReader(Generic[Look]):
    """The receiving end; it makes the socket, and the newest snapshot wins."""

    def __init__(self, path: Path, kind: type[Look]) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._decoder: msgspec.json.Decoder[Look] = msgspec.json.Decoder(kind)

    def newest(self, timeout_s: float) -> Look | None:
        """The newest snapshot that arrives within `timeout_s`; None if none did."""
        self._socket.settimeout(timeout_s)
        newest = None
        try:
            while True:
                newest = self._socket.recv(65536)
                self._socket.setblocking(False)
        except (TimeoutError, BlockingIOError):
            pass
        return None if newest is None else self._decoder.decode(newest)
