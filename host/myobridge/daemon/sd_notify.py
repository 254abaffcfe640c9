"""Tells the service manager about the daemon: sd_notify(3), without a library.

Sends datagrams of `KEY=value` lines to the socket that $NOTIFY_SOCKET names. Without that variable it opens nothing,
and a turn of the loop costs one comparison and one assignment.
"""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

FEEDS_A_PERIOD: Final = 4
"""systemd expects two in each WatchdogSec; with four, a late or lost one does no harm."""


class Notifier:
    """Sends READY, WATCHDOG, STATUS and STOPPING; never blocks, and never fails if nobody listens."""

    def __init__(self, environ: Mapping[str, str], longest_turn_s: float) -> None:
        """Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; a turn longer than `longest_turn_s` does not count."""
        self._longest_turn_s = longest_turn_s
        self._turned_s = self._due_s = math.inf
        self._period_s = _watchdog_s(environ) / FEEDS_A_PERIOD
        self._ready = False
        self._socket: socket.socket | None = None
        if address := environ.get("NOTIFY_SOCKET"):
            self._socket = _connected(address)

    def ready(self, text: str) -> None:
        """Tells once that the service works; further calls do nothing."""
        if not self._ready:
            self._ready = True
            self._due_s = 0.0 if self._socket and math.isfinite(self._period_s) else math.inf
            self._send(f"READY=1\nSTATUS={_one_line(text)}")

    def status(self, text: str) -> None:
        """A sentence for `systemctl status`."""
        self._send(f"STATUS={_one_line(text)}")

    def turned(self, now_s: float) -> None:
        """Feeds the watchdog after a turn of the loop when that is due, unless the turn took too long.

        So systemd ends a loop that hangs, and a loop that is always too slow to move the hand.
        """
        if now_s >= self._due_s and now_s - self._turned_s <= self._longest_turn_s:
            self._due_s = now_s + self._period_s
            self._send("WATCHDOG=1")
        self._turned_s = now_s

    def stopping(self) -> None:
        """Tells that the service ends, and closes the socket."""
        self._send("STOPPING=1")
        if self._socket:
            self._socket.close()
            self._socket = None

    def _send(self, lines: str) -> None:
        if self._socket:
            with suppress(OSError):
                self._socket.send(lines.encode())


def _watchdog_s(environ: Mapping[str, str]) -> float:
    """The watchdog's period; infinite without a watchdog, or if it watches another process."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return math.inf
    try:
        return int(environ["WATCHDOG_USEC"]) / 1e6
    except (KeyError, ValueError):
        return math.inf


def _connected(address: str) -> socket.socket | None:
    """A socket connected to a path, or to an abstract name, which begins with @."""
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    notify.setblocking(False)
    try:
        notify.connect("\0" + address[1:] if address.startswith("@") else address)
    except OSError:
        notify.close()
        return None
    return notify


def _one_line(text: str) -> str:
    return " ".join(text.split())
