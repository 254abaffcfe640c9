"""What the classical decoders read of a window; every function maps a take and window ends to (windows, values).

- `hudgins`: per channel, logarithms of RMS, mean absolute value and waveform length, and zero crossings (Hudgins,
  Parker and Scott, IEEE Trans. Biomed. Eng. 40, 1993).
- `with_correlation`: the same, and the channel correlations of our network.
- `with_power`: the same, and the logarithms of the channel powers that our default network reads.
- `band_power`: logarithms of the power in five bands, of each channel and of the sums and differences of neighbours.
  Sum and difference say the same as a correlation, but a gain is a shift in them, which a centre takes away.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from myobridge_models.data.takes import HIGH_PASS_HZ, Take
from myobridge_models.network.channel_power import ChannelPower
from myobridge_models.network.correlation import ChannelCorrelation
from myobridge_models.network.log_cnn_mlp import POWER_FLOOR
from myobridge_models.network.shape import Shape
from myobridge_models.network.time_shape import TimeShape

WINDOW_S: Final = 0.4
TWO_WINDOWS_S: Final = (0.2, 0.4)
THREE_WINDOWS_S: Final = (0.2, 0.4, 0.8)
BANDS: Final = 5
"""Of equal ratio. Three, four and five did alike on days 6 to 42 of MultiDay."""
TOP_HZ: Final = 450.0
TOP_SHARE: Final = 0.45
"""The highest band ends at this share of the sampling rate, if that is below TOP_HZ."""
FLOOR: Final = 0.01
"""Added to every power; the EMG has unit power. Weak bands hold noise, whose logarithm would swing widely."""
_SILENT: Final = 1e-9
"""Keeps the logarithm of a dead channel finite."""

Floats = NDArray[np.float32]
Ends = NDArray[np.int64]


def hudgins(take: Take, ends: Ends, fs_hz: float, windows_s: tuple[float, ...] = (WINDOW_S,)) -> Floats:
    """Computes four features per channel and window length: (windows, 4 · lengths · channels)."""
    before = np.concatenate([take.emg[:, :1], take.emg[:, :-1]], axis=1)
    per_sample = (
        np.square(take.emg, dtype=np.float64),
        np.abs(take.emg),
        np.abs(take.emg - before),
        np.signbit(take.emg) != np.signbit(before),
    )
    columns = []
    for window_s in windows_s:
        power, mav, change, crossings = (_means(values, ends, round(window_s * fs_hz)) for values in per_sample)
        columns += [*np.log(np.stack([np.sqrt(power.clip(0)), mav, change]) + _SILENT), crossings]
    return np.concatenate(columns).T.astype(np.float32)


def with_correlation(take: Take, ends: Ends, fs_hz: float) -> Floats:
    """Computes the features of two windows, and the channel correlations."""
    correlation = ChannelCorrelation(Shape(fs_hz, len(take.emg)))
    values = correlation.at(torch.from_numpy(take.emg)[None], torch.from_numpy(ends))[0].numpy()
    return np.concatenate([hudgins(take, ends, fs_hz, TWO_WINDOWS_S), values], axis=1)


def with_power(take: Take, ends: Ends, fs_hz: float) -> Floats:
    """Computes the features of two windows, and the logarithms of the channel powers."""
    power = ChannelPower(TimeShape(fs_hz, len(take.emg)))
    values = power.at(torch.from_numpy(take.emg)[None], torch.from_numpy(ends))[0].numpy()
    return np.concatenate([hudgins(take, ends, fs_hz, TWO_WINDOWS_S), np.log(values + POWER_FLOOR)], axis=1)


def band_power(take: Take, ends: Ends, fs_hz: float) -> Floats:
    """Computes log powers: (windows, 5 · (channels + 2 · pairs of neighbours))."""
    pairs = np.array(Shape(fs_hz, len(take.emg)).neighbours, np.int64).reshape(-1, 2)
    edges = np.geomspace(HIGH_PASS_HZ, min(TOP_HZ, TOP_SHARE * fs_hz), BANDS + 1)
    columns = []
    for low_high in pairwise(edges):
        band = sosfilt(butter(2, low_high, "bandpass", fs=fs_hz, output="sos"), take.emg, axis=1)
        one, other = band[pairs[:, 0]], band[pairs[:, 1]]
        power = _means(np.square(np.concatenate([band, one + other, one - other])), ends, round(WINDOW_S * fs_hz))
        columns.append(np.log(power.clip(0) + FLOOR))
    return np.concatenate(columns).T.astype(np.float32)


def _means(values: NDArray[np.generic], ends: Ends, length: int) -> NDArray[np.float64]:
    """Returns the means (rows, windows) of values (rows, samples); a window before the first sample is shorter."""
    sums = np.pad(np.cumsum(values, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    starts = np.maximum(0, ends + 1 - length)
    means: NDArray[np.float64] = (sums[:, ends + 1] - sums[:, starts]) / (ends + 1 - starts)
    return means
