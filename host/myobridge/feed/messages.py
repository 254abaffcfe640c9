"""What goes over the feed's socket.

Messages go both ways as `length u32 LE | kind u8 | payload`. A client sends `Q` (JSON Request); the daemon answers
each with `R` (JSON Reply), and sends subscribers `B` (float64 host time, then the bytes that it read from the port in
one turn) and `S` (JSON Snapshot, 25 a second). A stream socket, because of datagrams the kernel queues as few as ten:
25 ms of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from myobridge.model.file import ModelSpec
from myobridge.wire import messages as m

HEAD: Final = Struct("<IB")
TIME: Final = Struct("<d")
REQUEST, REPLY, BYTES, SNAPSHOT = b"QRBS"
URGENT: Final = (b'"estop"', b'"disarm"')
"""A request that has one of these in it is looked at before all others."""
UNDOING: Final = (b'"arm"', b'"lift"')
"""A request that has one of these in it is not done beside an urgent one."""
LOST: Final = "LOST"
"""State in a look while there is no hand."""

Want = Literal["bytes", "snapshots"]
Do = Literal["subscribe", "unsubscribe", "about", "arm", "disarm", "estop", "lift", "model"]


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What a client asks. want: of subscribe and unsubscribe; path: of model, absolute or a shipped model's name.

    asked_s: when it was asked, by the host's monotonic clock; an ARM that is older than three seconds is refused.
    """

    id: Annotated[int, msgspec.Meta(gt=0, lt=1 << 53)]
    do: Do
    want: tuple[Want, ...] = ()
    path: str = ""
    asked_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0


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

    at_s: when the daemon looked, by the host's monotonic clock. An ARM that a person asks for on the strength of a look
        is as old as that look: give it to the request as `asked_s`.
    state: name of a messages.State, or LOST while the hand is looked for.
    explained: state and reason as a sentence.
    blocked: why the hand cannot be armed now, for people; empty if it can.
    estop: the daemon remembers an emergency stop of this board until a person lifts it (`lift` of Do).
    withheld: name of a pipeline.Withheld.
    level: per channel, root mean square of the filtered and scaled window (1 is the training's usual level).
    predicted_deg: what a setpoint says or would say; empty while the window is filling.
    applied_deg: where the firmware has the servos, from its last STATUS.
    feed_drops: messages that slow subscribers, all together, did not take.
    """

    t_s: float
    at_s: float = 0.0
    state: str
    reason: str
    explained: str
    blocked: str
    may_move: bool
    estop: bool = False
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


class Splitter:
    """Bytes in, messages out; one that is not taken from the iterator comes with the next push.

    Raises ValueError where a message is longer than `most`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pending = bytearray()

    @property
    def has_message(self) -> bool:
        """A whole message waits."""
        pending = self._pending
        return len(pending) >= HEAD.size and len(pending) >= HEAD.size + HEAD.unpack_from(pending)[0]

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


def encode(message: msgspec.Struct) -> bytes:
    """As JSON. A name that is not UTF-8, as a port's may be, has question marks in it."""
    try:
        return _encode(message)
    except UnicodeEncodeError:
        import json  # noqa: PLC0415 - it takes the daemon's start longer than this is worth

        return json.dumps(msgspec.to_builtins(message), ensure_ascii=False).encode(errors="replace")


_encode = msgspec.json.Encoder().encode
