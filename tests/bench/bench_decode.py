"""Frames decoded each second by one core: as they come from the port, and in bulk.

python tests/bench/bench_decode.py
"""

import time
from collections.abc import Callable

import numpy as np

from myobridge.wire.bulk import decode_emg
from myobridge.wire.frame import FrameDecoder, encode
from myobridge.wire.messages import Emg

CHANNELS = 4
FRAMES = 20_000
REPEATS = 7
FRAMES_A_READ = (1, 8, 1000)


def stream(samples: int) -> list[bytes]:
    """EMG frames of so many samples, as a 10-bit ADC gives them."""
    rng = np.random.default_rng(0)
    counts = np.clip(rng.normal(0, 40, (FRAMES, samples, CHANNELS)), -512, 511).astype("<i2")
    heads = [Emg(1_000_000 + k * samples, samples, 0).pack() for k in range(FRAMES)]
    return [encode(Emg.TYPE, k & 255, heads[k] + counts[k].tobytes()) for k in range(FRAMES)]


def one_by_one(reads: list[bytes]) -> int:
    """How many frames the decoder of the live stream finds."""
    decoder = FrameDecoder()
    return sum(len(decoder.feed(read)) for read in reads)


def in_bulk(reads: list[bytes]) -> int:
    """How many frames the bulk decoder finds."""
    return sum(len(block.flags) for read in reads if (block := decode_emg(read, CHANNELS)) is not None)


def million_frames_per_s(decode: Callable[[list[bytes]], int], reads: list[bytes]) -> float:
    """The best of some runs, in processor time: what one core can do where nothing else disturbs it."""
    best_s = float("inf")
    for _ in range(REPEATS):
        began_s = time.process_time()
        if decode(reads) != FRAMES:
            raise SystemExit("Frames were lost, so the figures mean nothing.")
        best_s = min(best_s, time.process_time() - began_s)
    return FRAMES / best_s / 1e6


def main() -> None:
    """Prints million frames a second."""
    print(f"{CHANNELS} channels, million frames a second of processor time")
    print(f"{'decoder':15} {'samples a frame':>15} {'frames a read':>15} {'M frames/s':>15}")
    for samples in (1, 5):
        frames = stream(samples)
        for decode, per_read in [*((one_by_one, n) for n in FRAMES_A_READ), (in_bulk, FRAMES_A_READ[-1])]:
            reads = [b"".join(frames[at : at + per_read]) for at in range(0, FRAMES, per_read)]
            rate = million_frames_per_s(decode, reads)
            print(f"{decode.__name__:15} {samples:15} {per_read:15} {rate:15.2f}")


if __name__ == "__main__":
    main()
