"""Cuts the bytes from the port where frames end, because the log's own frames may only stand between whole frames."""

from __future__ import annotations

from myobridge.recording.log_frames import LogFrame
from myobridge.wire.frame import MAX_WIRE_BYTES, FrameDecoder


class WholeFrames:
    """Takes reads, gives whole frames. `lost_bytes` counts bytes that cannot be recorded."""

    def __init__(self) -> None:
        self.lost_bytes = 0
        self._unfinished = b""
        self._joined = False
        """Whether the beginning of a frame has been seen."""

    def feed(self, data: bytes) -> bytes:
        """The frames that `data` completes, damaged frames included; an unfinished frame waits for its rest."""
        *frames, unfinished = (self._unfinished + data).split(b"\0")
        self._unfinished = unfinished[: MAX_WIRE_BYTES + 1]  # enough to see that a longer piece is not a frame
        self.lost_bytes += len(unfinished) - len(self._unfinished)
        if frames and not self._joined:
            self._joined = True
            if not FrameDecoder().feed(frames[0] + b"\0"):
                del frames[0]  # it began before the recording
        kept = [frame for frame in frames if not _pretends(frame)]
        self.lost_bytes += sum(map(len, frames)) - sum(map(len, kept))
        return b"\0".join([*kept, b""])


def _pretends(frame: bytes) -> bool:
    """Whether this is a good frame of one of the log's types, such as a cue, which a board must not write."""
    if len(frame) < 2 or frame[1] < LogFrame.HEADER:
        return False
    decoded = FrameDecoder().feed(frame + b"\0")
    return bool(decoded) and decoded[0][0] >= LogFrame.HEADER
