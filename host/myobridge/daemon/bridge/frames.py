"""Numbers the samples of a stream and cuts them into the payloads of EMG frames. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.daemon.bridge.scale import Scale
from myobridge.daemon.bridge.stream import Block


@dataclass(frozen=True, eq=False)
class Sampling:
    """What a host wants between START and STOP. Each START makes another one, and the numbers begin at 0."""

    inputs: tuple[int, ...]
    """Channels of the stream, in rising order."""
    samples_per_frame: int


class Frame(NamedTuple):
    """The samples of an EMG frame.

    first: number of the first sample since START.
    samples: the counts as bytes.
    taken_s: when the newest sample was taken.
    read_s: when it arrived here.
    """

    sampling: Sampling
    first: int
    samples: bytes
    lead_off: bool
    taken_s: float
    read_s: float


class Framer:
    """Cuts the stream of one Sampling. Frames begin at multiples of their length, as those of a board do.

    Samples of a frame that a gap has torn are left out.
    """

    def __init__(self, sampling: Sampling, scale: Scale) -> None:
        self.sampling = sampling
        self._scale = scale
        self._inputs = list(sampling.inputs)
        self._next = 0
        self._rows = np.empty((0, len(self._inputs)), np.int16)
        """Samples of the frame that is not full yet; they end before sample `_next`."""
        self._lead_off = False

    @property
    def missing(self) -> int:
        """Samples that complete the frame."""
        length = self.sampling.samples_per_frame
        return length - self._next % length

    def push(self, block: Block) -> list[Frame]:
        """The frames that the block completes."""
        counts, lead_off = self._scale.counts(block.values[:, self._inputs])
        frames: list[Frame] = []
        starts = [0, *np.flatnonzero(block.lost[1:] > 0) + 1, len(counts)]
        for begin, end in pairwise(starts):
            if lost := int(block.lost[begin]):
                self._skip(lost)
            self._lead_off |= lead_off
            self._append(counts[begin:end], block.taken_s[begin:end], block.read_s, frames)
        return frames

    def _skip(self, lost: int) -> None:
        self._next += lost
        self._rows = self._rows[:0]

    def _append(
        self, counts: NDArray[np.int16], taken_s: NDArray[np.float64], read_s: float, frames: list[Frame]
    ) -> None:
        length, first = self.sampling.samples_per_frame, self._next - len(self._rows)
        self._next += len(counts)
        torn = -first % length
        counts, first = np.concatenate([self._rows, counts])[torn:], first + torn
        whole = len(counts) // length
        for at in range(0, whole * length, length):
            newest = at + length - len(counts) - 1
            samples = counts[at : at + length].astype("<i2").tobytes()
            frames.append(Frame(self.sampling, first + at, samples, self._lead_off, float(taken_s[newest]), read_s))
        if whole:
            self._lead_off = False
        self._rows = counts[whole * length :]
