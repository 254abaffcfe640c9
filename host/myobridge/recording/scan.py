"""Reads a `.myo` log in blocks of whole frames: decodes EMG frames many at a time, other frames one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.files import check_file
from myobridge.wire.bulk import decode_rows, samples_in
from myobridge.wire.frame import MAX_WIRE_BYTES, FrameCounters, FrameDecoder
from myobridge.wire.messages import Emg

BLOCK_BYTES: Final = 256 << 10

Bytes = NDArray[np.uint8]


class EmgFrames(NamedTuple):
    """The good EMG frames of a block, in their order.

    at: int64 (frames,), position of the frame among the block's frames.
    sample_index: int64 (frames,), the board's index of its first sample, modulo 2^32.
    n: int64 (frames,), samples in the frame.
    flags: uint8 (frames,), bits emg_flag.
    counts: int16 (samples, channels), the samples of all frames.
    """

    at: NDArray[np.int64]
    sample_index: NDArray[np.int64]
    n: NDArray[np.int64]
    flags: NDArray[np.uint8]
    counts: NDArray[np.int16]


@dataclass
class ScanCounters(FrameCounters):
    """What could not be read. `unfinished_bytes`: bytes behind the last whole frame."""

    malformed: int = 0
    """EMG frames with another number of channels."""
    unfinished_bytes: int = 0


@dataclass
class Scanner:
    """Reads a log from its beginning. `counters` are complete when `blocks` is exhausted."""

    path: Path
    counters: ScanCounters = field(default_factory=ScanCounters)

    def blocks(self) -> Iterator[bytes]:
        """The file in pieces that end where a frame ends, without the unfinished frame at the end of the file.

        Raises:
            UserError: the file cannot be read.
        """
        rest, skipping = b"", False
        try:
            check_file(self.path)
            with self.path.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    end = block.rfind(0) + 1
                    if end:
                        whole = (b"" if skipping else rest) + block[block.find(0) + 1 if skipping else 0 : end]
                        rest, skipping = block[end:], False
                        if whole:
                            yield whole
                    else:
                        rest += block
                    if len(rest) > MAX_WIRE_BYTES and not skipping:
                        self.counters.length_errors += 1
                        skipping = True
                    if skipping:
                        rest = b""
        except OSError as error:
            raise UserError(f"The recording {self.path} cannot be read ({error.strerror}); check the path.") from error
        self.counters.unfinished_bytes = len(rest)

    def decode(self, block: bytes, channels: int) -> tuple[EmgFrames, list[tuple[int, bytes]]]:
        """The EMG frames of a block, and its other good frames with their positions; 0 channels: EMG is skipped."""
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == 0)
        starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
        filled = ends > starts
        starts, widths = starts[filled], (ends - starts)[filled] + 1
        emg = (data[starts + 1] == Emg.TYPE) if channels else np.zeros(len(starts), bool)
        groups = []
        for width in np.unique(widths[emg]).tolist():
            samples = samples_in(width, channels)
            if samples:
                at = np.flatnonzero(emg & (widths == width))
                fields, good = decode_rows(data[starts[at][:, None] + np.arange(width)], samples, channels)
                groups.append((at[good], fields[good], samples))
                emg[at] = good
            else:
                emg[widths == width] = False
        return _in_order(groups, channels), self._others(block, starts, widths, np.flatnonzero(~emg), channels)

    def _others(
        self,
        block: bytes,
        starts: NDArray[np.int64],
        widths: NDArray[np.int64],
        places: NDArray[np.int64],
        channels: int,
    ) -> list[tuple[int, bytes]]:
        """Decodes the frames at these places with the link's own decoder."""
        decoder, frames = FrameDecoder(), []
        for at, start, width in zip(places.tolist(), starts[places].tolist(), widths[places].tolist(), strict=True):
            for frame in decoder.feed(block[start : start + width]):
                if frame[0] == Emg.TYPE and channels:
                    self.counters.malformed += 1
                else:
                    frames.append((at, frame))
        self.counters.crc_errors += decoder.counters.crc_errors
        self.counters.length_errors += decoder.counters.length_errors
        return frames


def _in_order(groups: list[tuple[NDArray[np.int64], NDArray[np.void], int]], channels: int) -> EmgFrames:
    """Joins frames of several lengths, sorted by position."""
    at = np.concatenate([np.zeros(0, np.int64), *[places for places, _, _ in groups]])
    n = np.repeat([samples for *_, samples in groups], [len(places) for places, *_ in groups]).astype(np.int64)
    index = np.concatenate([np.zeros(0, np.int64), *[fields["sample_index"] for _, fields, _ in groups]])
    flags = np.concatenate([np.zeros(0, np.uint8), *[fields["flags"] for _, fields, _ in groups]])
    empty = np.zeros((0, channels), np.int16)
    counts = np.concatenate([empty, *[fields["counts"].reshape(-1, channels) for _, fields, _ in groups]])
    if len(groups) > 1:
        counts = counts[np.argsort(np.repeat(at, n), kind="stable")]
    order = np.argsort(at)
    return EmgFrames(at[order], index[order].astype(np.int64), n[order], flags[order], counts)
