"""How many frames one core decodes per second: in reads, as from the port, and in bulk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from myobridge.wire.bulk import decode_emg
from myobridge.wire.frame import FrameDecoder, encode
from myobridge.wire.messages import Emg

CHANNELS: Final = 4
SAMPLES: Final = 5
FRAMES: Final = 20_000
REPEATS: Final = 5
FRAMES_A_READ: Final = (1, 8, 1000)


def million_frames_per_s() -> dict[str, float]:
    """Million frames of 4 channels × 5 samples per second of processor time, for each size of read."""
    frames = _stream()
    rates = {f"{n} a read": _rate(_one_by_one, _reads(frames, n)) for n in FRAMES_A_READ}
    return {**rates, "in bulk": _rate(_in_bulk, _reads(frames, FRAMES_A_READ[-1]))}


def _stream() -> list[bytes]:
    """EMG frames with counts of a 10-bit ADC."""
    rng = np.random.default_rng(0)
    counts = np.clip(rng.normal(0, 40, (FRAMES, SAMPLES, CHANNELS)), -512, 511).astype("<i2")
    heads = [Emg(1_000_000 + k * SAMPLES, SAMPLES, 0).pack() for k in range(FRAMES)]
    return [encode(Emg.TYPE, k & 255, heads[k] + counts[k].tobytes()) for k in range(FRAMES)]


def _reads(frames: list[bytes], per_read: int) -> list[bytes]:
    return [b"".join(frames[at : at + per_read]) for at in range(0, FRAMES, per_read)]


def _one_by_one(reads: list[bytes]) -> int:
    decoder = FrameDecoder()
    return sum([len(decoder.feed(read)) for read in reads])


def _in_bulk(reads: list[bytes]) -> int:
    return sum([len(block.flags) for read in reads if (block := decode_emg(read, CHANNELS)) is not None])


def _rate(decode: Callable[[list[bytes]], int], reads: list[bytes]) -> float:
    """The best of REPEATS runs, in processor time: what one core does when nothing disturbs it."""
    best_s = float("inf")
    for _ in range(REPEATS):
        began_s = time.process_time()
        if decode(reads) != FRAMES:
            raise RuntimeError("The decoder lost frames of an undamaged stream.")
        best_s = min(best_s, time.process_time() - began_s)
    return round(FRAMES / best_s / 1e6, 3)
