"""Writes a `.myo` log while the stream runs: whole frames only, on the disk within 100 ms, and never in the way.

The caller's thread appends to a queue in memory; a thread of the writer's own puts the queue into the file and waits
for the disk. A killed process or a pulled plug costs what was not on the disk yet.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from myobridge.errors import UserError
from myobridge.recording.log_frames import CUE, LABELS, LOST, SUFFIX, TIME, Header, LogEncoder, LogFrame
from myobridge.wire.frame import MAX_WIRE_BYTES, FrameDecoder

SYNC_S: Final = 0.05
"""From one write to the disk to the next. What comes meanwhile, and while the disk is busy, is what a crash costs."""
TIME_MARK_S: Final = 0.1
HEADER_EVERY_BYTES: Final = 256 << 10
"""The header is repeated: a file whose beginning is damaged can still be read."""
MAX_QUEUED_BYTES: Final = 1 << 20
"""What may wait for a slow disk: half a minute of 4 channels at 2 kHz."""
CLOSE_TIMEOUT_S: Final = 10.0
CAUSES: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the system does not let it grow any further",
}

WireBytes = bytes
"""`bytes` is a method below."""


class RecordingWriter:
    """A recording in the making. Its methods never wait for the disk; `problem` tells what the disk had to say.

    lost_bytes: how many bytes of the stream did not get into the file.
    problem: empty, or one sentence; nothing more is recorded then, and what was whole stays in the file.
    slowest_sync_s: the longest that the disk took; beyond 50 ms a pulled plug may cost more than 100 ms.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Creates the file and puts the header on the disk.

        Raises:
            UserError: the file exists, cannot be created or has another suffix, or the header is too long.
        """
        self.path = path
        self.lost_bytes = 0
        self.problem = ""
        self.slowest_sync_s = 0.0
        self._header = header
        self._log = LogEncoder()
        self._queue = bytearray(self._log.header(header))
        self._lock = threading.Lock()
        """Guards the queue and everything that decides what goes into it."""
        self._unfinished = b""
        self._joined = False
        """The beginning of a frame has been seen."""
        self._since_header_bytes = 0
        self._unqueued_bytes = 0
        self._marked_s = float("-inf")
        self._file_bytes = 0
        self._closed = False
        self._fd = _create(path)
        self._flush()
        if self.problem:
            os.close(self._fd)
            path.unlink()
            raise UserError(self.problem)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep_flushing, name="recording", daemon=True)
        self._thread.start()

    def bytes(self, t_s: float, data: WireBytes) -> None:
        """Takes what was read from the port at the host's monotonic time `t_s`, cut anywhere."""
        with self._lock:
            wire = self._whole_frames(data)
            if self.problem or self._closed:
                self.lost_bytes += len(wire)
            elif len(self._queue) + len(wire) > MAX_QUEUED_BYTES:
                self.lost_bytes += len(wire)
                self._unqueued_bytes += len(wire)
            elif wire:
                self._queue += self._due_frames(t_s)
                self._queue += wire
                self._since_header_bytes += len(wire)

    def cue(self, label: int, repetition: int) -> None:
        """From the next sample on, this is what the wearer is asked to do; label 0 is rest.

        Raises:
            ValueError: one of them is not within 0 to 255.
        """
        self._event(LogFrame.CUE, label, repetition)

    def discard(self, label: int, repetition: int) -> None:
        """Samples that were cued so until now shall not count (a repetition is done again); they stay in the file.

        Raises:
            ValueError: one of them is not within 0 to 255.
        """
        self._event(LogFrame.DISCARD, label, repetition)

    def note(self, text: str) -> None:
        """A remark at this place."""
        with self._lock:
            self._queue += self._log.text(LogFrame.NOTE, text.encode(errors="replace"))

    def close(self) -> None:
        """Puts everything on the disk and ends the file. May be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue += self._log.frame(LogFrame.END)
        self._closing.set()
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            self.problem = self.problem or f"The disk does not finish writing {self.path}; check the disk."
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

    def _whole_frames(self, data: WireBytes) -> WireBytes:
        """The frames that `data` completes. An unfinished one waits, so that the log's own frames go between frames."""
        *frames, unfinished = (self._unfinished + data).split(b"\0")
        self._unfinished = unfinished[: MAX_WIRE_BYTES + 1]  # a longer one is none; so much is enough to see that
        self.lost_bytes += len(unfinished) - len(self._unfinished)
        if frames and not self._joined:
            self._joined = True
            if not FrameDecoder().feed(frames[0] + b"\0"):
                del frames[0]  # it began before the recording
        kept = [frame for frame in frames if not _pretends(frame)]
        self.lost_bytes += sum(map(len, frames)) - sum(map(len, kept))
        return b"\0".join([*kept, b""])

    def _due_frames(self, t_s: float) -> WireBytes:
        """The log's own frames that belong before bytes that came at `t_s`."""
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

    # --- the writer's own thread --------------------------------------------------------------------------

    def _keep_flushing(self) -> None:
        took_s = 0.0
        while not self._closing.wait(max(0.0, SYNC_S - took_s)):
            took_s = self._flush()
        self._flush()

    def _flush(self) -> float:
        """Puts the queue on the disk; how many seconds that took."""
        with self._lock:
            data, self._queue = bytes(self._queue), bytearray()
        if not data or self.problem:
            return 0.0
        began_s, written = time.monotonic(), 0
        try:
            while written < len(data):
                written += os.write(self._fd, data[written:])
            os.fdatasync(self._fd)
        except OSError as error:
            self._stop(error, data, written)
        self._file_bytes += len(data)
        took_s = time.monotonic() - began_s
        self.slowest_sync_s = max(self.slowest_sync_s, took_s)
        return took_s

    def _stop(self, error: OSError, data: WireBytes, written: int) -> None:
        """Keeps what is whole; a frame that the disk took only half of is cut off again."""
        whole = data.rfind(0, 0, written) + 1
        cause = CAUSES.get(error.errno or 0, error.strerror)
        with self._lock:
            self.lost_bytes += len(data) - whole
            self.problem = (
                f"The recording {self.path} has stopped because {cause}; what came before is in it: make room and "
                "record into another file."
            )
        with suppress(OSError):
            os.ftruncate(self._fd, self._file_bytes + whole)
            os.fdatasync(self._fd)


def _pretends(frame: bytes) -> bool:
    """It is a good frame of a type that is the log's: a device must not write cues. A damaged one does no harm."""
    if len(frame) < 2 or frame[1] < LogFrame.HEADER:
        return False
    decoded = FrameDecoder().feed(frame + b"\0")
    return bool(decoded) and decoded[0][0] >= LogFrame.HEADER


def _create(path: Path) -> int:
    """A new file for this user alone, its name on the disk too."""
    if path.suffix != SUFFIX:
        raise UserError(f"A recording's name ends in {SUFFIX}, {path} does not; choose another name.")
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UserError(f"{path} exists already and is not overwritten; choose another name.") from error
    except OSError as error:
        raise UserError(f"The recording {path} cannot be created ({error.strerror}); choose another place.") from error
    with suppress(OSError):  # some file systems know no such thing
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return fd
