"""The clients' end of the feed."""

from __future__ import annotations

import select
import struct
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from myobridge.errors import UserError
from myobridge.feed.messages import (
    BYTES,
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
    encode,
    pack,
)
from myobridge.feed.place import connect

MAX_MESSAGE: Final = 1 << 20
REPLY_S: Final = 10.0
READ_BYTES: Final = 1 << 16


class NoDaemon(UserError):
    """No daemon serves this port, or it has ended."""


class _Told(msgspec.Struct):
    """The fields of a reply that every version has."""

    id: int
    ok: bool
    text: str


class FeedClient:
    """A connection to the daemon on a port.

        with FeedClient("/dev/ttyACM0") as feed:
            feed.subscribe("bytes", "snapshots")
            while True:
                match feed.receive(timeout_s=0.1): …

    A connection is not thread-safe.
    """

    def __init__(self, port: str | Path) -> None:
        """Connects.

        Raises:
            NoDaemon: no daemon runs on this port.
        """
        self.misunderstood = ""
        """A sentence if a snapshot came that this version cannot read; such snapshots are skipped."""
        self._port = port
        self._splitter = Splitter(MAX_MESSAGE)
        self._inbox: deque[Chunk | Snapshot] = deque()
        self._reply: Reply | None = None
        self._last_id = 0
        self._snapshot = msgspec.json.Decoder(Snapshot)
        try:
            self._socket = connect(port)
        except OSError as error:
            raise unreachable(port, error) from error
        self._socket.settimeout(REPLY_S)

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
        """For select and event loops; messages that are received already do not make it readable."""
        return self._socket.fileno()

    def subscribe(self, *want: Want) -> About:
        """Subscribes to bytes, snapshots or both; returns what the daemon runs.

        Raises:
            NoDaemon: the daemon has ended.
            UserError: the daemon has too many listeners, or is a different version.
        """
        reply = self.request("subscribe", want=want)
        if reply.about is not None:
            return reply.about
        raise UserError(self._other_version() if reply.ok else reply.text)

    def request(self, do: Do, *, want: tuple[Want, ...] = (), path: str = "", within_s: float | None = None) -> Reply:
        """Sends a request and waits for its answer; messages that arrive meanwhile are kept for `receive`.

        Raises:
            NoDaemon: the daemon has ended, or did not answer in time.
        """
        self._last_id += 1
        until_s = time.monotonic() + (REPLY_S if within_s is None else within_s)
        try:
            self._socket.sendall(pack(REQUEST, encode(Request(self._last_id, do, want, path, time.monotonic()))))
        except TimeoutError as error:
            raise self._silent() from error
        except OSError as error:
            raise ended(self._port) from error
        self._reply = None
        while self._reply is None:
            if (left_s := until_s - time.monotonic()) <= 0:
                raise self._silent()
            self._read(left_s)
        return self._reply

    def receive(self, timeout_s: float) -> Chunk | Snapshot | None:
        """The next message of a subscription, in order; None if none arrives in time.

        Raises:
            NoDaemon: the daemon has ended.
        """
        until_s = time.monotonic() + timeout_s
        while not self._inbox:
            left_s = until_s - time.monotonic()
            if not self._read(max(0.0, left_s)) and left_s <= 0:
                return None
        return self._inbox.popleft()

    def newest(self, timeout_s: float) -> Snapshot | None:
        """The newest snapshot, None if none arrives in time; drops all earlier messages.

        Raises:
            NoDaemon: the daemon has ended.
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
        except OSError as error:
            raise ended(self._port) from error
        if not data:
            raise ended(self._port)
        try:
            for kind, payload in self._splitter.push(data):
                self._take(kind, payload)
        except (ValueError, struct.error) as error:
            raise NoDaemon(self._other_version()) from error
        return True

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == BYTES:
            self._inbox.append(Chunk(TIME.unpack_from(payload)[0], payload[TIME.size :]))
        elif kind == SNAPSHOT:
            try:
                self._inbox.append(self._snapshot.decode(payload))
            except ValueError:  # msgspec's errors are ValueErrors, too
                self.misunderstood = self._other_version()
        elif kind == REPLY:
            reply = understood(payload)
            if reply.id == self._last_id:
                self._reply = reply

    def _silent(self) -> NoDaemon:
        return NoDaemon(f"The daemon on {self._port} does not answer; end it and start it again.")

    def _other_version(self) -> str:
        return f"The daemon on {self._port} and this program are different versions; end both and start them again."


def unreachable(port: str | Path, error: OSError) -> NoDaemon:
    """The error for a connection that `place.connect` or `connect_now` refused."""
    if isinstance(error, (TimeoutError, BlockingIOError)):
        return NoDaemon(f"The daemon on {port} accepts no connections; end it and start it again.")
    return NoDaemon(f"No daemon runs on {port}; start one with `myobridge run --port {port} --model MODEL`.")


def ended(port: str | Path) -> NoDaemon:
    """The error for a connection that the daemon closed."""
    return NoDaemon(f"The daemon on {port} has ended; start it again with `myobridge run`.")


def understood(payload: bytes) -> Reply:
    """Decodes a reply; one of another version loses its `about`."""
    try:
        return msgspec.json.decode(payload, type=Reply)
    except msgspec.ValidationError:
        told = msgspec.json.decode(payload, type=_Told)
        return Reply(told.id, told.ok, told.text)
