"""The messages of the feed's socket.

A message is `length u32 LE | kind u8 | payload`, in both directions. A client sends `Q` (JSON Request); the daemon
answers each with `R` (JSON Reply), and sends subscribers `B` (float64 host time, then the bytes that it read from the
port in one turn) and `S` (JSON Snapshot, 25 a second). The socket is a stream socket, because the kernel may queue as
few as ten datagrams, which is 25 ms of bytes.

A `Request` asks for a `Do`; four of these are a `Command` for the hand, five a `Morning` for its calibration
(`calibration_state.py` shows how far the calibration is). The daemon keeps a request as an `OpenRequest` (`server.py`)
until it answers. A page sends the view an `Order` (`view/page.py`), a `Command` without the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Annotated, Final, Literal, NamedTuple, get_args

import msgspec

from myobridge.feed.calibration_state import IDLE, CalibrationState
from myobridge.model.file import ModelSpec
from myobridge.wire import messages as m

HEAD: Final = Struct("<IB")
TIME: Final = Struct("<d")
REQUEST, REPLY, BYTES, SNAPSHOT = b"QRBS"
URGENT: Final = (b'"estop"', b'"disarm"')
"""The daemon reads a request that contains one of these before all others."""
UNDOES: Final = ("arm", "lift", "calibrate")
"""The daemon refuses such a request if an urgent request came with it."""
UNDOING: Final = tuple([f'"{do}"'.encode() for do in UNDOES])
LEASE_S: Final = 2.0
"""Longest time between two signs of life of a view whose page has control; the daemon then disarms the hand."""
LOST: Final = "LOST"
"""State in a snapshot while no hand is connected."""

Want = Literal["bytes", "snapshots"]
Command = Literal["arm", "disarm", "estop", "lift"]
"""What a person orders of the hand: at the feed, in a page, by signal or at the launch."""
Morning = Literal["calibrate", "redo", "pause", "stop", "undo"]
"""What a person orders of the calibration: start it or go on after a pause, repeat the last pose, pause, give up, and
bring the previous model back. A calibration lets the hand show the poses, so `calibrate` is refused wherever ARM is."""
MORNING: Final = get_args(Morning)
Do = Literal["subscribe", "unsubscribe", "about", Command, Morning, "model", "control"]
"""What a client may request: about the feed, a command for the hand, the calibration, or another model. With `control`,
a view says that it is there, and which page has control."""


class Request(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A client's request. Fields that are not needed are not sent, so that an earlier daemon understands the others.

    want: for subscribe and unsubscribe; path: for model, absolute or a shipped model's name.
    asked_s: when it was asked, on the host's monotonic clock; the daemon refuses requests that are older than 3 s, or
        older than a change of the situation, unless they end a motion. 0: when the daemon received it.
    control: of a view: a name for the view, and one for the page that has control now; an empty one: no page has it.
    """

    id: Annotated[int, msgspec.Meta(gt=0, lt=1 << 53)]
    do: Do
    want: tuple[Want, ...] = ()
    path: str = ""
    asked_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    control: tuple[str, str] | None = None


class ConnectedBoard(NamedTuple):
    """A board that is configured."""

    ident: m.Ident
    config: m.Config

    @property
    def fs_hz(self) -> float:
        """Its sampling rate."""
        return self.ident.tick_hz / self.config.sample_period_ticks


class About(msgspec.Struct, kw_only=True):
    """What the daemon runs. ident and config: of the connected board; None without a board.

    wall_minus_monotonic_s: add it to a host time to get seconds since 1970, UTC.
    """

    port: str
    model_path: str
    spec: ModelSpec
    ident: m.Ident | None
    config: m.Config | None
    wall_minus_monotonic_s: float

    @property
    def board(self) -> ConnectedBoard | None:
        """The connected board; None without one."""
        return None if self.ident is None or self.config is None else ConnectedBoard(self.ident, self.config)


class Reply(msgspec.Struct):
    """The answer to a request: a sentence. about: in answers to subscribe, unsubscribe and about."""

    id: int
    ok: bool
    text: str
    about: About | None = None


class Chunk(NamedTuple):
    """The bytes of one read from the port, at `t_s` on the host's monotonic clock."""

    t_s: float
    data: bytes


class Snapshot(msgspec.Struct, kw_only=True):
    """The state of the running daemon at one time; angles in degrees, thumb to little.

    at_s: when the daemon made it, on the host's monotonic clock. Give it to an ARM as `asked_s`: the person decided on
        what this snapshot shows.
    state: name of a messages.State, or LOST while no hand is connected.
    explained: state and reason as a sentence.
    blocked: why the hand cannot be armed now, as a phrase; empty if it can.
    estop: an emergency stop is in force until a person lifts it (`lift` of Do).
    withheld: name of a pipeline.Withheld.
    level: per channel, root mean square of the filtered and scaled window (1 is the usual level in training).
    predicted_deg: the network's angles, also if no setpoint is sent; empty while the window fills.
    applied_deg: the servos' angles in the firmware's last STATUS.
    feed_drops: messages that all slow subscribers together missed.
    acting: the hand shows poses of a calibration, and does not follow the wearer.
    calibration: how far the calibration is, for the page and the ear.
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
    acting: bool = False
    calibration: CalibrationState = IDLE


class Splitter:
    """Splits bytes into messages; a message that is not taken from the iterator comes with the next push.

    Raises ValueError for a message that is longer than `most` bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pending = bytearray()

    @property
    def has_message(self) -> bool:
        """A whole message is waiting."""
        pending = self._pending
        return len(pending) >= HEAD.size and len(pending) >= HEAD.size + HEAD.unpack_from(pending)[0]

    def push(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Takes bytes; yields (kind, payload) of each whole message."""
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
    """A message with its head."""
    return HEAD.pack(len(payload), kind) + payload


def encode(message: msgspec.Struct) -> bytes:
    """Encodes as JSON. Letters of a name that are not UTF-8, as in a port's name, become question marks."""
    try:
        return _encode(message)
    except UnicodeEncodeError:
        import json  # noqa: PLC0415 - too slow to import for this rare case

        return json.dumps(msgspec.to_builtins(message), ensure_ascii=False).encode(errors="replace")


_encode = msgspec.json.Encoder().encode
