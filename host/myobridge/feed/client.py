"""Everybody's end of the feed."""

from __future__ import annotations

import select
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from myobridge.errors import UserError
from myobridge.feed.messages import (
    BYTES,
    NOT_LET_IN,
    REPLY,
    REQUEST,
    SNAPSHOT,
    TIME,
    About,
    Chunk,
    Do,
    Reply,
    Request,
    Snapshot,
    Splitter,
    Want,
    pack,
)
from myobridge.feed.place import connect

MAX_MESSAGE: Final = 1 << 20
REPLY_S: Final = 10.0
READ_BYTES: Final = 1 << 16


class NoDaemon(UserError):
    """No daemon serves this port, or it has ended."""


class FeedClient:
    """A connection to the daemon on a port. Not for use by several threads at once.

    with FeedClient("/dev/ttyACM0") as feed:
        feed.subscribe("bytes", "snapshots")
        while True:
            match feed.receive(timeout_s=0.1): …
    """

    def __init__(self, port: str | Path) -> None:
        """Connects.

        Raises:
            NoDaemon: none runs on this port.
        """
        self._port = port
        self._splitter = Splitter(MAX_MESSAGE)
        self._inbox: deque[Chunk | Snapshot] = deque()
        self._replies: dict[int, Reply] = {}
        self._last_id = 0
        self._snapshot = msgspec.json.Decoder(Snapshot)
        self._reply = msgspec.json.Decoder(Reply)
        try:
            self._socket = connect(port)
        except OSError as error:
            raise NoDaemon(f"No daemon runs on {port}; start one with `myobridge run --port {port}`.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all subscriptions."""
        self._socket.close()

    def fileno(self) -> int:
        """For select and event loops; messages that have been received already do not show here."""
        return self._socket.fileno()

    def subscribe(self, *want: Want) -> About:
        """Asks for bytes, snapshots or both from now on; returns what the daemon runs.

        Raises:
            NoDaemon: it has ended.
        """
        reply = self.request("subscribe", want=want)
        assert reply.about is not None
        return reply.about

    def request(self, do: Do, *, want: tuple[Want, ...] = (), path: str = "") -> Reply:
        """Asks, and waits for the answer; what is received meanwhile is kept for `receive`.

        Raises:
            NoDaemon: it has ended, or did not answer in time.
        """
        self._last_id += 1
        request = msgspec.json.encode(Request(self._last_id, do, want, path, time.monotonic()))
        try:
            self._socket.sendall(pack(REQUEST, request))
        except OSError as error:
            raise self._ended() from error
        until_s = time.monotonic() + REPLY_S
        while (reply := self._replies.pop(self._last_id, None)) is None:
            if (left_s := until_s - time.monotonic()) <= 0:
                raise NoDaemon(f"The daemon on {self._port} does not answer; end it and start it again.")
            self._read(left_s)
        return reply

    def receive(self, timeout_s: float) -> Chunk | Snapshot | None:
        """The next message of a subscription, in the order of sending; None if none came in time.

        Raises:
            NoDaemon: it has ended.
        """
        until_s = time.monotonic() + timeout_s
        while not self._inbox:
            left_s = until_s - time.monotonic()
            if not self._read(max(0.0, left_s)) and left_s <= 0:
                return None
        return self._inbox.popleft()

    def newest(self, timeout_s: float) -> Snapshot | None:
        """The newest snapshot, if one comes in time; what came before it is dropped.

        Raises:
            NoDaemon: it has ended.
        """
        newest = None
        while (message := self.receive(timeout_s)) is not None:
            if isinstance(message, Snapshot):
                newest, timeout_s = message, 0.0
        return newest

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self._socket], [], [], timeout_s)[0]:
            return False
        try:
            data = self._socket.recv(READ_BYTES)
        except ConnectionError as error:
            raise self._ended() from error
        if not data:
            raise self._ended()
        for kind, payload in self._splitter.push(data):
            if kind == BYTES:
                self._inbox.append(Chunk(TIME.unpack_from(payload)[0], payload[TIME.size :]))
            elif kind == SNAPSHOT:
                self._inbox.append(self._snapshot.decode(payload))
            elif kind == REPLY:
                reply = self._reply.decode(payload)
                if reply.id == NOT_LET_IN:
                    raise UserError(reply.text)
                self._replies[reply.id] = reply
        return True

    def _ended(self) -> NoDaemon:
        return NoDaemon(f"The daemon on {self._port} has ended; start it again with `myobridge run`.")
