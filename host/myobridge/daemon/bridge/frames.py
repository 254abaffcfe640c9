"""Numbers the samples of a stream and cuts them into the payloads of EMG frames. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.daemon.bridge.scale import Scale
from myobridge.daemon.bridge.stream import Block


class Frame(NamedTuple):
    """The samples of an EMG frame.

    first: number of the first sample since START.
    samples: the counts as bytes.
    lead_off: a value was not a number.
    taken_s: when the newest sample was taken.
    """

    first: int
    samples: bytes
    lead_off: bool
    taken_s: float


class Framer:
    """Cuts the stream from one START to the next. Frames begin at multiples of their length, as those of a board do.

    Samples of a frame that a gap has torn are left out.
    """

    def __init__(self, inputs: list[int], samples_per_frame: int, scale: Scale) -> None:
        """inputs: channels of the stream, in rising order."""
        self.samples_per_frame = samples_per_frame
        self._inputs, self._scale = inputs, scale
        self._next = 0
        self._rows = np.empty((0, len(self._inputs)), np.int16)
        """Samples of the frame that is not full yet; they end before sample `_next`."""
        self._lead_off = False

    @property
    def missing(self) -> int:
        """Samples that complete the frame."""
        return self.samples_per_frame - self._next % self.samples_per_frame

    def push(self, block: Block) -> list[Frame]:
        """The frames that the block completes."""
        counts, lead_off = self._scale.counts(block.values[:, self._inputs])
        frames: list[Frame] = []
        torn = np.flatnonzero(block.lost[1:]) + 1
        for begin, end in pairwise([0, *torn, len(counts)]):
            if lost := int(block.lost[begin]):
                self._skip(lost)
            self._lead_off |= lead_off
            self._append(counts[begin:end], block.taken_s[begin:end], frames)
        return frames

    def _skip(self, lost: int) -> None:
        self._next += lost
        self._rows = self._rows[:0]

    def _append(self, counts: NDArray[np.int16], taken_s: NDArray[np.float64], frames: list[Frame]) -> None:
        length, first = self.samples_per_frame, self._next - len(self._rows)
        self._next += len(counts)
        torn = -first % length
        counts, first = np.concatenate([self._rows, counts])[torn:], first + torn
        whole = len(counts) // length
        for at in range(0, whole * length, length):
            newest = at + length - len(counts) - 1
            samples = counts[at : at + length].astype("<i2").tobytes()
            frames.append(Frame(first + at, samples, self._lead_off, float(taken_s[newest])))
        if whole:
            self._lead_off = False
        self._rows = counts[whole * length :]
