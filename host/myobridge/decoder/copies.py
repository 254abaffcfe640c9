"""Is a channel a copy: of its own past, as from a stuck buffer, or of another channel, as from bridged electrodes?

Both tests compare the newest stretch with the equally long stretch before it: counts int16 (2 n, channels).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

REPEAT_SHARE: Final = 0.02
"""Of the power of the step from sample to sample: a channel repeats itself if one lag leaves no more difference.

EMG leaves at least 0.16 (14 people at 2 kHz, 11 at 200 Hz): its neighbouring samples are alike, its far ones not.
One of these recordings holds hum on a channel, which leaves 0.026.
"""
MIN_STEP_POWER: Final = 0.5
"""Counts² between neighbouring samples; the ADC's rounding alone makes 0.17."""
MIN_SHARE_BESIDE_HUM: Final = 0.4
"""Of the power: a mains frequency or a board clock that is a little off leaves hum beside its nominal lines: 0.33 of
that recording."""
QUARTERS: Final = 4
"""Two channels must be alike in each: one jerk of the cable is alike on all channels, but short."""
MIN_QUARTER: Final = 8
"""Samples; fewer are alike by chance. At 200 Hz there are ten."""
COPY_SHARE: Final = 0.002
"""Of the power: neighbouring electrodes of a narrow cuff leave 0.006 and more of it, those of a forearm 0.17."""
COPY_NOISE: Final = 3.0
"""Counts²: the difference of two readings of one input that are each wrong by up to one count, taken twice."""
MIN_COPY_POWER: Final = 50 * COPY_NOISE
"""Counts²; below it, one muscle that two electrodes hear may leave no more than noise."""
MAY_BE_ALIKE: Final = 0.9
"""Of the power of a whole stretch; what is alike in each quarter explains 0.98 of it."""
EXACT: Final = 1e-9
MIN_EXACT_POWER: Final = 1.0
BELIEVED: Final = 2
"""Stretches in a row that two channels are alike in before they count as identical."""
MOST_VOTES: Final = 3


class Copies:
    """What is known of each channel of a stream. repeating, identical: bool (channels,)."""

    def __init__(self, channels: int, hum: list[NDArray[np.float64]]) -> None:
        """`hum` is the `hum_basis` of 2 n samples: hum is periodic, and what counts is what repeats beside it."""
        self._hum = hum
        self._votes = np.zeros((channels, channels), np.int8)
        self._pairs: NDArray[np.bool_] = np.zeros((channels, channels), np.bool_)
        self.repeating: NDArray[np.bool_] = np.zeros(channels, np.bool_)
        self.identical: NDArray[np.bool_] = np.zeros(channels, np.bool_)

    def follow(self, other: Copies) -> None:
        """Takes over what is known of the same channels."""
        self._votes, self._pairs = other._votes, other._pairs
        self.repeating, self.identical = other.repeating, other.identical

    def find_repeating(self, counts: NDArray[np.int16]) -> None:
        """Which channels' newest n samples are an earlier stretch again, exactly or nearly."""
        x = counts.T.astype(np.float64)
        x -= x.mean(axis=1, keepdims=True)
        found = _repeats(x)
        for channel in np.flatnonzero(found):
            found[channel] = all(_is_more_than(hum, x[channel : channel + 1]) for hum in self._hum)
        self.repeating = found

    def find_identical(self, counts: NDArray[np.int16]) -> None:
        """Which channels are another one's copy, but for a gain, a sign, an offset and a count of noise.

        Stretches that are too quiet to tell do not count, so that a copy stays one while its muscle rests.
        """
        change = _change(counts)
        if not self._votes.any() and not _may_be_alike(change):
            return
        alike, unlike = _alike(change)
        self._votes = np.clip(self._votes + alike - unlike, 0, MOST_VOTES)
        self._pairs = (self._votes >= BELIEVED) | (self._pairs & (self._votes > 0))
        self.identical = np.asarray(self._pairs.any(axis=1))


def _repeats(x: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Bool (channels,), of x (channels, 2 n)."""
    differences = _differences(x)
    found: NDArray[np.bool_] = differences[:, 1:].min(axis=1) <= REPEAT_SHARE * differences[:, 0]
    return found


def _is_more_than(hum: NDArray[np.float64], x: NDArray[np.float64]) -> bool:
    """Whether x (1, 2 n), which repeats itself, holds more than this hum.

    Hum is never exactly the same again; so what is exact needs only to be more than rounding.
    """
    rest = x - (x @ hum.T) @ hum
    differences = _differences(x)
    if differences[:, 1:].min() <= EXACT * differences[:, 0]:
        return bool(np.mean(np.diff(rest) ** 2) >= MIN_STEP_POWER)
    return bool(np.sum(rest**2) >= MIN_SHARE_BESIDE_HUM * np.sum(x**2))


def _differences(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of squares of the newest n samples less those 1, 2, … n samples before.

    x: (channels, 2 n). Returns (channels, n).
    """
    n = x.shape[1] // 2
    newest = x[:, n:]
    products = np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(newest, 2 * n).conj(), 2 * n)
    squares = np.zeros((len(x), 2 * n + 1))
    np.cumsum(x * x, axis=1, out=squares[:, 1:])
    before = squares[:, n : 2 * n] - squares[:, :n]  # of the stretch that begins at sample 0, 1, … n - 1
    power = squares[:, -1:] - squares[:, n : n + 1]
    return np.asarray((power + before - 2 * products[:, :n])[:, ::-1])


def _change(counts: NDArray[np.int16]) -> NDArray[np.float64]:
    """The newest n samples less the n before them, which hold no hum and hardly any drift: (channels, n)."""
    n = len(counts) // 2
    return np.subtract(counts[n:], counts[:n], dtype=np.float64).T


def _may_be_alike(change: NDArray[np.float64]) -> bool:
    """A quick look, which spares most stretches the long one."""
    products = change @ change.T
    power = np.diagonal(products)
    likely = products**2 >= MAY_BE_ALIKE * power * power[:, None]
    return int(np.count_nonzero(likely)) > len(change)  # each is like itself


def _alike(change: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pairs of channels are alike in `change`, and which are not; bool (channels, channels)."""
    channels, n = change.shape
    if (length := n // QUARTERS) < MIN_QUARTER:
        return np.zeros((channels, channels), np.bool_), np.zeros((channels, channels), np.bool_)
    parts = change[:, : QUARTERS * length].reshape(channels, QUARTERS, length).swapaxes(0, 1)
    parts = parts - parts.mean(axis=2, keepdims=True)
    products = parts @ parts.swapaxes(1, 2) / length  # (quarters, channels, channels)
    power = np.maximum(np.diagonal(products, axis1=1, axis2=2), EXACT)[:, :, None]
    left = power - products**2 / power.swapaxes(1, 2)  # of a channel, once another explains what it can
    limit = np.maximum(COPY_NOISE, COPY_SHARE * power)
    nearly = (left <= limit) & (power > MIN_COPY_POWER)
    exactly = (left <= EXACT * power) & (power >= MIN_EXACT_POWER)
    alike = (nearly | exactly).all(axis=0)
    alike &= alike.T
    np.fill_diagonal(alike, val=False)
    return alike, np.asarray((left > 2 * limit).any(axis=0) & ~alike)
