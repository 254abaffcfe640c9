"""Power spectra of counts, for the view, the doctor and the pictures of a recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def power_density(counts: NDArray[np.integer | np.floating], fs_hz: float) -> NDArray[np.float64]:
    """Power density in counts²/Hz (..., bins, channels) of counts (..., samples, channels).

    One-sided, without the mean, under a Hann window. The mean over several segments is Welch's estimate (1967).
    """
    samples = counts.shape[-2]
    window = np.hanning(samples + 2)[1:-1, None]
    centred = counts - counts.mean(axis=-2, keepdims=True)
    power = np.abs(np.fft.rfft(centred * window, axis=-2)) ** 2
    return np.asarray(2 * power / (fs_hz * np.sum(window**2)))


def frequencies_hz(samples: int, fs_hz: float) -> NDArray[np.float64]:
    """Frequencies (bins,) in Hz of the spectrum of this many samples."""
    return np.fft.rfftfreq(samples, 1 / fs_hz).astype(np.float64)
