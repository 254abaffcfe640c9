"""Turns EMG frames into one continuous stream of samples: fills and marks gaps, and cuts the stream into hops.

A hop is a block of `hop_samples` samples. Hops start at multiples of `hop_samples` in the board's index, so the hops of
a stream do not depend on how the port delivered the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.wire.emg import SAMPLES_AT, Samples, index_step, parse_emg
from myobridge.wire.messages import EmgFlag

MAX_STEP_FRAMES: Final = 3
"""A frame after at most this many steps counts at once; any other frame has to be confirmed by the next."""
UNKNOWN_FLAGS: Final = 0xFF & ~sum(EmgFlag)


class Hop(NamedTuple):
    """`hop_samples` samples of all channels.

    counts: int16 (hop, channels).
    end_index: the board's index of the newest sample, unwrapped.
    filled: samples of the hop that were never received.
    lead_off: the board reported that an electrode was off.
    starts_stream: this is the first hop of a stream; state from earlier hops does not apply.
    """

    counts: NDArray[np.int16]
    end_index: int
    filled: int
    lead_off: bool
    starts_stream: bool


@dataclass
class AcquisitionCounters:
    """Counts of what arrived and what was lost."""

    frames_received: int = 0
    samples_received: int = 0
    samples_lost: int = 0
    frames_lost: int = 0
    """Lost samples in units of frames as long as the one after the gap."""
    duplicates: int = 0
    malformed: int = 0
    implausible: int = 0
    """Frames with a correct CRC that the board cannot have sent, or whose index no other frame confirmed."""
    restarts: int = 0
    """Jumps of the index: back, or forward by more than the longest gap that is filled."""


class EmgGate:
    """Checks whether the board can have sent a frame now; a correct CRC only shows that the frame is whole.

    The gate holds a frame whose index does not continue the stream until the next frame confirms it. So a forged index
    does not end the stream, and a single frame never counts on a line so bad that damaged frames pass the CRC.
    """

    def __init__(self, channels: int, frame_samples: int, adc_bits: int, counters: AcquisitionCounters) -> None:
        self.counters = counters
        self._channels = channels
        self._frame_samples = frame_samples
        self._half_range = 1 << (adc_bits - 1)
        self._values = Struct(f"<{frame_samples * channels}h")
        self._expected: int | None = None
        self._held: Samples | None = None

    def take(self, frame: bytes) -> tuple[Samples, ...]:
        """The samples to use now, from this EMG frame and from the frame held before it: none, one or two blocks."""
        samples = parse_emg(frame, self._channels)
        if samples is None:
            self.counters.malformed += 1
            return ()
        if not self._possible(samples, frame):
            self.counters.implausible += 1
            return ()
        index, held = samples[0], self._held
        self._held = None
        if held is not None and self._follows(index, held[0] + self._frame_samples):
            confirmed: tuple[Samples, ...] = (held, samples)
        else:
            self.counters.implausible += held is not None
            if not self._follows(index, self._expected):
                self._held = samples
                return ()
            confirmed = (samples,)
        self._expected = index + self._frame_samples
        return confirmed

    def _possible(self, samples: Samples, frame: bytes) -> bool:
        _, flags, counts = samples
        if len(counts) != self._frame_samples or flags & UNKNOWN_FLAGS:
            return False
        values: tuple[int, ...] = self._values.unpack_from(frame, SAMPLES_AT)  # numpy is slower on so few
        return max(values) < self._half_range and min(values) >= -self._half_range

    def _follows(self, index: int, expected: int | None) -> bool:
        if expected is None:
            return False
        step = index_step(index, expected)
        return 0 <= step <= MAX_STEP_FRAMES * self._frame_samples and step % self._frame_samples == 0


class Acquisition:
    """Turns blocks of samples into hops. `max_gap` is the longest gap that is filled, in samples."""

    def __init__(self, channels: int, hop_samples: int, max_gap: int, counters: AcquisitionCounters) -> None:
        self.counters = counters
        self._hop_samples = hop_samples
        self._max_gap = max_gap
        self._shape = (hop_samples, channels)
        self._last = np.zeros(channels, np.int16)
        self.reset()

    def reset(self) -> None:
        """Makes the next sample start a new stream."""
        self._next_index: int | None = None
        self._block = np.empty(self._shape, np.int16)
        self._at = 0
        self._filled = 0
        self._lead_off = False
        self._starts_stream = True

    def push(self, index: int, counts: NDArray[np.int16], lead_off: bool = False) -> list[Hop]:
        """Takes samples `index`, `index` + 1, … and returns the hops that they complete.

        Args:
            index: the board's index of the first row, modulo 2^32.
            counts: int16 (n, channels).
            lead_off: an electrode was off during these samples.
        """
        n = len(counts)
        hops: list[Hop] = []
        self.counters.frames_received += 1
        first = self._next_index
        if first is None:
            self._lose(index, n)  # a stream starts at index 0
            first = self._start(index)
        elif ahead := index_step(index, first):
            if -self._max_gap <= ahead < 0:
                self.counters.duplicates += 1
                return hops
            self._lose(max(0, ahead), n)
            if 0 < ahead <= self._max_gap:
                self._append(first, np.broadcast_to(self._last, (ahead, len(self._last))), hops, filled=True)
                first += ahead
            else:
                self.counters.restarts += 1
                self.reset()
                first = self._start(index)
        self.counters.samples_received += n
        self._lead_off |= lead_off
        self._append(first, counts, hops, filled=False)
        self._last = counts[-1]
        return hops

    def follow(self, other: Acquisition) -> None:
        """Continues the stream of another Acquisition without a gap, and counts on in its counters."""
        self.counters = other.counters
        self._last = other._last
        if other._next_index is not None:
            self._start(other._next_index)

    def _lose(self, samples: int, frame_samples: int) -> None:
        self.counters.samples_lost += samples
        self.counters.frames_lost += -(-samples // frame_samples)

    @property
    def newest_index(self) -> int:
        """Unwrapped index of the newest sample; -1 before the first."""
        return (self._next_index or 0) - 1

    @property
    def between_hops(self) -> bool:
        """The newest sample was the last of a hop."""
        return self._at == 0

    def _start(self, index: int) -> int:
        """Starts a stream at `index`; samples before the first whole hop are skipped."""
        self._next_index = index
        self._at = -(-index % self._hop_samples)
        return index

    def _append(self, first: int, counts: NDArray[np.int16], hops: list[Hop], *, filled: bool) -> None:
        """Appends samples `first`, `first` + 1, … and adds the hops that they complete to `hops`."""
        n, done, hop = len(counts), 0, self._hop_samples
        while done < n:
            at = self._at
            take = min(hop - at if at >= 0 else -at, n - done)
            if at >= 0:
                self._block[at : at + take] = counts[done : done + take]
                self._filled += take if filled else 0
            self._at = at + take
            done += take
            if self._at == hop:
                hops.append(Hop(self._block, first + done - 1, self._filled, self._lead_off, self._starts_stream))
                self._block = np.empty(self._shape, np.int16)
                self._at, self._filled, self._lead_off, self._starts_stream = 0, 0, False, False
        self._next_index = first + n
