"""Reduces EMG to what the page draws: a column of lowest and highest counts every few milliseconds, and spectra."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.acquisition import Acquisition, AcquisitionCounters, Hop
from myobridge.spectrum import power_density
from myobridge.view.filters import Counts, Filter, LookThrough
from myobridge.wire.emg import parse_emg
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.messages import Emg

COLUMN_S: Final = 0.004
"""A pixel column of the page: four seconds are 1000 of them."""
SEGMENT_S: Final = 0.5
"""Welch's segments: the spectrum's lines are 2 Hz apart, so 50 and 60 Hz and their multiples fall on lines."""
SEGMENTS: Final = 3
"""Half overlapping."""
HIGHEST_HZ: Final = 500
"""Surface EMG has almost no power above."""
MAINS_HZ: Final = (50, 60)
MAINS_MEMORY: Final = 0.9
"""Weight of earlier spectra in the choice between 50 and 60 Hz, so that a burst of EMG does not change the choice."""
NEIGHBOURS: Final = (-6, -5, -4, -3, 3, 4, 5, 6)
"""Lines beside a mains line, whose median is the level without mains hum."""


@dataclass(frozen=True)
class Columns:
    """Consecutive columns of counts. `first` counts columns from the board's sample 0.

    low, high: (columns, channels); present (columns,): False where all samples of a column were lost.
    """

    first: int
    low: Counts
    high: Counts
    present: NDArray[np.bool_]


@dataclass(frozen=True)
class Spectrum:
    """Power densities in dB of one count² per Hz, (channels, lines), from 0 Hz in steps of `step_hz`.

    mains_hz: 50 or 60, whichever stands out more.
    mains_db: (channels,), height of that line above its neighbours.
    """

    step_hz: float
    power_db: NDArray[np.float64]
    mains_hz: int
    mains_db: NDArray[np.float64]


class Traces:
    """Turns the bytes of the wire into columns and spectra. Gaps stay gaps."""

    def __init__(self, channels: int, fs_hz: float, look: Callable[[Hop], None] | None = None) -> None:
        """look: gets the raw counts of each column, too."""
        self._look = look
        self._channels = channels
        self._fs_hz = fs_hz
        self._column_samples = max(1, round(COLUMN_S * fs_hz))
        self._frames = FrameDecoder()
        self.counters = AcquisitionCounters()
        self._acquisition = Acquisition(channels, self._column_samples, int(fs_hz), self.counters)
        self._segment = max(2, round(SEGMENT_S * fs_hz))
        needed = self._segment * (SEGMENTS + 1) // 2
        self._recent: deque[Counts] = deque(maxlen=-(-needed // self._column_samples))
        self._stands_out_db = dict.fromkeys(MAINS_HZ, 0.0)
        self._pending: list[tuple[int, Counts, Counts, bool]] = []
        self.look_through("raw")

    @property
    def columns_per_s(self) -> float:
        """Columns in a second."""
        return self._fs_hz / self._column_samples

    def look_through(self, name: Filter) -> None:
        """Columns and spectra from now on show the signal behind this filter."""
        self._filter = LookThrough(name, self._channels, self._fs_hz, self._column_samples)
        self._recent.clear()

    def feed(self, data: bytes) -> None:
        """Takes bytes as they were read from the port."""
        for frame in self._frames.feed(data):
            parsed = parse_emg(frame, self._channels) if frame[0] == Emg.TYPE else None
            if parsed is None:
                continue
            index, _, counts = parsed
            for hop in self._acquisition.push(index, counts):
                self._take(hop)

    def _take(self, hop: Hop) -> None:
        if hop.starts_stream:
            self._recent.clear()
            self._pending.clear()
            self._filter.begin()
        if self._look is not None:
            self._look(hop)
        counts = self._filter(hop.counts)
        self._recent.append(counts)
        column = hop.end_index // self._column_samples
        self._pending.append((column, counts.min(0), counts.max(0), hop.filled < self._column_samples))

    def columns(self) -> Columns | None:
        """The new columns since the last call; None without any."""
        if not self._pending:
            return None
        first, lows, highs, present = zip(*self._pending, strict=True)
        self._pending.clear()
        return Columns(first[0], np.array(lows), np.array(highs), np.array(present))

    def spectrum(self) -> Spectrum | None:
        """The spectrum of the newest second (Welch 1967, Hann windows); None before the first second is complete."""
        if len(self._recent) < (self._recent.maxlen or 0):
            return None
        counts = np.concatenate(self._recent)
        step = self._segment // 2
        ends = [len(counts) - step * i for i in range(SEGMENTS)]
        pieces = np.stack([counts[end - self._segment : end] for end in ends])
        density = np.mean(power_density(pieces, self._fs_hz), axis=0)
        step_hz = self._fs_hz / self._segment
        power_db = 10 * np.log10(np.maximum(density[: int(HIGHEST_HZ / step_hz) + 1].T, 1e-6))
        mains_db = {hz: _above_neighbours(power_db, round(hz / step_hz)) for hz in MAINS_HZ}
        for hz, above_db in mains_db.items():
            before_db = MAINS_MEMORY * self._stands_out_db[hz]
            self._stands_out_db[hz] = before_db + (1 - MAINS_MEMORY) * float(above_db.mean())
        mains_hz = max(MAINS_HZ, key=self._stands_out_db.__getitem__)
        return Spectrum(step_hz, power_db, mains_hz, mains_db[mains_hz])


def _above_neighbours(power_db: NDArray[np.float64], line: int) -> NDArray[np.float64]:
    """Height of a line of power_db (channels, lines) above its neighbours' median: (channels,)."""
    beside = [line + step for step in NEIGHBOURS if line + step < power_db.shape[1]]
    if line >= power_db.shape[1] or not beside:
        return np.zeros(len(power_db))
    return np.asarray(power_db[:, line] - np.median(power_db[:, beside], axis=1))
