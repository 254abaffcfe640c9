"""Reads a `.myo` log: takes, cues, notes, trials, what is missing, and the samples block by block."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.recording.log_frames import CUE, END, LOST, TIME, Header, LogFrame, TextAssembler, decode_header
from myobridge.recording.scan import EmgFrames, ScanCounters, Scanner
from myobridge.recording.trial_records import Record, unpack_shown, unpack_text
from myobridge.wire.emg import index_step
from myobridge.wire.frame import PAYLOAD

MAX_EVENTS: Final = 100_000
"""Limit on cues, on notes and on records of trials: more cues than a day has, and an hour of a trial. The surplus is
counted and left out."""


class Cue(NamedTuple):
    """A CUE or DISCARD frame that stands before the sample in this row."""

    row: int
    label: int
    repetition: int


class Note(NamedTuple):
    """A NOTE frame that stands before the sample in this row."""

    row: int
    text: str


class TrialRecord(NamedTuple):
    """A TRIAL or SHOWN frame that stands before the sample in this row."""

    row: int
    record: Record


@dataclass(frozen=True)
class Log:
    """Everything that is whole in a log.

    samples: number of samples; the file may have grown since.
    take_rows: int64 (takes,), the row in which each take begins; samples are missing between two takes.
    samples_lost: samples that the board took and that the log lacks.
    flagged: int64 (8,), number of EMG frames in which each bit of emg_flag is set.
    mark_row, mark_s: (marks,) each; the sample in row `mark_row` arrived at the host's monotonic time `mark_s`.
    log_frames_lost: number of the log's own frames (cues, notes and others) that are lost.
    bytes_lost: bytes that the writer reports as dropped.
    closed: the writer ended the file; otherwise it is still being written, or its end is missing.
    slowest_sync_ms: the longest time that the disk took to confirm, as the writer reports; 0 if the end is missing.
    """

    path: Path
    header: Header
    samples: int
    take_rows: NDArray[np.int64]
    samples_lost: int
    flagged: NDArray[np.int64]
    mark_row: NDArray[np.int64]
    mark_s: NDArray[np.float64]
    cues: list[Cue]
    discards: list[Cue]
    notes: list[Note]
    trial: list[TrialRecord]
    damage: ScanCounters
    log_frames_lost: int
    bytes_lost: int
    closed: bool
    slowest_sync_ms: int

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """Counts in order, int16 (some samples, channels) each.

        Raises:
            UserError: the file has become shorter.
        """
        scanner, left = Scanner(self.path), self.samples
        for block in scanner.blocks():
            counts = scanner.decode(block, self.header.channels)[0].counts[:left]
            left -= len(counts)
            if len(counts):
                yield counts
            if not left:
                return
        if left:
            raise UserError(
                f"{self.path} became shorter while it was read; wait until nobody writes to it, then try again."
            )

    @cached_property
    def counts(self) -> NDArray[np.int16]:
        """All counts, int16 (samples, channels)."""
        return np.concatenate([np.zeros((0, self.header.channels), np.int16), *self.blocks()])

    def missing(self) -> list[str]:
        """What the log lacks, as phrases."""
        damage = self.damage
        counts = {
            "samples never received": self.samples_lost,
            "frames with a wrong CRC": damage.crc_errors,
            "pieces that are not frames": damage.length_errors,
            "EMG frames with another number of channels": damage.malformed,
            "cues, notes or time marks lost": self.log_frames_lost,
            "bytes dropped because the disk was too slow": self.bytes_lost,
        }
        phrases = [f"{count} {what}" for what, count in counts.items() if count]
        if not self.closed:
            phrases.append(
                "the file has no end: it is still being written, or the end is lost "
                f"({damage.unfinished_bytes} bytes of an unfinished frame are there)"
            )
        return phrases


def read_log(path: Path) -> Log:
    """Reads everything that is whole in the file, except the samples themselves.

    Raises:
        UserError: the file cannot be read, or holds no whole header.
    """
    header = find_header(path)
    if header is None:
        raise UserError(f"{path} is not a .myo recording, or its header is lost; choose another file.")
    scanner, events, emg = Scanner(path), _Events(), _Emg()
    for block in scanner.blocks():
        frames, others = scanner.decode(block, header.channels)
        first_row = np.concatenate([[0], np.cumsum(frames.n)]) + emg.samples
        for at, frame in others:
            events.take(frame, int(first_row[np.searchsorted(frames.at, at)]))
        emg.take(frames)
    return Log(
        path=path,
        header=header,
        samples=emg.samples,
        take_rows=np.concatenate([[0], *emg.take_rows]).astype(np.int64),
        samples_lost=emg.samples_lost,
        flagged=emg.flagged,
        mark_row=np.array(events.mark_row, np.int64),
        mark_s=np.array(events.mark_s, np.float64),
        cues=events.cues,
        discards=events.discards,
        notes=events.notes,
        trial=events.trial,
        damage=scanner.counters,
        log_frames_lost=events.frames_lost,
        bytes_lost=events.bytes_lost,
        closed=events.closed,
        slowest_sync_ms=events.slowest_sync_ms,
    )


def find_header(path: Path) -> Header | None:
    """The first whole header; the header is repeated throughout the file. None: the file is not a log.

    Raises:
        UserError: the file cannot be read.
    """
    scanner, assembler = Scanner(path), TextAssembler()
    for block in scanner.blocks():
        for _, frame in scanner.decode(block, channels=0)[1]:
            text = assembler.feed(frame[PAYLOAD]) if frame[0] == LogFrame.HEADER else None
            header = decode_header(text) if text is not None else None
            if header is not None:
                return header
    return None


@dataclass
class _Emg:
    """Counts samples, and finds the rows where samples are missing."""

    samples: int = 0
    samples_lost: int = 0
    flagged: NDArray[np.int64] = field(default_factory=lambda: np.zeros(8, np.int64))
    take_rows: list[NDArray[np.int64]] = field(default_factory=list)
    _due_index: int | None = None

    def take(self, frames: EmgFrames) -> None:
        """Takes the next frames."""
        if not len(frames.n):
            return
        first_index = int(frames.sample_index[0]) if self._due_index is None else self._due_index
        due = np.concatenate([[first_index], (frames.sample_index + frames.n)[:-1]])
        ahead = index_step(frames.sample_index, due)
        first_row = self.samples + np.cumsum(frames.n) - frames.n
        self.take_rows.append(first_row[ahead != 0])
        self.samples_lost += int(ahead[ahead > 0].sum())
        self.flagged += [np.count_nonzero(frames.flags & (1 << bit)) for bit in range(8)]
        self.samples += int(frames.n.sum())
        self._due_index = int(frames.sample_index[-1] + frames.n[-1])


@dataclass
class _Events:
    """Collects the log's own frames."""

    cues: list[Cue] = field(default_factory=list)
    discards: list[Cue] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    trial: list[TrialRecord] = field(default_factory=list)
    mark_row: array[int] = field(default_factory=lambda: array("q"))
    mark_s: array[float] = field(default_factory=lambda: array("d"))
    frames_lost: int = 0
    bytes_lost: int = 0
    closed: bool = False
    slowest_sync_ms: int = 0
    _due_seq: int = 0
    _note: TextAssembler = field(default_factory=TextAssembler)
    _trial: TextAssembler = field(default_factory=TextAssembler)

    def take(self, frame: bytes, row: int) -> None:
        """Takes a frame that stands before the sample in this row; skips the frames of the wire."""
        kind, payload = frame[0], frame[PAYLOAD]
        if kind < LogFrame.HEADER:
            return
        self.frames_lost += (frame[1] - self._due_seq) & 0xFF
        self._due_seq = (frame[1] + 1) & 0xFF
        self.closed = kind == LogFrame.END
        if kind == LogFrame.TIME and len(payload) == TIME.size:
            self.mark_row.append(row)
            self.mark_s.append(*TIME.unpack(payload))
        elif kind in (LogFrame.CUE, LogFrame.DISCARD) and len(payload) == CUE.size:
            self._keep(self.cues if kind == LogFrame.CUE else self.discards, Cue(row, *CUE.unpack(payload)))
        elif kind == LogFrame.NOTE:
            text = self._note.feed(payload)
            if text is not None:
                self._keep(self.notes, Note(row, text.decode(errors="replace")))
        elif kind in (LogFrame.TRIAL, LogFrame.SHOWN):
            self._take_trial(kind, payload, row)
        elif kind == LogFrame.LOST and len(payload) == LOST.size:
            self.bytes_lost += LOST.unpack(payload)[0]
        elif kind == LogFrame.END and len(payload) == END.size:
            (self.slowest_sync_ms,) = END.unpack(payload)

    def _take_trial(self, kind: int, payload: bytes, row: int) -> None:
        record: Record | None
        if kind == LogFrame.SHOWN:
            record = unpack_shown(payload)
        elif (text := self._trial.feed(payload)) is not None:
            record = unpack_text(text)
        else:
            return
        if record is not None:
            self._keep(self.trial, TrialRecord(row, record))

    def _keep(self, events: list[Any], event: Cue | Note | TrialRecord) -> None:
        if len(events) < MAX_EVENTS:
            events.append(event)
        else:
            self.frames_lost += 1
