"""Decodes many EMG frames at once, for reading recordings.

The frames of a stream have the same length, so a buffer of frames is a table: one row for each frame, one column for
each byte position. COBS and CRC work on whole columns. The result equals that of FrameDecoder to the bit; anything that
is not perfectly regular is left to FrameDecoder.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from myobridge.wire.frame import CRC_OF_GOOD_FRAME, MAX_WIRE_BYTES
from myobridge.wire.frame import OVERHEAD_BYTES as FRAME_OVERHEAD_BYTES
from myobridge.wire.messages import MAX_FRAME_BYTES, Emg

OVERHEAD_BYTES: Final = FRAME_OVERHEAD_BYTES + Emg.STRUCT.size
"""Bytes of an EMG frame on the wire beside its samples."""


class EmgBlock(NamedTuple):
    """Consecutive EMG frames.

    sample_index: the board's index of the first sample, modulo 2^32; the other samples follow without a gap.
    counts: int16 (samples, channels).
    flags: uint8 (frames,), bits emg_flag.
    wire_bytes: bytes that the frames take in the buffer.
    """

    sample_index: int
    counts: NDArray[np.int16]
    flags: NDArray[np.uint8]
    wire_bytes: int


def decode_emg(data: bytes, channels: int) -> EmgBlock | None:
    """The leading good EMG frames of `data` that have the same length and no gap between their samples.

    `data` starts at the start of a frame. Returns None if the first frame is not a good EMG frame.
    """
    width = data.find(0) + 1
    samples = samples_in(width, channels)
    if not samples:
        return None
    rows = len(data) // width
    fields, good = decode_rows(np.frombuffer(data, np.uint8, rows * width).reshape(rows, width), samples, channels)
    first = fields["sample_index"][0]
    good &= fields["sample_index"] == first + np.arange(0, rows * samples, samples, dtype=np.uint32)
    count = rows if good.all() else int(good.argmin())
    if not count:
        return None
    counts = fields["counts"][:count].reshape(-1, channels)
    return EmgBlock(int(first), counts, fields["flags"][:count].copy(), count * width)


def samples_in(width: int, channels: int) -> int:
    """Samples in an EMG frame of `width` bytes on the wire; 0 if no EMG frame has this length."""
    samples, odd = divmod(width - OVERHEAD_BYTES, 2 * channels)
    return 0 if samples < 1 or odd or width > MAX_WIRE_BYTES + 1 else samples


def decode_rows(rows: NDArray[np.uint8], samples: int, channels: int) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
    """Decodes encoded frames, uint8 (frames, width), as EMG frames of `samples` samples, and tells which of them are.

    The fields of the first result are `sample_index`, `n`, `flags` and `counts`.
    """
    body, whole = _decode_cobs(np.ascontiguousarray(rows.T))
    frames = np.ascontiguousarray(body.T)
    fields = frames.view(_layout(samples, channels))[:, 0]
    return fields, whole & (_crc(body) == CRC_OF_GOOD_FRAME) & (fields["type"] == Emg.TYPE) & (fields["n"] == samples)


def _layout(samples: int, channels: int) -> np.dtype[np.void]:
    """Layout of a decoded EMG frame."""
    return np.dtype(
        [
            ("type", "u1"),
            ("seq", "u1"),
            ("sample_index", "<u4"),
            ("n", "u1"),
            ("flags", "u1"),
            ("counts", "<i2", (samples, channels)),
            ("crc", "<u4"),
        ]
    )


def _decode_cobs(wire: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Bodies (width - 2, frames) of the encoded frames (width, frames), and which frames were encoded correctly.

    `next_code` may wrap past 255; then it lies behind the current position and never reaches the end.
    """
    end = len(wire) - 1
    codes = np.empty_like(wire)
    next_code = wire[0].copy()
    here = np.empty(wire.shape[1], np.bool_)
    for place in range(1, end):
        np.equal(next_code, place, out=here)
        np.multiply(wire[place], here, out=codes[place])
        np.add(next_code, codes[place], out=next_code)
    whole = (next_code == end) & (wire[end] == 0) & wire[:end].all(axis=0)
    return wire[1:end] - codes[1:end], whole


def _crc(body: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """CRC-32 of frames (bytes, frames): the CRC of zeros, changed by each byte according to its position."""
    row = 256 * np.arange(len(body) - 1, -1, -1)[:, None]
    crc: NDArray[np.uint32] = np.bitwise_xor.reduce(_CRC_CHANGE.take(body + row), axis=0)
    return crc ^ np.uint32(crc32(bytes(len(body))))


def _crc_change() -> NDArray[np.uint32]:
    """How a byte changes the CRC of a frame, uint32 (number of bytes that follow, byte); a CRC is linear."""
    of_byte = np.array([crc32(bytes((byte,))) ^ crc32(b"\0") for byte in range(256)], np.uint32)
    rows = [of_byte]
    while len(rows) < MAX_FRAME_BYTES:
        rows.append(of_byte[rows[-1] & 0xFF] ^ rows[-1] >> 8)
    return np.array(rows)


_CRC_CHANGE: Final = _crc_change()
