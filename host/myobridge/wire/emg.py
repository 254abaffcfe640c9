"""EMG frames: their size on the wire, their samples, and arithmetic with their index, which wraps at 2^32."""

from __future__ import annotations

from struct import Struct
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from myobridge.wire.frame import CRC_BYTES, OVERHEAD_BYTES
from myobridge.wire.messages import SLOT_CONVERSIONS, Config, Emg, Ident

INDEX_SPAN: Final = 1 << 32
MAX_CHANNELS: Final = 64
"""Bits of CONFIG's channel_mask."""
BITS_PER_BYTE: Final = 10
"""On a serial line: a start bit, eight of the byte, a stop bit."""
EMG_HEAD: Final = Struct("<xx" + Emg.STRUCT.format.removeprefix("<"))
"""The fields in front of the samples; type and seq are skipped."""
SAMPLES_AT: Final = EMG_HEAD.size

Samples = tuple[int, int, NDArray[np.int16]]
"""Index of the first sample, flags (bits emg_flag), and counts int16 (n, channels); a named tuple would cost 0.3 µs."""
Index = TypeVar("Index", int, NDArray[np.int64])


def parse_emg(frame: bytes, channels: int) -> Samples | None:
    """Sample index, flags and counts int16 (n, channels) of a whole EMG frame; None if its length is wrong."""
    if len(frame) < SAMPLES_AT + CRC_BYTES:
        return None
    index, n, flags = EMG_HEAD.unpack_from(frame)
    if n == 0 or len(frame) != SAMPLES_AT + 2 * n * channels + CRC_BYTES:
        return None
    counts = np.frombuffer(frame, "<i2", n * channels, SAMPLES_AT).reshape(n, channels)
    return index, flags, counts


def sample_bits(ident: Ident, config: Config) -> int:
    """Bits of a sample: the board's, and one more for each doubling of its conversions beyond those of one slot."""
    in_a_slot = SLOT_CONVERSIONS.get(ident.board, 1)
    return ident.adc_bits + max(1, config.oversampling // in_a_slot).bit_length() - 1


def emg_wire_bytes(samples: int, channels: int) -> int:
    """Length of an EMG frame on the wire, with its ending zero."""
    return OVERHEAD_BYTES + Emg.STRUCT.size + 2 * samples * channels


def emg_bits_per_s(samples: int, channels: int, fs_hz: float) -> float:
    """What EMG frames of so many samples take of a serial line."""
    return BITS_PER_BYTE * emg_wire_bytes(samples, channels) * fs_hz / samples


def index_step(index: Index, expected: Index) -> Index:
    """Samples by which an index is ahead of the expected index, both modulo 2^32; negative if it is behind."""
    return (index - expected + (INDEX_SPAN >> 1)) % INDEX_SPAN - (INDEX_SPAN >> 1)
