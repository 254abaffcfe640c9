"""A `.myo` log as it was read: samples, takes, cues, notes, and what is missing."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.acquire import INDEX_SPAN
from myobridge.errors import UserError
from myobridge.recording.log_frames import CUE, END, LOST, TIME, Header, LogFrame, TextAssembler, decode_header
from myobridge.recording.scan import EmgFrames, ScanCounters, Scanner
from myobridge.wire.frame import PAYLOAD

MAX_EVENTS: Final = 100_000
"""More cues or notes than a day of them are not a recording's; the surplus is counted and left out."""


class Cue(NamedTuple):
    """A CUE or DISCARD, which stands before the sample in this row."""

    row: int
    label: int
    repetition: int


class Note(NamedTuple):
    """A remark before the sample in this row."""

    row: int
    text: str


@dataclass
class Log:
    """What is whole in a log.

    counts: int16 (samples, channels).
    take_rows: int64 (takes,), the row in which each take begins; the samples between two takes are missing.
    samples_lost: samples that the device took and that are not here.
    flagged: how many EMG frames had each bit of emg_flag set, (8,).
    mark_row, mark_s: host's monotonic time `mark_s` at which the sample in `mark_row` came, (marks,) each.
    log_frames_lost: cues, notes and the like of which only the number is known.
    bytes_lost: what the writer had to drop, as it says itself.
    closed: the writer ended the file; otherwise it is still being written, or its end is missing.
    slowest_sync_ms: the longest that the disk took to confirm, as the writer says at the end; 0 if that is missing.
    """

    header: Header
    counts: NDArray[np.int16]
    take_rows: NDArray[np.int64]
    samples_lost: int
    flagged: NDArray[np.int64]
    mark_row: NDArray[np.int64]
    mark_s: NDArray[np.float64]
    cues: list[Cue]
    discards: list[Cue]
    notes: list[Note]
    damage: ScanCounters
    log_frames_lost: int
    bytes_lost: int
    closed: bool
    slowest_sync_ms: int

    def missing(self) -> list[str]:
        """What is not there, a phrase each."""
        damage = self.damage
        counts = {
            "samples were never received": self.samples_lost,
            "frames with a wrong CRC": damage.crc_errors,
            "pieces that are no frame": damage.length_errors,
            "EMG frames with another number of channels": damage.malformed,
            "cues, notes or time marks are lost": self.log_frames_lost,
            "bytes were dropped because the disk was too slow": self.bytes_lost,
        }
        phrases = [f"{count} {what}" for what, count in counts.items() if count]
        if not self.closed:
            phrases.append(
                f"the file has no end: it is still being written, or {damage.unfinished_bytes} bytes of a "
                "frame and whatever followed are lost"
            )
        return phrases


def read_log(path: Path) -> Log:
    """Everything that is whole in the file.

    Raises:
        UserError: it cannot be read, or no whole header is in it.
    """
    header = _find_header(path)
    scanner, events = Scanner(path), _Events()
    blocks: list[EmgFrames] = []
    row = 0
    for block in scanner.blocks():
        emg, others = scanner.decode(block, header.channels)
        first_row = np.concatenate([[0], np.cumsum(emg.n)]) + row
        for at, frame in others:
            events.take(frame, int(first_row[np.searchsorted(emg.at, at)]))
        blocks.append(emg)
        row = int(first_row[-1])
    return _joined(header, blocks, events, scanner.counters)


def _find_header(path: Path) -> Header:
    """The first whole one; it is repeated throughout the file."""
    scanner, assembler = Scanner(path), TextAssembler()
    for block in scanner.blocks():
        for _, frame in scanner.decode(block, channels=0)[1]:
            text = assembler.feed(frame[PAYLOAD]) if frame[0] == LogFrame.HEADER else None
            header = decode_header(text) if text is not None else None
            if header is not None:
                return header
    raise UserError(f"{path} is no .myo recording, or nothing of its header is left; choose another file.")


@dataclass
class _Events:
    """Collects the log's own frames."""

    cues: list[Cue] = field(default_factory=list)
    discards: list[Cue] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    mark_row: array[int] = field(default_factory=lambda: array("q"))
    mark_s: array[float] = field(default_factory=lambda: array("d"))
    frames_lost: int = 0
    bytes_lost: int = 0
    closed: bool = False
    slowest_sync_ms: int = 0
    _due_seq: int = 0
    _note: TextAssembler = field(default_factory=TextAssembler)

    def take(self, frame: bytes, row: int) -> None:
        """A frame that stands before the sample in this row; the wire's own frames are passed over."""
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
        elif kind == LogFrame.LOST and len(payload) == LOST.size:
            self.bytes_lost += LOST.unpack(payload)[0]
        elif kind == LogFrame.END and len(payload) == END.size:
            (self.slowest_sync_ms,) = END.unpack(payload)

    def _keep(self, events: list[Any], event: Cue | Note) -> None:
        if len(events) < MAX_EVENTS:
            events.append(event)
        else:
            self.frames_lost += 1


def _joined(header: Header, blocks: list[EmgFrames], events: _Events, damage: ScanCounters) -> Log:
    empty = np.zeros(0, np.int64)
    index = np.concatenate([empty, *[block.sample_index for block in blocks]])
    n = np.concatenate([empty, *[block.n for block in blocks]])
    flags = np.concatenate([np.zeros(0, np.uint8), *[block.flags for block in blocks]])
    ahead = (np.diff(index) - n[:-1] + (INDEX_SPAN >> 1)) % INDEX_SPAN - (INDEX_SPAN >> 1)
    jumps = np.flatnonzero(ahead)
    return Log(
        header=header,
        counts=np.concatenate([np.zeros((0, header.channels), np.int16), *[block.counts for block in blocks]]),
        take_rows=np.concatenate([[0], np.cumsum(n)[jumps]]).astype(np.int64),
        samples_lost=int(ahead[ahead > 0].sum()),
        flagged=np.array([np.count_nonzero(flags & (1 << bit)) for bit in range(8)]),
        mark_row=np.array(events.mark_row, np.int64),
        mark_s=np.array(events.mark_s, np.float64),
        cues=events.cues,
        discards=events.discards,
        notes=events.notes,
        damage=damage,
        log_frames_lost=events.frames_lost,
        bytes_lost=events.bytes_lost,
        closed=events.closed,
        slowest_sync_ms=events.slowest_sync_ms,
    )
