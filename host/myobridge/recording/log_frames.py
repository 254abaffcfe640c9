"""The frames that the host adds to a `.myo` log, between the frames of the wire and in the same framing.

Their types lie outside the range of the wire's types. Their `seq` counts them modulo 256, so that a reader notices a
loss.
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
from myobridge.recording.movement import Movement
from myobridge.wire import messages as m
from myobridge.wire.emg import MAX_CHANNELS, sample_bits
from myobridge.wire.frame import MIN_FRAME_BYTES, encode

SUFFIX: Final = ".myo"
LABELS: Final = 256
"""Number of labels, and of repetitions: each is one byte."""


class LogFrame(IntEnum):
    """Types of the log's own frames; every type from HEADER up belongs to the log."""

    HEADER = 0xF0
    TIME = 0xF1
    CUE = 0xF2
    DISCARD = 0xF3
    NOTE = 0xF4
    LOST = 0xF5
    END = 0xF6
    TRIAL = 0xF7
    SHOWN = 0xF8


TIME: Final = struct.Struct("<d")
CUE: Final = struct.Struct("<BB")
LOST: Final = struct.Struct("<I")
END: Final = struct.Struct("<I")
PART: Final = struct.Struct("<BB")
"""Precedes each piece of the text of a HEADER, NOTE or TRIAL: number of this piece, number of pieces."""
PIECE_BYTES: Final = m.MAX_FRAME_BYTES - MIN_FRAME_BYTES - PART.size
MAX_PIECES: Final = 255


def own_versions() -> dict[str, str]:
    """Versions of this program and of its wire protocol, to be stored in the files that it writes."""
    return {"myobridge": version("myobridge"), "protocol": f"{m.MAJOR}.{m.MINOR} {m.PROTO_HASH:08x}"}


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a reader needs before the first sample.

    ident, config: the board's IDENT and its CONFIG, from which the channels and the sampling rate follow.
    poses: what the labels of the cues mean; label 0 is rest.
    movements: what the labels of the cues mean if a moving hand was shown; a cue is the beginning of its movement.
    electrodes: names of the channels in the order in which the board samples them; empty: they have no names.
    started_utc: when the recording began.
    """

    format: Literal[1] = 1
    ident: m.Ident
    config: m.Config
    poses: tuple[LabelledPose, ...] = ()
    movements: Annotated[tuple[Movement, ...], msgspec.Meta(max_length=LABELS)] = ()
    electrodes: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_CHANNELS)] = ()
    started_utc: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    versions: dict[str, str] = msgspec.field(default_factory=own_versions)

    def __post_init__(self) -> None:
        if not 0 < self.config.channel_mask < 1 << MAX_CHANNELS or not 8 <= self.adc_bits <= 16:
            raise ValueError("the channels are not valid")
        if self.config.sample_period_ticks < 1 or not 1 <= self.fs_hz <= 100_000:
            raise ValueError("the sampling rate is not valid")
        if self.electrodes and len(self.electrodes) != self.channels:
            raise ValueError(f"{len(self.electrodes)} electrodes for {self.channels} channels")
        check_poses(self.poses)
        if len({movement.label for movement in self.movements}) < len(self.movements):
            raise ValueError("two movements have one label")

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.config.channel_mask.bit_count()

    @property
    def adc_bits(self) -> int:
        """Bits of a sample."""
        return sample_bits(self.ident, self.config)

    @property
    def fs_hz(self) -> float:
        """Sampling rate in Hz."""
        return self.ident.tick_hz / self.config.sample_period_ticks


def check_poses(poses: tuple[LabelledPose, ...]) -> None:
    """Refuses a table with a label that does not fit into a byte, or that stands for two poses.

    Raises:
        ValueError: names the label.
    """
    labels = [pose.label for pose in poses]
    for label in labels:
        if label >= LABELS or labels.count(label) > 1:
            raise ValueError(f"the label {label} is above {LABELS - 1}, or stands for two poses")


def decode_header(text: bytes) -> Header | None:
    """A header from its JSON; None: this program does not understand it."""
    try:
        return msgspec.json.decode(text, type=Header)
    except (ValueError, RecursionError):  # msgspec raises Python's own error if the text is not UTF-8
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
        """A HEADER, NOTE or TRIAL in as many frames as it needs; text that does not fit into MAX_PIECES is cut off."""
        pieces = [text[at : at + PIECE_BYTES] for at in range(0, len(text), PIECE_BYTES)][:MAX_PIECES] or [b""]
        return b"".join(self.frame(kind, PART.pack(k, len(pieces)) + piece) for k, piece in enumerate(pieces))

    def header(self, header: Header) -> bytes:
        """The frames of the header.

        Raises:
            UserError: the header is too long.
        """
        text = msgspec.json.encode(header)
        if len(text) > MAX_PIECES * PIECE_BYTES:
            raise UserError("The recording's header is too long; name fewer poses or shorten their names.")
        return self.text(LogFrame.HEADER, text)


class TextAssembler:
    """Joins the pieces of HEADER, NOTE or TRIAL frames; drops a text if one of its pieces is missing."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, payload: bytes) -> bytes | None:
        """Takes a piece; the whole text if this piece is the last one, else None."""
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
