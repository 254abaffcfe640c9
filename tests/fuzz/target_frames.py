"""Bytes on the line → frames: independent of how the bytes are cut, only sent frames, and always ready for the next."""

from __future__ import annotations

import json
from pathlib import Path

from myobridge.wire.frame import MAX_WIRE_BYTES, FrameDecoder, encode

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "frames.json").read_text(encoding="utf-8"))
NEXT = encode(9, 7, b"next")


def seeds() -> list[bytes]:
    return [b"\x07" + bytes.fromhex(vector["wire"]) for vector in VECTORS["good"] + VECTORS["bad"]]


def fuzz(data: bytes) -> None:
    width, line = 1 + int.from_bytes(data[:1], "little"), data[1:]
    whole, cut = FrameDecoder(), FrameDecoder()
    frames = whole.feed(line)
    assert [frame for at in range(0, len(line), width) for frame in cut.feed(line[at : at + width])] == frames
    assert cut.counters == whole.counters
    assert len(cut._rest) <= MAX_WIRE_BYTES
    sent = line.split(b"\0")[:-1]
    errors = whole.counters.crc_errors + whole.counters.length_errors
    assert len(frames) + errors - cut._skipping == sum(map(bool, sent))
    assert all(_encoded(frame) in sent for frame in frames)
    (frame,) = FrameDecoder().feed(NEXT)
    assert cut.feed(b"\0" + NEXT)[-1] == frame


def _encoded(frame: bytes) -> bytes:
    """COBS as PROTOCOL.md describes it."""
    return b"".join(bytes((len(part) + 1,)) + part for part in frame.split(b"\0"))
