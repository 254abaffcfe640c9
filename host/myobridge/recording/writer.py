"""Writes a `.myo` log while the stream runs: whole frames only, on the disk within 100 ms, without blocking the caller.

The caller's thread appends to a queue in memory. The writer has two threads of its own. One writes the queue to the
file, so that a killed process loses some 20 ms. The other waits for the disk, so that a power cut loses less than
100 ms, or as much as the disk takes to confirm.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from myobridge.errors import UserError
from myobridge.files import force
from myobridge.recording.log_frames import CUE, END, LABELS, LOST, SUFFIX, TIME, Header, LogEncoder, LogFrame
from myobridge.recording.trial_records import Record, Shown, pack
from myobridge.recording.whole_frames import WholeFrames

WRITE_S: Final = 0.02
SYNC_S: Final = 0.05
"""Interval between waits for the disk, unless a wait takes longer."""
TIME_MARK_S: Final = 0.1
HEADER_EVERY_BYTES: Final = 256 << 10
"""Interval at which the header is repeated, so that a file with a damaged beginning can still be read."""
MAX_QUEUED_BYTES: Final = 1 << 20
"""Limit on data that wait for a slow disk: half a minute of 4 channels at 2 kHz."""
CLOSE_TIMEOUT_S: Final = 10.0
CAUSES: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the system does not let the file grow",
}

WireBytes = bytes
"""Another name for bytes, because RecordingWriter has a method `bytes`."""


class RecordingWriter:
    """A recording that is being written. Its methods never wait for the disk.

    problem: empty, or a sentence about the disk; nothing more is recorded then, and the file keeps all whole frames.
    """

    def __init__(self, path: Path, header: Header, *, or_next: bool = False) -> None:
        """Creates the file and puts the header on the disk; `or_next`: if it exists, creates NAME-2.myo, NAME-3.myo …

        Raises:
            UserError: the file exists, cannot be created or has another suffix, or the header is too long.
        """
        self.problem = ""
        self._slowest_sync_s = 0.0
        self._header = header
        self._log = LogEncoder()
        self._queue = bytearray(self._log.header(header))
        self._lock = threading.Lock()
        """Guards the queue, and the state that decides what goes into the queue."""
        self._frames = WholeFrames()
        self._dropped_bytes = 0
        self._since_header_bytes = 0
        self._unqueued_bytes = 0
        self._marked_s = float("-inf")
        self._file_bytes = 0
        self._closed = False
        self.path, self._fd = _create(path, or_next=or_next)
        self._write()
        self._sync()
        if self.problem:
            os.close(self._fd)
            self.path.unlink()
            raise UserError(self.problem)
        self._closing, self._all_written = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._keep_writing, self._keep_syncing)]
        for thread in self._threads:
            thread.start()

    @property
    def lost_bytes(self) -> int:
        """Number of bytes of the stream that are not in the file."""
        return self._dropped_bytes + self._frames.lost_bytes

    def bytes(self, t_s: float, data: WireBytes) -> None:
        """Takes bytes that were read from the port at the host's monotonic time `t_s`; frames may be cut anywhere."""
        with self._lock:
            wire = self._frames.feed(data)
            if self.problem or self._closed:
                self._dropped_bytes += len(wire)
            elif len(self._queue) + len(wire) > MAX_QUEUED_BYTES:
                self._dropped_bytes += len(wire)
                self._unqueued_bytes += len(wire)
            elif wire:
                self._queue += self._due_frames(t_s)
                self._queue += wire
                self._since_header_bytes += len(wire)

    def cue(self, label: int, repetition: int) -> None:
        """Notes what the wearer is asked to do from the next sample on; label 0 is rest.

        Raises:
            ValueError: label or repetition is not within 0 to 255.
        """
        self._event(LogFrame.CUE, label, repetition)

    def discard(self, label: int, repetition: int) -> None:
        """Marks the samples under this cue so far as repeated: they do not count, but stay in the file.

        Raises:
            ValueError: label or repetition is not within 0 to 255.
        """
        self._event(LogFrame.DISCARD, label, repetition)

    def note(self, text: str) -> None:
        """Writes a remark at this place."""
        with self._lock:
            self._queue += self._log.text(LogFrame.NOTE, text.encode(errors="replace"))

    def trial(self, record: Record) -> None:
        """Writes a record of an online trial at this place."""
        shown = isinstance(record, Shown)
        with self._lock:
            write = self._log.frame if shown else self._log.text
            self._queue += write(LogFrame.SHOWN if shown else LogFrame.TRIAL, pack(record))

    def close(self) -> None:
        """Puts everything on the disk and ends the file; a second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue += self._log.frame(LogFrame.END, END.pack(round(1e3 * self._slowest_sync_s)))
        self._closing.set()
        for thread in self._threads:
            thread.join(CLOSE_TIMEOUT_S)
        if any(thread.is_alive() for thread in self._threads):
            self.problem = self.problem or f"The disk has not finished writing {self.path}; check the disk."
        else:
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _event(self, kind: LogFrame, label: int, repetition: int) -> None:
        if not (0 <= label < LABELS and 0 <= repetition < LABELS):
            raise ValueError(f"label {label} and repetition {repetition} must be within 0 and {LABELS - 1}")
        with self._lock:
            self._queue += self._log.frame(kind, CUE.pack(label, repetition))

    # --- what goes into the queue -------------------------------------------------------------------------

    def _due_frames(self, t_s: float) -> WireBytes:
        """The log's own frames that must precede bytes that arrived at `t_s`."""
        due = b""
        if self._unqueued_bytes:
            due += self._log.frame(LogFrame.LOST, LOST.pack(min(self._unqueued_bytes, 0xFFFFFFFF)))
            self._unqueued_bytes = 0
        if self._since_header_bytes >= HEADER_EVERY_BYTES:
            due += self._log.header(self._header)
            self._since_header_bytes = 0
        if not 0 <= t_s - self._marked_s < TIME_MARK_S:
            due += self._log.frame(LogFrame.TIME, TIME.pack(t_s))
            self._marked_s = t_s
        return due

    # --- the writer's own threads -------------------------------------------------------------------------

    def _keep_writing(self) -> None:
        while not self._closing.wait(WRITE_S):
            self._write()
        self._write()
        self._all_written.set()

    def _keep_syncing(self) -> None:
        took_s = 0.0
        while not self._all_written.wait(max(0.0, SYNC_S - took_s)):
            took_s = self._sync()
        self._sync()

    def _write(self) -> None:
        """Writes the queue to the file; removes a frame that the disk took only in part."""
        with self._lock:
            data, self._queue = bytes(self._queue), bytearray()
        if self.problem:
            return
        written = 0
        try:
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError as error:
            written = data.rfind(0, 0, written) + 1
            self._stop(error, len(data) - written)
            with suppress(OSError):
                os.ftruncate(self._fd, self._file_bytes + written)
        self._file_bytes += written

    def _sync(self) -> float:
        """Waits until the disk has everything that is in the file; the seconds that this took."""
        began_s = time.monotonic()
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            self._stop(error, 0)
        took_s = time.monotonic() - began_s
        self._slowest_sync_s = max(self._slowest_sync_s, took_s)
        return took_s

    def _stop(self, error: OSError, lost_bytes: int) -> None:
        cause = CAUSES.get(error.errno or 0, error.strerror)
        with self._lock:
            self._dropped_bytes += lost_bytes
            self.problem = self.problem or (
                f"The recording {self.path} has stopped because {cause}; it keeps everything until then, so make room "
                "and go on in another file."
            )


def _create(path: Path, *, or_next: bool) -> tuple[Path, int]:
    """Creates a new file, readable by this user only, with its name on the disk; its path and its descriptor."""
    if path.suffix.lower() != SUFFIX:
        raise UserError(f"The name of a recording must end in {SUFFIX}, and {path} does not; choose another name.")
    for number in count(1):
        name = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            if not or_next:
                raise UserError(
                    f"{path} exists already and record does not overwrite it; choose another name."
                ) from error
            continue
        except OSError as error:
            raise UserError(
                f"The recording {path} cannot be created ({error.strerror}); choose another place."
            ) from error
        break
    with suppress(OSError):  # some file systems cannot do this
        force(path.parent)
    return name, fd
