"""Framing: type, seq, payload and CRC-32, COBS-encoded, ended by a zero byte (firmware/PROTOCOL.md).

COBS is our own because the library's C core has no arm64 wheel, and its Python core is ten times slower.
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
"""Of any bytes and their CRC, low byte first: a whole frame is judged without a slice of it."""
PAYLOAD: Final = slice(HEAD_BYTES, -CRC_BYTES)
"""The payload's place in a whole frame."""
MIN_FRAME_BYTES: Final = HEAD_BYTES + CRC_BYTES
OVERHEAD_BYTES: Final = MIN_FRAME_BYTES + 2
"""Of any frame on the wire: code byte, type, seq, CRC and the ending zero."""
MAX_WIRE_BYTES: Final = MAX_FRAME_BYTES + 1
"""Longest frame on the wire, without the ending zero."""


def encode(kind: int, seq: int, payload: bytes) -> bytes:
    """One frame as it goes on the wire, with its ending zero byte.

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
    """What the decoder had to drop."""

    crc_errors: int = 0
    length_errors: int = 0


class FrameDecoder:
    """Bytes in, whole good frames out; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self.counters = FrameCounters()
        self._rest = b""
        """The unfinished frame."""
        self._skipping = False
        """The unfinished frame is already too long: drop up to the next zero."""

    def feed(self, data: bytes) -> list[bytes]:
        """Good frames that `data` completes: type, seq, payload and CRC, in order of arrival.

        Each is at least MIN_FRAME_BYTES long, and its CRC is right. Its length is not checked against its type.
        """
        parts = (self._rest + data).split(b"\0")
        self._rest = parts.pop()
        if self._skipping and parts:
            self._skipping = False
            del parts[0]
        frames = []
        for part in parts:
            body, at, end = bytearray(part), 0, len(part)
            while at < end:  # each code byte becomes the zero it stands for
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
        """The last byte that came was the last of a frame."""
        return not self._rest and not self._skipping

    def reset(self) -> None:
        """Forgets the unfinished frame (the port was opened anew)."""
        self._rest = b""
        self._skipping = False
