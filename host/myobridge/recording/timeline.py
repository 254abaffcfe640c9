"""What belongs to the samples of a recording besides the counts, by where it changes: cues and takes.

A recording of an hour has millions of samples and some hundred changes, so that this fits into memory and the samples
need not: they are read in blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from myobridge.model.file import LabelledPose

LABEL: Final = "label"
REPETITION: Final = "repetition"
RUN: Final = "run"
COLUMNS: Final = (LABEL, REPETITION, RUN)
"""A byte a sample each. Runs number the takes modulo 256; neighbours differ."""


class Changes(NamedTuple):
    """One column: rows int64 (changes,) from 0 on at which it changes, and the values uint8 (changes,) from there."""

    row: NDArray[np.int64]
    value: NDArray[np.uint8]


class Piece(NamedTuple):
    """Rows `start` to before `stop`, during which nothing changes; None: nothing is known."""

    start: int
    stop: int
    label: int | None
    repetition: int | None
    run: int | None


@dataclass(frozen=True)
class Timeline:
    """start: int64 (pieces,), rows from 0 on at which a column changes; columns: the known ones, uint8 (pieces,)."""

    samples: int
    start: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.uint8]]

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def of(cls, samples: int, columns: Mapping[str, Changes]) -> Timeline:
        """From columns that change independently; rows where none does are left out."""
        start = np.unique(np.concatenate([[0], *[changes.row for changes in columns.values()]])).astype(np.int64)
        values = {
            name: changes.value[np.searchsorted(changes.row, start, side="right") - 1]
            for name, changes in columns.items()
        }
        different = [np.diff(value) != 0 for value in values.values()] or [np.zeros(len(start) - 1, bool)]
        kept = np.concatenate([[True], np.any(different, axis=0)])
        return cls(samples, start[kept], {name: value[kept] for name, value in values.items()})

    def pieces(self) -> Iterator[Piece]:
        """All of them in order; together they are the recording."""
        nothing = [None] * len(self)
        columns = [self.columns[name].tolist() if name in self.columns else nothing for name in COLUMNS]
        for start, stop, *known in zip(self.start.tolist(), self.stops(), *columns, strict=True):
            yield Piece(start, stop, *known)

    def stops(self) -> list[int]:
        """Behind the last row of each piece."""
        return [*self.start[1:].tolist(), self.samples]

    def takes(self) -> Iterator[slice]:
        """Stretches that were recorded without a break."""
        run = self.columns.get(RUN, np.zeros(len(self), np.uint8))
        edges = self.start[1:][np.diff(run) != 0]
        for start, stop in pairwise([0, *edges.tolist(), self.samples]):
            yield slice(start, stop)

    def column(self, name: str, rows: slice) -> NDArray[np.uint8]:
        """A known column sample by sample, uint8 (rows,)."""
        first, last = np.searchsorted(self.start, [rows.start, rows.stop - 1], side="right") - 1
        edges = np.append(self.start[first : last + 1], rows.stop)
        edges[0] = rows.start
        return np.repeat(self.columns[name][first : last + 1], np.diff(edges))


class Samples(Protocol):
    """A recording that can be read block by block, as often as one likes."""

    @property
    def fs_hz(self) -> float:
        """Sampling rate."""

    @property
    def adc_bits(self) -> int:
        """Width of a count."""

    @property
    def channels(self) -> int:
        """Number of electrodes."""

    @property
    def poses(self) -> tuple[LabelledPose, ...]:
        """What the labels mean, where that is known; label 0 is rest."""

    @property
    def timeline(self) -> Timeline:
        """Labels, repetitions and takes."""

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """Counts in order, int16 (some samples, channels) each, of bounded size."""

    def angle_blocks(self) -> Iterator[NDArray[np.float32]] | None:
        """True angles in order, float32 (some samples, 5) each; None where they are not known."""


def changes_in(blocks: Iterable[NDArray[np.uint8]]) -> Changes:
    """The changes in a column that comes in blocks, uint8 (some samples,) each."""
    rows, values, row = [], [], 0
    last = np.zeros(0, np.uint8)
    for block in blocks:
        joined = np.concatenate([last, block])
        at = np.flatnonzero(np.diff(joined)) + 1 - len(last)
        at = at if len(last) else np.concatenate([[0], at])
        rows.append(at + row)
        values.append(block[at])
        row, last = row + len(block), block[-1:]
    return Changes(np.concatenate(rows).astype(np.int64), np.concatenate(values))


def cut_at(stops: Iterable[int], blocks: Iterable[NDArray[np.int16]]) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """Counts with the row of the first one, in pieces that end at each stop at the latest."""
    row, remaining = 0, iter(stops)
    stop = next(remaining)
    for counts in blocks:
        block = counts
        while len(block):
            part, block = block[: stop - row], block[stop - row :]
            yield row, part
            row += len(part)
            if row == stop:
                stop = next(remaining, stop)


def within_takes(samples: Samples, length: int) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """Counts (length, channels) with the row of the first, each take from its beginning; its rest is left out."""
    takes = [take.stop for take in samples.timeline.takes()]
    ends = set(takes)
    rest = np.zeros((0, samples.channels), np.int16)
    for row, part in cut_at(takes, samples.blocks()):
        first, rest = row - len(rest), np.concatenate([rest, part])
        whole = len(rest) - len(rest) % length
        for at in range(0, whole, length):
            yield first + at, rest[at : at + length]
        rest = rest[:0] if row + len(part) in ends else rest[whole:]
