"""A muscle's motor units: their recruitment, firing rates and action potentials.

The pool is the one of Fuglevand, Winter and Patla, "Models of recruitment and rate coding organization in motor-unit
pools", J. Neurophysiol. 70 (1993): small units first (Henneman's size principle), thresholds and sizes spread
exponentially, rates that rise linearly with the drive, irregular intervals. Excitation runs from 0 to 1, where the
last unit reaches its peak rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

THRESHOLD_RANGE: Final = 30.0
"""Ratio of the last unit's threshold to the first unit's."""
SIZE_RANGE: Final = 100.0
"""Ratio of the last unit's action potential to the first unit's; in the paper this is the range of twitch forces."""
MIN_RATE_HZ: Final = 8.0
FIRST_PEAK_RATE_HZ: Final = 35.0
LAST_PEAK_RATE_HZ: Final = 25.0
INTERVAL_VARIATION: Final = 0.15
"""Standard deviation of the interval between firings, divided by its mean; 0.1-0.2 in voluntary contractions."""
TYPE_FREQUENCY_HZ: Final = (30.0, 100.0, 225.0)
"""Frequencies at which action potentials of type I, IIa and IIb units have most power."""

# Full excitation in the paper's units: a rate rises by 1 Hz per unit above the threshold.
_FULL_EXCITATION: Final = THRESHOLD_RANGE + LAST_PEAK_RATE_HZ - MIN_RATE_HZ


@dataclass(frozen=True)
class Pool:
    """The units of one muscle in the order of recruitment; arrays (units,)."""

    threshold: FloatArray
    """Excitation 0..1 at which the unit starts to fire."""
    size: FloatArray
    """Amplitude of the action potential, 1 for the last unit."""
    peak_rate_hz: FloatArray
    fibre_type: NDArray[np.intp]
    """Index into TYPE_FREQUENCY_HZ."""

    def rate_hz(self, excitation: FloatArray) -> FloatArray:
        """Firing rates (..., units) at excitation (..., 1)."""
        above = excitation - self.threshold
        rate = np.minimum(MIN_RATE_HZ + _FULL_EXCITATION * above, self.peak_rate_hz)
        return np.where(above >= 0, rate, 0.0)


def motor_unit_pool(units: int, type_shares: tuple[float, float, float]) -> Pool:
    """A muscle of this many units. type_shares: of type I, IIa and IIb, in the order of recruitment."""
    rank = np.arange(1, units + 1) / units
    threshold = THRESHOLD_RANGE**rank
    slowest_share, middle_share, _ = np.array(type_shares) / sum(type_shares)
    return Pool(
        threshold=threshold / _FULL_EXCITATION,
        size=SIZE_RANGE ** (rank - 1),
        peak_rate_hz=FIRST_PEAK_RATE_HZ - (FIRST_PEAK_RATE_HZ - LAST_PEAK_RATE_HZ) * threshold / THRESHOLD_RANGE,
        fibre_type=np.searchsorted([slowest_share, slowest_share + middle_share], rank - 0.5 / units),
    )


class SpikeTrains:
    """Firings of any number of units: a renewal process whose clock runs at each unit's rate.

    Intervals are Gaussian around 1 / rate (Clamann, Biophys. J. 9, 1969), and never shorter than a fifth of it.
    """

    def __init__(self, units: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self._until_next = rng.random(units)

    def advance(self, rate_hz: FloatArray, step_s: float) -> tuple[NDArray[np.intp], FloatArray]:
        """Goes through the steps of rate_hz (steps, units); the unit and the time in s of each firing."""
        steps = len(rate_hz)
        clock = np.vstack([np.zeros(rate_hz.shape[1]), np.cumsum(rate_hz * step_s, axis=0)])
        fired, times = [], []
        while (unit := np.flatnonzero(self._until_next < clock[-1])).size:
            due, ticks = self._until_next[unit], clock[:, unit]
            step = np.minimum((ticks <= due).sum(axis=0) - 1, steps - 1)
            start, stop = ticks[step, np.arange(unit.size)], ticks[step + 1, np.arange(unit.size)]
            fired.append(unit)
            times.append((step + (due - start) / (stop - start)) * step_s)
            interval = 1 + INTERVAL_VARIATION * self._rng.standard_normal(unit.size)
            self._until_next[unit] += np.maximum(interval, 0.2)
        self._until_next -= clock[-1]
        if not fired:
            return np.empty(0, dtype=np.intp), np.empty(0)
        return np.concatenate(fired), np.concatenate(times)


def action_potential_spectrum(peak_hz: float, phases: Literal[2, 3], freq_hz: FloatArray) -> NDArray[np.complex128]:
    """Spectrum, shaped like freq_hz, of an action potential with peak amplitude 1 at time 0 and most power at peak_hz.

    Its waveform is the first (2 phases) or second (3) derivative of a Gaussian, as in the Hermite expansions that
    describe measured action potentials (Lo Conte, Merletti and Sandri, IEEE Trans. Biomed. Eng. 41, 1994).
    """
    order = phases - 1
    ratio = freq_hz / peak_hz
    spectrum = (1j * ratio) ** order * np.exp(-order * ratio**2 / 2)
    peak = peak_hz * np.sqrt(2 * np.pi / order) * (np.exp(-0.5) if order == 1 else 0.5)
    return np.asarray(spectrum / peak, dtype=np.complex128)
