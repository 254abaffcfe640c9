"""The filters that a person can look through: raw, the EMG band, and the EMG band without 50 or 60 Hz and multiples."""

from __future__ import annotations

from math import cos, pi, sin
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.prefilter import Prefilter, Sections

Filter = Literal["raw", "band", "no50", "no60"]
BAND_HZ: Final = (20.0, 450.0)
FLAT_Q: Final = 0.7071
"""Quality of a second-order section without a peak (Butterworth)."""
NOTCH_HZ: Final = 2.0
"""Width of a notch."""
USABLE_SHARE: Final = 0.45
"""Share of the sampling rate up to which sections make sense."""

Counts = NDArray[np.int16] | NDArray[np.float64]
"""Raw counts, or filtered ones."""
Section = tuple[float, float, float, float, float, float]


def sections(name: Filter, fs_hz: float) -> Sections:
    """Second-order sections of a filter (Bristow-Johnson, Audio EQ Cookbook); none for `raw`.

    A section above USABLE_SHARE of the rate is left out: the board takes too few samples to hold such frequencies.
    """
    if name == "raw":
        return ()
    low_hz, high_hz = BAND_HZ
    mains_hz = {"no50": 50, "no60": 60}.get(name, 0)
    multiples = range(mains_hz, int(high_hz) + 1, mains_hz) if mains_hz else ()
    wanted = [(low_hz, "high"), (high_hz, "low"), *((float(hz), "notch") for hz in multiples)]
    return tuple(_section(kind, hz, fs_hz) for hz, kind in wanted if hz <= USABLE_SHARE * fs_hz)


def _section(kind: str, hz: float, fs_hz: float) -> Section:
    """b0 b1 b2 a0 a1 a2 of a high pass, a low pass or a notch."""
    turn = 2 * pi * hz / fs_hz
    c, alpha = cos(turn), sin(turn) / (2 * (hz / NOTCH_HZ if kind == "notch" else FLAT_Q))
    b0, b1 = {"high": ((1 + c) / 2, -(1 + c)), "low": ((1 - c) / 2, 1 - c), "notch": (1.0, -2 * c)}[kind]
    return b0, b1, b0, 1 + alpha, -2 * c, 1 - alpha


class LookThrough:
    """Filters blocks of counts for people to look at."""

    def __init__(self, name: Filter, channels: int, fs_hz: float, block: int) -> None:
        self._filter = None
        if chosen := sections(name, fs_hz):
            self._filter = Prefilter(chosen, np.ones(channels), block)
        self._begun = False

    def begin(self) -> None:
        """The next block begins a new stream."""
        self._begun = False

    def __call__(self, counts: NDArray[np.int16]) -> Counts:
        """The filtered block (block, channels); with `raw`, the counts themselves."""
        if self._filter is None:
            return counts
        if not self._begun:
            self._filter.reset(counts[0])
            self._begun = True
        return self._filter(counts).copy()
