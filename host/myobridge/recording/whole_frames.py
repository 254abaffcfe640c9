"""What was read from the port, cut where frames end: the log's own frames may only stand between the wire's."""

from __future__ import annotations

from myobridge.recording.log_frames import LogFrame
from myobridge.wire.frame import MAX_WIRE_BYTES, FrameDecoder


class WholeFrames:
    """Reads in, whole frames out. `lost_bytes` counts what cannot be recorded."""

    def __init__(self) -> None:
        self.lost_bytes = 0
        self._unfinished = b""
        self._joined = False
        """The beginning of a frame has been seen."""

    def feed(self, data: bytes) -> bytes:
        """The frames that `data` completes, damaged ones too; an unfinished one waits for its rest."""
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


def _pretends(frame: bytes) -> bool:
    """It is a good frame of a type that is the log's: a device must not write cues. A damaged one does no harm."""
    if len(frame) < 2 or frame[1] < LogFrame.HEADER:
        return False
    decoded = FrameDecoder().feed(frame + b"\0")
    return bool(decoded) and decoded[0][0] >= LogFrame.HEADER
