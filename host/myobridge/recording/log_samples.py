"""The samples of a log that count (those that no DISCARD covers), each with the cue that was in force.

Where the cues are movements, each sample also has the angles that the wearer was shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.model.file import REST_DEG, LabelledPose
from myobridge.recording.log import Log
from myobridge.recording.log_frames import LABELS
from myobridge.recording.timeline import LABEL, REPETITION, RUN, Changes, Timeline

BLOCK_ROWS: Final = 1 << 14
Rows = NDArray[np.int64]


class _Kept(NamedTuple):
    """Stretches of the log that count, in order, from `start` to before `stop`; `cue` is the row of the stretch's cue.

    Arrays (stretches,).
    """

    start: Rows
    stop: Rows
    cue: Rows
    label: NDArray[np.uint8]
    repetition: NDArray[np.uint8]


class LogSamples:
    """Implements Samples on a log: reads block by block from the file."""

    def __init__(self, log: Log) -> None:
        """Raises UserError if no sample counts."""
        self._log, self._kept = log, _counting(log)
        if not len(self._kept.start):
            raise UserError(
                f"{log.path} holds no sample that counts: the recording ended before the first sample, or every pose "
                "was to be repeated; keep the file, and choose another recording."
            )

    @property
    def fs_hz(self) -> float:  # noqa: D102 - its protocol says it
        return self._log.header.fs_hz

    @property
    def adc_bits(self) -> int:  # noqa: D102 - its protocol says it
        return self._log.header.adc_bits

    @property
    def channels(self) -> int:  # noqa: D102 - its protocol says it
        return self._log.header.channels

    @property
    def poses(self) -> tuple[LabelledPose, ...]:  # noqa: D102 - its protocol says it
        return self._log.header.poses

    @cached_property
    def timeline(self) -> Timeline:
        """Labels, repetitions and takes; a new take begins where samples are missing or do not count."""
        kept = _cut(self._kept, self._log.take_rows)
        take = np.searchsorted(self._log.take_rows, kept.start, side="right")
        broken = (kept.start[1:] != kept.stop[:-1]) | (np.diff(take) != 0)
        run = np.concatenate([[0], np.cumsum(broken)]).astype(np.uint8)
        length = kept.stop - kept.start
        columns = {LABEL: kept.label, REPETITION: kept.repetition} if self._log.cues else {}
        row = np.cumsum(length) - length
        return Timeline.of(
            int(length.sum()), {name: Changes(row, value) for name, value in (columns | {RUN: run}).items()}
        )

    def blocks(self) -> Iterator[NDArray[np.int16]]:  # noqa: D102 - its protocol says it
        start, stop = _joined(self._kept)
        row = 0
        for counts in self._log.blocks():
            end = row + len(counts)
            first, last = np.searchsorted(stop, row, side="right"), np.searchsorted(start, end)
            bounds = np.clip(start[first:last], row, end) - row, np.clip(stop[first:last], row, end) - row
            parts = [counts[a:b] for a, b in zip(*(edge.tolist() for edge in bounds), strict=True)]
            if parts:
                yield parts[0] if len(parts) == 1 else np.concatenate(parts)
            row = end

    def angle_blocks(self) -> Iterator[NDArray[np.float32]] | None:
        """The angles of the shown hand, if the cues were movements."""
        return self._shown_deg() if self.shown else None

    @property
    def shown(self) -> bool:  # noqa: D102 - its protocol says it
        return bool(self._log.header.movements)

    def _shown_deg(self) -> Iterator[NDArray[np.float32]]:
        movements, fs_hz = {movement.label: movement for movement in self._log.header.movements}, self.fs_hz
        for start, stop, cue, label in zip(*(column.tolist() for column in self._kept[:4]), strict=True):
            movement = movements.get(label)
            for at in range(start, stop, BLOCK_ROWS):
                rows = np.arange(at, min(at + BLOCK_ROWS, stop)) - cue
                shown = np.tile(REST_DEG, (len(rows), 1)) if movement is None else movement.shown_deg(rows / fs_hz)
                yield shown.astype(np.float32)


def _counting(log: Log) -> _Kept:
    """The stretches between cues, without the samples that a later DISCARD names."""
    cues = [(0, 0, 0), *log.cues]
    row, label, repetition = np.array(cues, np.int64).T
    discarded_until = np.zeros((LABELS, LABELS), np.int64)
    for discard in log.discards:  # in the order of the file, so that the last DISCARD of a cue counts
        discarded_until[discard.label, discard.repetition] = discard.row
    start, stop = np.maximum(row, discarded_until[label, repetition]), np.append(row[1:], log.samples)
    some = start < stop
    return _Kept(
        *(column[some] for column in (start, stop, row)), *(c[some].astype(np.uint8) for c in (label, repetition))
    )


def _cut(kept: _Kept, rows: Rows) -> _Kept:
    """Cuts the stretches at these rows."""
    owner = np.searchsorted(kept.start, rows, side="right") - 1
    inside = (owner >= 0) & (rows > kept.start[owner]) & (rows < kept.stop[owner])
    start = np.concatenate([kept.start, rows[inside]])
    order = np.argsort(start, kind="stable")
    owner = np.concatenate([np.arange(len(kept.start)), owner[inside]])[order]
    start = start[order]
    stop = np.minimum(kept.stop[owner], np.append(start[1:], kept.stop[-1]))
    return _Kept(start, stop, kept.cue[owner], kept.label[owner], kept.repetition[owner])


def _joined(kept: _Kept) -> tuple[Rows, Rows]:
    """Start and stop of the stretches, with neighbours joined, so that a file with very many cues is read fast."""
    edge = kept.start[1:] != kept.stop[:-1]
    return kept.start[np.append(True, edge)], kept.stop[np.append(edge, True)]
