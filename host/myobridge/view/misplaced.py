"""Finds pairs of electrodes that are misplaced: two channels that hear nearly the same muscle."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.doctor.electrodes import in_band
from myobridge.spectrum import frequencies_hz

MOST_CHANNELS: Final = 8
"""Channels of a denser grid hear the same muscle by intention."""
ALIKE: Final = 0.95
"""Correlation in the EMG band without mains hum, with either sign."""
ACTIVE_COUNTS: Final = 8.0
"""RMS in the EMG band from which on a muscle is active; noise is alike by chance."""
PIECE_S: Final = 0.5
BELIEVED: Final = 4
"""Active pieces in a row."""


class Misplaced:
    """Compares all channels twice a second while their muscles are active. pairs: the channels that are alike."""

    def __init__(self, channels: int, fs_hz: float) -> None:
        self._channels = channels
        self._samples = max(8, round(PIECE_S * fs_hz))
        self._band = in_band(frequencies_hz(self._samples, fs_hz), fs_hz)
        self.reset()

    def reset(self) -> None:
        """Forgets everything: the next counts begin a new stream."""
        self._recent: deque[NDArray[np.int16]] = deque()
        self._votes = np.zeros((self._channels, self._channels), np.int64)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs of channels that are alike, the lower channel first."""
        return [(int(i), int(j)) for i, j in np.argwhere(np.triu(self._votes >= BELIEVED, 1))]

    def push(self, counts: NDArray[np.int16]) -> None:
        """Takes the next counts (n, channels)."""
        if not 1 < self._channels <= MOST_CHANNELS:
            return
        self._recent.append(counts)
        if sum(map(len, self._recent)) >= self._samples:
            self._compare(np.concatenate(self._recent)[: self._samples])
            self._recent.clear()

    def _compare(self, counts: NDArray[np.int16]) -> None:
        spectrum = np.fft.rfft(counts - counts.mean(axis=0), axis=0)[self._band].T
        products = (spectrum @ spectrum.conj().T).real
        power = np.diagonal(products)
        rms = np.sqrt(2 * power) / self._samples
        active = np.logical_and.outer(rms > ACTIVE_COUNTS, rms > ACTIVE_COUNTS)
        alike = np.abs(products) >= ALIKE * np.sqrt(np.outer(power, power))
        self._votes[active & alike] += 1
        self._votes[active & ~alike] = 0
        np.minimum(self._votes, BELIEVED, out=self._votes)
