"""Framing: type, seq, payload and CRC-32, encoded in COBS and ended by a zero byte (firmware/PROTOCOL.md).

This module has its own COBS because the C core of the `cobs` package has no arm64 wheel, and its Python core is ten
times slower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zlib import crc32

from myobridge.wire.messages import MAX_FRAME_BYTES

HEAD_BYTES: Final = 2
"""Type and seq."""
CRC_BYTES: Final = 4
CRC_OF_GOOD_FRAME: Final = 0x2144DF1C
"""CRC-32 of any bytes followed by their own CRC, low byte first; it checks a whole frame without a slice."""
PAYLOAD: Final = slice(HEAD_BYTES, -CRC_BYTES)
"""Position of the payload in a whole frame."""
MIN_FRAME_BYTES: Final = HEAD_BYTES + CRC_BYTES
OVERHEAD_BYTES: Final = MIN_FRAME_BYTES + 2
"""Bytes on the wire beside the payload: code byte, type, seq, CRC and the ending zero."""
MAX_WIRE_BYTES: Final = MAX_FRAME_BYTES + 1
"""Longest frame on the wire, without the ending zero."""


def encode(kind: int, seq: int, payload: bytes) -> bytes:
    """The frame as bytes for the wire, with the ending zero.

    Raises:
        ValueError: the payload does not fit in a frame.
    """
    body = bytes((kind, seq)) + payload
    body += crc32(body).to_bytes(CRC_BYTES, "little")
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"a payload of {len(payload)} bytes does not fit in a frame")
    return b"".join([bytes((len(part) + 1,)) + part for part in body.split(b"\0")]) + b"\0"


@dataclass
class FrameCounters:
    """Frames that the decoder dropped."""

    crc_errors: int = 0
    length_errors: int = 0


class FrameDecoder:
    """Turns bytes into whole good frames; keeps at most one unfinished frame."""

    def __init__(self) -> None:
        self.counters = FrameCounters()
        self._rest = b""
        """The unfinished frame."""
        self._skipping = False
        """The unfinished frame is already too long: the decoder drops all bytes up to the next zero."""

    def feed(self, data: bytes) -> list[bytes]:
        """Good frames that `data` completes, in order of arrival; each holds type, seq, payload and CRC.

        Each frame has at least MIN_FRAME_BYTES and a correct CRC. Its length is not checked against its type.
        """
        parts = (self._rest + data).split(b"\0")
        self._rest = parts.pop()
        if self._skipping and parts:
            self._skipping = False
            del parts[0]
        frames = []
        for part in parts:
            body, at, end = bytearray(part), 0, len(part)
            while at < end:  # each code byte becomes the zero that it replaced
                body[at] = 0
                at += part[at]
            if at != end or not MIN_FRAME_BYTES < end <= MAX_WIRE_BYTES:
                self.counters.length_errors += end > 0
                continue
            del body[0]
            if crc32(body) != CRC_OF_GOOD_FRAME:
                self.counters.crc_errors += 1
            else:
                frames.append(bytes(body))
        if len(self._rest) > MAX_WIRE_BYTES:
            self.counters.length_errors += not self._skipping
            self._skipping = True
            self._rest = b""
        return frames

    @property
    def between_frames(self) -> bool:
        """The last byte that arrived was the last byte of a frame."""
        return not self._rest and not self._skipping

    def reset(self) -> None:
        """Drops the unfinished frame, because the port was opened again."""
        self._rest = b""
        self._skipping = False
