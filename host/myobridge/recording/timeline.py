"""The cues and takes of a recording, stored by the rows at which they change; and its samples, read in blocks.

A recording of an hour has millions of samples and some hundred changes: the changes fit into memory, and the samples
do not have to.
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
TIME: Final = "time_s"
"""Name of the first column of a table of samples."""
COLUMNS: Final = (LABEL, REPETITION, RUN)
"""One byte per sample each. Runs number the takes modulo 256, so that neighbouring takes differ."""


class Changes(NamedTuple):
    """One column: the rows at which it changes, int64 (changes,) from 0 on, and its values from there, uint8."""

    row: NDArray[np.int64]
    value: NDArray[np.uint8]


class Piece(NamedTuple):
    """Rows `start` to before `stop`, in which no column changes; None: the column is unknown."""

    start: int
    stop: int
    label: int | None
    repetition: int | None
    run: int | None


@dataclass(frozen=True)
class Timeline:
    """Known columns of a recording, in pieces.

    start: int64 (pieces,), rows from 0 on at which a column changes.
    columns: values of each known column, uint8 (pieces,).
    """

    samples: int
    start: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.uint8]]

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def of(cls, samples: int, columns: Mapping[str, Changes]) -> Timeline:
        """Joins columns that change independently; rows at which no column changes are left out."""
        start = np.unique(np.concatenate([[0], *[changes.row for changes in columns.values()]])).astype(np.int64)
        values = {
            name: changes.value[np.searchsorted(changes.row, start, side="right") - 1]
            for name, changes in columns.items()
        }
        different = [np.diff(value) != 0 for value in values.values()] or [np.zeros(len(start) - 1, bool)]
        kept = np.concatenate([[True], np.any(different, axis=0)])
        return cls(samples, start[kept], {name: value[kept] for name, value in values.items()})

    def pieces(self) -> Iterator[Piece]:
        """All pieces in order; together they cover the recording."""
        nothing = [None] * len(self)
        columns = [self.columns[name].tolist() if name in self.columns else nothing for name in COLUMNS]
        for start, stop, *known in zip(self.start.tolist(), self.stops(), *columns, strict=True):
            yield Piece(start, stop, *known)

    def stops(self) -> list[int]:
        """The row behind each piece."""
        return [*self.start[1:].tolist(), self.samples]

    def takes(self) -> Iterator[slice]:
        """Rows of each take: a stretch that was recorded without a break."""
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
    """A recording that can be read block by block, any number of times."""

    @property
    def fs_hz(self) -> float:
        """Sampling rate in Hz."""

    @property
    def adc_bits(self) -> int:
        """Width of a count in bits."""

    @property
    def channels(self) -> int:
        """Number of channels."""

    @property
    def poses(self) -> tuple[LabelledPose, ...]:
        """What the labels mean, if that is known; label 0 is rest."""

    @property
    def timeline(self) -> Timeline:
        """Labels, repetitions and takes."""

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """Counts in order, int16 (some samples, channels) each, of bounded size."""

    def angle_blocks(self) -> Iterator[NDArray[np.float32]] | None:
        """Angles in order, float32 (some samples, 5) each; None: unknown."""

    @property
    def shown(self) -> bool:
        """The angles are those of a hand that the wearer imitated; otherwise they are the wearer's own."""


def changes_in(blocks: Iterable[NDArray[np.uint8]]) -> Changes:
    """The changes in a column that is given in blocks, uint8 (some samples,) each."""
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
    """Cuts blocks at the stops: pieces of counts, each with the row of its first sample."""
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
    """Cuts each take into pieces of counts (length, channels), each with its first row; drops the remainder."""
    takes = [take.stop for take in samples.timeline.takes()]
    ends = set(takes)
    rest = np.zeros((0, samples.channels), np.int16)
    for row, part in cut_at(takes, samples.blocks()):
        first, rest = row - len(rest), np.concatenate([rest, part])
        whole = len(rest) - len(rest) % length
        for at in range(0, whole, length):
            yield first + at, rest[at : at + length]
        rest = rest[:0] if row + len(part) in ends else rest[whole:]
