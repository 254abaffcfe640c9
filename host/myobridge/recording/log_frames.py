"""What the host itself writes into a `.myo` log, as frames in the wire's framing, between the frames of the wire.

The types lie where the wire has none. `seq` counts the log's own frames modulo 256, so that a lost one is noticed.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from enum import IntEnum
from importlib.metadata import version
from typing import Annotated, Final, Literal

import msgspec

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.wire import messages as m
from myobridge.wire.frame import MIN_FRAME_BYTES, encode

SUFFIX: Final = ".myo"
LABELS: Final = 256
"""Labels and repetitions are a byte each."""
MAX_CHANNELS: Final = 64
"""Bits of the channel mask."""


class LogFrame(IntEnum):
    """Types of the host's own frames; all types from the first one up are the log's."""

    HEADER = 0xF0
    TIME = 0xF1
    CUE = 0xF2
    DISCARD = 0xF3
    NOTE = 0xF4
    LOST = 0xF5
    END = 0xF6


TIME: Final = struct.Struct("<d")
CUE: Final = struct.Struct("<BB")
LOST: Final = struct.Struct("<I")
END: Final = struct.Struct("<I")
PART: Final = struct.Struct("<BB")
"""Before each piece of a HEADER's or NOTE's text: which piece, of how many."""
PIECE_BYTES: Final = m.MAX_FRAME_BYTES - MIN_FRAME_BYTES - PART.size
MAX_PIECES: Final = 255


def own_versions() -> dict[str, str]:
    """What wrote a file: this program and the protocol that it speaks."""
    return {"myobridge": version("myobridge"), "protocol": f"{m.MAJOR}.{m.MINOR} {m.PROTO_HASH:08x}"}


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a reader must know before the first sample.

    ident, config: what the device said of itself, and what it was told; channels and sampling rate follow from them.
    poses: what the labels of the cues mean; label 0 is rest.
    electrodes: names of the channels in the order in which they are sampled; empty: they have none.
    started_utc: when the recording was begun.
    """

    format: Literal[1] = 1
    ident: m.Ident
    config: m.Config
    poses: tuple[LabelledPose, ...] = ()
    electrodes: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_CHANNELS)] = ()
    started_utc: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    versions: dict[str, str] = msgspec.field(default_factory=own_versions)

    def __post_init__(self) -> None:
        if not 0 < self.config.channel_mask < 1 << MAX_CHANNELS or not 8 <= self.ident.adc_bits <= 16:
            raise ValueError("no such channels")
        if self.config.sample_period_ticks < 1 or not 1 <= self.fs_hz <= 100_000:
            raise ValueError("no such sampling rate")
        if self.electrodes and len(self.electrodes) != self.channels:
            raise ValueError(f"{len(self.electrodes)} electrodes for {self.channels} channels")
        check_poses(self.poses)

    @property
    def channels(self) -> int:
        """Number of electrodes."""
        return self.config.channel_mask.bit_count()

    @property
    def fs_hz(self) -> float:
        """Sampling rate."""
        return self.ident.tick_hz / self.config.sample_period_ticks


def check_poses(poses: tuple[LabelledPose, ...]) -> None:
    """Refuses a table whose labels are no bytes, or named twice.

    Raises:
        ValueError: which one.
    """
    labels = [pose.label for pose in poses]
    for label in labels:
        if label >= LABELS or labels.count(label) > 1:
            raise ValueError(f"the label {label} is past {LABELS - 1}, or stands for two poses")


def decode_header(text: bytes) -> Header | None:
    """A header from its JSON; None if it is not one that this program understands."""
    try:
        return msgspec.json.decode(text, type=Header)
    except (ValueError, RecursionError):  # not msgspec's alone: of text that is no UTF-8 it raises Python's own
        return None


class LogEncoder:
    """Encodes the log's own frames and numbers them."""

    def __init__(self) -> None:
        self._seq = 0

    def frame(self, kind: LogFrame, payload: bytes = b"") -> bytes:
        """One frame with its ending zero."""
        encoded = encode(kind, self._seq, payload)
        self._seq = (self._seq + 1) & 0xFF
        return encoded

    def text(self, kind: LogFrame, text: bytes) -> bytes:
        """A HEADER or NOTE in as many frames as it takes; what does not fit into MAX_PIECES is cut off."""
        pieces = [text[at : at + PIECE_BYTES] for at in range(0, len(text), PIECE_BYTES)][:MAX_PIECES] or [b""]
        return b"".join(self.frame(kind, PART.pack(k, len(pieces)) + piece) for k, piece in enumerate(pieces))

    def header(self, header: Header) -> bytes:
        """The header.

        Raises:
            UserError: it is too long.
        """
        text = msgspec.json.encode(header)
        if len(text) > MAX_PIECES * PIECE_BYTES:
            raise UserError("The recording's header is too long; name fewer poses or shorten their names.")
        return self.text(LogFrame.HEADER, text)


class TextAssembler:
    """Joins the pieces of HEADER and NOTE frames; a text of which a piece is missing is dropped."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, payload: bytes) -> bytes | None:
        """The whole text if this was its last piece."""
        if len(payload) < PART.size:
            return None
        part, parts = PART.unpack_from(payload)
        if part == 0:
            self._pieces = []
        if part != len(self._pieces):
            self._pieces = []
            return None
        self._pieces.append(payload[PART.size :])
        if len(self._pieces) < parts:
            return None
        text, self._pieces = b"".join(self._pieces), []
        return text
