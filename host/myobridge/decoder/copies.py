"""Finds channels that copy their own past, as from a stuck buffer, or another channel, as from bridged electrodes.

Both tests compare the newest stretch with the stretch of the same length before it: counts int16 (2 n, channels).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

REPEAT_SHARE: Final = 0.02
"""Share of the power of the sample-to-sample step: a channel repeats if the difference at some lag has no more.

EMG leaves at least 0.16 (14 people at 2 kHz, 11 at 200 Hz): neighbouring samples are alike, distant samples are not.
One channel of these recordings holds hum, which leaves 0.026.
"""
MIN_STEP_POWER: Final = 0.5
"""Counts² between neighbouring samples; the rounding of the ADC alone gives 0.17."""
MIN_SHARE_BESIDE_HUM: Final = 0.4
"""Share of the power. If the mains frequency or the board's clock is slightly off, hum remains beside its nominal
lines: 0.33 in that recording."""
QUARTERS: Final = 4
"""Two channels must be alike in each quarter; a jerk of the cable is alike on all channels, but short."""
MIN_QUARTER: Final = 8
"""Samples; shorter quarters are alike by chance. A quarter has ten samples at 200 Hz."""
COPY_SHARE: Final = 0.002
"""Share of the power; neighbouring electrodes leave at least 0.006 in a narrow cuff and 0.17 on a forearm."""
COPY_NOISE: Final = 3.0
"""Counts² left by two readings of one input that are each wrong by up to one count, doubled."""
MIN_COPY_POWER: Final = 50 * COPY_NOISE
"""Counts²; below this power, a muscle under two electrodes may leave nothing but noise."""
MAY_BE_ALIKE: Final = 0.9
"""Share of the power of a whole stretch; channels that are alike in each quarter explain 0.98 of it."""
EXACT: Final = 1e-9
MIN_EXACT_POWER: Final = 1.0
BELIEVED: Final = 2
"""Two channels count as identical once they are alike in this many stretches in a row."""
MOST_VOTES: Final = 3


class Copies:
    """The channels of a stream that are copies. repeating, identical: bool (channels,)."""

    def __init__(self, channels: int, hum: list[NDArray[np.float64]]) -> None:
        """`hum` is the `hum_basis` of 2 n samples: hum is periodic, so the rest of the signal must repeat as well."""
        self._hum = hum
        self._votes = np.zeros((channels, channels), np.int8)
        self._pairs: NDArray[np.bool_] = np.zeros((channels, channels), np.bool_)
        self.repeating: NDArray[np.bool_] = np.zeros(channels, np.bool_)
        self.identical: NDArray[np.bool_] = np.zeros(channels, np.bool_)

    def follow(self, other: Copies) -> None:
        """Continues with the findings on the same channels."""
        self._votes, self._pairs = other._votes, other._pairs
        self.repeating, self.identical = other.repeating, other.identical

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs of channels that are alike, the lower channel first."""
        return [(int(i), int(j)) for i, j in np.argwhere(np.triu(self._pairs))]

    def find_repeating(self, counts: NDArray[np.int16], *, acquits: bool = True) -> None:
        """Finds the channels whose newest n samples repeat an earlier stretch, exactly or nearly.

        acquits: a channel that does not repeat here does not repeat any more.
        """
        x = counts.T.astype(np.float64)
        x -= x.mean(axis=1, keepdims=True)
        found = _repeats(x)
        for channel in np.flatnonzero(found):
            found[channel] = all(_is_more_than(hum, x[channel : channel + 1]) for hum in self._hum)
        self.repeating = found if acquits else found | self.repeating

    def find_identical(self, counts: NDArray[np.int16]) -> None:
        """Finds the channels that copy another channel up to a gain, a sign, an offset and one count of noise.

        Stretches that are too quiet to decide do not count, so a copy remains one while its muscle rests.
        """
        change = _change(counts)
        if not self._votes.any() and not _may_be_alike(change):
            return
        alike, unlike = _alike(change)
        self._votes = np.clip(self._votes + alike - unlike, 0, MOST_VOTES)
        self._pairs = (self._votes >= BELIEVED) | (self._pairs & (self._votes > 0))
        self.identical = np.asarray(self._pairs.any(axis=1))


def _repeats(x: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which channels of x (channels, 2 n) repeat; bool (channels,)."""
    differences = _differences(x)
    found: NDArray[np.bool_] = differences[:, 1:].min(axis=1) <= REPEAT_SHARE * differences[:, 0]
    return found


def _is_more_than(hum: NDArray[np.float64], x: NDArray[np.float64]) -> bool:
    """Whether x (1, 2 n), which repeats, holds more than this hum.

    Hum never repeats exactly, so an exact repetition only has to exceed rounding.
    """
    rest = x - (x @ hum.T) @ hum
    differences = _differences(x)
    if differences[:, 1:].min() <= EXACT * differences[:, 0]:
        return bool(np.mean(np.diff(rest) ** 2) >= MIN_STEP_POWER)
    return bool(np.sum(rest**2) >= MIN_SHARE_BESIDE_HUM * np.sum(x**2))


def _differences(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of squares of the newest n samples minus the samples 1, 2, … n before them.

    x: (channels, 2 n). Returns (channels, n).
    """
    n = x.shape[1] // 2
    newest = x[:, n:]
    products = np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(newest, 2 * n).conj(), 2 * n)
    squares = np.zeros((len(x), 2 * n + 1))
    np.cumsum(x * x, axis=1, out=squares[:, 1:])
    before = squares[:, n : 2 * n] - squares[:, :n]  # power of the stretch that starts at sample 0, 1, … n - 1
    power = squares[:, -1:] - squares[:, n : n + 1]
    return np.asarray((power + before - 2 * products[:, :n])[:, ::-1])


def _change(counts: NDArray[np.int16]) -> NDArray[np.float64]:
    """The newest n samples minus the n samples before them, without hum and with little drift: (channels, n)."""
    n = len(counts) // 2
    return np.subtract(counts[n:], counts[:n], dtype=np.float64).T


def _may_be_alike(change: NDArray[np.float64]) -> bool:
    """A quick test that saves most stretches the long test."""
    products = change @ change.T
    power = np.diagonal(products)
    likely = products**2 >= MAY_BE_ALIKE * power * power[:, None]
    return int(np.count_nonzero(likely)) > len(change)  # each channel is like itself


def _alike(change: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pairs of channels are alike in `change`, and which are not; bool (channels, channels)."""
    channels, n = change.shape
    if (length := n // QUARTERS) < MIN_QUARTER:
        return np.zeros((channels, channels), np.bool_), np.zeros((channels, channels), np.bool_)
    parts = change[:, : QUARTERS * length].reshape(channels, QUARTERS, length).swapaxes(0, 1)
    parts = parts - parts.mean(axis=2, keepdims=True)
    products = parts @ parts.swapaxes(1, 2) / length  # (quarters, channels, channels)
    power = np.maximum(np.diagonal(products, axis1=1, axis2=2), EXACT)[:, :, None]
    left = power - products**2 / power.swapaxes(1, 2)  # power that another channel does not explain
    limit = np.maximum(COPY_NOISE, COPY_SHARE * power)
    nearly = (left <= limit) & (power > MIN_COPY_POWER)
    exactly = (left <= EXACT * power) & (power >= MIN_EXACT_POWER)
    alike = (nearly | exactly).all(axis=0)
    alike &= alike.T
    np.fill_diagonal(alike, val=False)
    return alike, np.asarray((left > 2 * limit).any(axis=0) & ~alike)
