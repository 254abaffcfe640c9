"""The feed: one local socket through which views, recorders and commands look into a running daemon, and ask.

The daemon (`feed_server.py`) listens on a Unix stream socket, `feed_path(port)`, which only its user can open.
Messages go both ways as `length u32 LE | kind u8 | payload`. A client sends `Q` (JSON Request); the daemon answers
each with `R` (JSON Reply), and sends subscribers `B` (float64 host time, then the bytes that it read from the port in
one turn) and `S` (JSON Snapshot, 25 a second). A stream socket, because of datagrams the kernel queues as few as ten:
25 ms of bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import select
import socket
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import Final, Literal, NamedTuple, Self

import msgspec

from myobridge.errors import UserError
from myobridge.model_file import ModelSpec
from myobridge.wire import messages as m

HEAD: Final = Struct("<IB")
TIME: Final = Struct("<d")
REQUEST, REPLY, BYTES, SNAPSHOT = b"QRBS"
MAX_MESSAGE: Final = 1 << 20
REPLY_S: Final = 10.0
READ_BYTES: Final = 1 << 16

Want = Literal["bytes", "snapshots"]
Do = Literal["subscribe", "unsubscribe", "about", "arm", "disarm", "estop", "model"]


class NoDaemon(UserError):
    """No daemon serves this port, or it has ended."""


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What a client asks. want: of subscribe and unsubscribe; path: of model, absolute or a shipped model's name."""

    id: int
    do: Do
    want: tuple[Want, ...] = ()
    path: str = ""


class About(msgspec.Struct, kw_only=True):
    """What the daemon runs. ident and config: of the connected device; None while there is none.

    wall_minus_monotonic_s: add it to a host time to get seconds since 1970, UTC.
    """

    port: str
    model_path: str
    spec: ModelSpec
    ident: m.Ident | None
    config: m.Config | None
    wall_minus_monotonic_s: float


class Reply(msgspec.Struct):
    """What came of a request: a sentence. about: in answers to subscribe and about."""

    id: int
    ok: bool
    text: str
    about: About | None = None


class Chunk(NamedTuple):
    """Bytes as they came from the port in one read, at `t_s` of the host's monotonic clock."""

    t_s: float
    data: bytes


class Snapshot(msgspec.Struct, kw_only=True):
    """One look at the running daemon; angles in degrees, thumb to little.

    state: name of a messages.State, or LOST while the hand is looked for.
    explained: state and reason as a sentence.
    blocked: why the hand cannot be armed now, for people; empty if it can.
    withheld: name of a pipeline.Withheld.
    level: per channel, root mean square of the filtered and scaled window (1 is the training's usual level).
    predicted_deg: what a setpoint says or would say; empty while the window is filling.
    applied_deg: where the firmware has the servos, from its last STATUS.
    feed_drops: messages that slow subscribers, all together, did not take.
    """

    t_s: float
    state: str
    reason: str
    explained: str
    blocked: str
    may_move: bool
    withheld: str
    model: str
    channels: tuple[str, ...]
    servos: tuple[str, ...]
    level: list[float]
    contact: list[str]
    predicted_deg: list[float]
    applied_deg: list[float]
    supply_mv: int
    samples_received: int
    frames_lost: int
    samples_lost: int
    crc_errors: int
    unexpected_frames: int
    reconnects: int
    commands_sent: int
    write_drops: int
    feed_drops: int
    latency_ms: dict[str, float]
    fs_hz: float
    note: str


def runtime_folder() -> Path:
    """Where the user's feeds are; it may not exist yet."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir():
        return Path(base) / "myobridge"
    return Path(tempfile.gettempdir()) / f"myobridge-{os.getuid()}"


def feed_path(port: str | Path) -> Path:
    """The socket of the daemon on `port`: short, whatever the port is called, and another one for each port."""
    port = os.path.abspath(port)  # noqa: PTH100 - a link to the port keeps its name when the port changes
    name = re.sub(r"[^A-Za-z0-9]+", "-", os.path.basename(port))[:32]  # noqa: PTH119
    return runtime_folder() / f"{name}-{hashlib.sha256(port.encode()).hexdigest()[:8]}.sock"


class Splitter:
    """Bytes in, messages out. Raises ValueError where a message is longer than `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pending = bytearray()

    def push(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Takes what was read; yields (kind, payload) of each message that is whole."""
        self._pending += data
        while len(self._pending) >= HEAD.size:
            length, kind = HEAD.unpack_from(self._pending)
            if length > self._most:
                raise ValueError(f"a message of {length} bytes")
            end = HEAD.size + length
            if len(self._pending) < end:
                return
            payload = bytes(self._pending[HEAD.size : end])
            del self._pending[:end]
            yield kind, payload


def pack(kind: int, payload: bytes) -> bytes:
    """A whole message."""
    return HEAD.pack(len(payload), kind) + payload


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
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(os.fspath(feed_path(port)))
        except OSError as error:
            self._socket.close()
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
        request = msgspec.json.encode(Request(self._last_id, do, want, path))
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
                self._replies[reply.id] = reply
        return True

    def _ended(self) -> NoDaemon:
        return NoDaemon(f"The daemon on {self._port} has ended; start it again with `myobridge run`.")
