"""The contact check: finds channels whose signal does not come from a muscle.

The check measures the newest 200 ms of raw counts four times in 200 ms. 200 ms are a whole number of periods of 50 Hz,
of 60 Hz and of their multiples, so a ring buffer can hold the counts: its rotation only shifts the phase of the hum.
Each time the ring is full, the check compares it with its previous contents (copies.py).

Counts that stand in for lost ones break hum and repetition, so they can hide a fault. A stretch with such counts finds
bad channels, and acquits none.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.copies import Copies
from myobridge.settings import SafetySettings

MIN_TO_REST: Final = 1.3
"""Smallest ratio of a working muscle's RMS to its RMS at rest."""
CHECK_S: Final = 0.2
CHECKS: Final = 4
"""Verdicts in CHECK_S."""
HIGHEST_HUM_HZ: Final = 450
"""Multiples of the mains frequency up to the top of the EMG band count as hum."""
HUM_MIN_RMS_COUNTS: Final = 2.0
"""Below this level a channel counts as quiet, not as hum."""


class Contact(IntEnum):
    """Verdict on one channel."""

    GOOD = 0
    FLAT = 1
    SATURATED = 2
    MAINS = 3
    REPEATING = 4
    """The same samples repeat, as from a buffer that is not filled any more."""
    IDENTICAL = 5
    """Another channel has the same signal."""


class ContactCheck:
    """Keeps the newest 200 ms of counts and the 200 ms before them, and judges each channel."""

    def __init__(self, channels: int, fs_hz: float, hop_samples: int, adc_bits: int, limits: SafetySettings) -> None:
        self._ring_hops = max(1, round(CHECK_S * fs_hz / hop_samples))
        self._hop = hop_samples
        self._check_hops = max(1, self._ring_hops // CHECKS)
        samples = self._ring_hops * hop_samples
        self._raw = np.zeros((samples, channels), np.int16)
        self._pair = np.zeros((2 * samples, channels), np.int16)
        """The contents of the ring at the last two times when it was full, in the order of time."""
        self._adc_bits = adc_bits
        self._limits = limits
        self._hum = hum_basis(samples, fs_hz)
        self._long_hum = hum_basis(2 * samples, fs_hz)
        self.reset()

    def reset(self) -> None:
        """Forgets the counts; all channels are good until 200 ms have arrived."""
        self._hops = 0
        self._whole_hops = 0
        self._pair_is_whole = False
        self._copies = Copies(self._raw.shape[1], self._long_hum)
        self.verdicts: tuple[Contact, ...] = (Contact.GOOD,) * self._raw.shape[1]

    def jump(self) -> None:
        """Notes that the next counts do not follow the newest counts. The verdicts stay until the next check."""
        self._hops = 0

    def follow(self, other: ContactCheck) -> None:
        """Continues with the verdicts of another check of the same channels."""
        self.verdicts = other.verdicts
        self._copies.follow(other._copies)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs of channels that show the same signal."""
        return self._copies.pairs

    def push(self, counts: NDArray[np.int16], filled: int = 0) -> None:
        """Takes one hop of int16 (hop, channels); `filled` of its samples were never received."""
        self._whole_hops = 0 if filled else self._whole_hops + 1
        at = self._hops % self._ring_hops * self._hop
        self._raw[at : at + self._hop] = counts
        self._hops += 1
        if self._hops >= self._ring_hops:
            self._compare(self._hops % self._ring_hops)
            if self._hops % self._check_hops == 0:
                newest = judge(measure(self._raw, self._adc_bits, self._hum), self._limits, self._copies)
                if self._whole_hops < self._ring_hops:
                    newest = tuple([new or old for new, old in zip(newest, self.verdicts, strict=True)])
                self.verdicts = newest

    def _compare(self, place: int) -> None:
        """Runs each test in a hop of its own, and the longer test only in every second ring, to keep each hop short."""
        if place == 0:
            half = len(self._raw)
            self._pair[:half] = self._pair[half:]
            self._pair[half:] = self._raw
            self._pair_is_whole = self._whole_hops >= 2 * self._ring_hops
        if self._hops < 2 * self._ring_hops:
            return
        if place == min(1, self._ring_hops - 1) and self._hops // self._ring_hops % 2 == 0:
            self._copies.find_repeating(self._pair, acquits=self._pair_is_whole)
        if place == min(2, self._ring_hops - 1):
            self._copies.find_identical(self._pair)


class Measures(NamedTuple):
    """Measures of a stretch of counts, one value for each channel; float64 (channels,).

    range_counts: peak to peak.
    rms_counts: RMS without the mean.
    saturated_share: share of the samples at the ADC's ends.
    mains_share: share of the power at 50 Hz and its multiples, or at 60 Hz and its multiples, whichever is larger.
    """

    range_counts: NDArray[np.float64]
    rms_counts: NDArray[np.float64]
    saturated_share: NDArray[np.float64]
    mains_share: NDArray[np.float64]


def measure(counts: NDArray[np.int16], adc_bits: int, hum: list[NDArray[np.float64]]) -> Measures:
    """Measures counts int16 (samples, channels); `hum` is the `hum_basis` for this number of samples."""
    raw = counts.T.astype(np.float64, order="C")  # (channels, samples): sums along rows take a third of the time
    top = (1 << (adc_bits - 1)) - 1
    centred = raw - raw.mean(axis=1, keepdims=True)
    power = np.maximum(_power(centred), 1e-9)
    return Measures(
        range_counts=raw.max(axis=1) - raw.min(axis=1),
        rms_counts=np.sqrt(power / len(counts)),
        saturated_share=np.count_nonzero(np.abs(raw + 0.5) > top, axis=1) / len(counts),  # from -top - 1 to top
        mains_share=np.max([_power(centred @ basis.T) for basis in hum], axis=0) / power,
    )


def _power(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of squares of each row."""
    power: NDArray[np.float64] = np.einsum("ij,ij->i", x, x)
    return power


_ORDER: Final = (
    Contact.SATURATED,
    Contact.FLAT,
    Contact.REPEATING,
    Contact.MAINS,
    Contact.IDENTICAL,
)
"""A channel stuck at an end of the ADC is flat too, and a channel that repeats may look like hum."""


def judge(measures: Measures, limits: SafetySettings, copies: Copies) -> tuple[Contact, ...]:
    """The verdict on each channel: the first in _ORDER that applies."""
    holds = zip(
        (measures.saturated_share > limits.max_saturated_share).tolist(),
        (measures.range_counts < limits.min_range_counts).tolist(),
        copies.repeating.tolist(),
        ((measures.rms_counts > HUM_MIN_RMS_COUNTS) & (measures.mains_share > limits.max_mains_share)).tolist(),
        copies.identical.tolist(),
        strict=True,
    )
    return tuple([_ORDER[each.index(True)] if True in each else Contact.GOOD for each in holds])


class Check(NamedTuple):
    """The measures of 200 ms and the verdict on each channel."""

    measures: Measures
    verdicts: tuple[Contact, ...]


class CheckedStretches:
    """Measures and judges one stretch of `samples` after another, about 200 ms each, with the rules of the daemon."""

    def __init__(self, channels: int, fs_hz: float, adc_bits: int, limits: SafetySettings) -> None:
        self.samples = max(2, round(CHECK_S * fs_hz))
        self._channels, self._adc_bits, self._limits = channels, adc_bits, limits
        self._hum, self._hum_of_two = hum_basis(self.samples, fs_hz), hum_basis(2 * self.samples, fs_hz)
        self.begin()

    def begin(self) -> None:
        """Starts a new sequence: the next stretch does not follow the previous one."""
        self._copies = Copies(self._channels, self._hum_of_two)
        self._before: NDArray[np.int16] | None = None

    def check(self, counts: NDArray[np.int16]) -> Check:
        """Checks the next stretch, int16 (samples, channels)."""
        if self._before is not None:
            two = np.concatenate([self._before, counts])
            self._copies.find_repeating(two)
            self._copies.find_identical(two)
        self._before = counts
        measures = measure(counts, self._adc_bits, self._hum)
        return Check(measures, judge(measures, self._limits, self._copies))


def checks(counts: NDArray[np.int16], fs_hz: float, adc_bits: int, limits: SafetySettings) -> Iterator[Check]:
    """Checks each whole 200 ms of counts int16 (samples, channels) with the rules of the daemon."""
    stretches = CheckedStretches(counts.shape[1], fs_hz, adc_bits, limits)
    for end in range(stretches.samples, len(counts) + 1, stretches.samples):
        yield stretches.check(counts[end - stretches.samples : end])


def hum_basis(samples: int, fs_hz: float) -> list[NDArray[np.float64]]:
    """Orthonormal sines and cosines of the multiples of 50 Hz, and of those of 60 Hz: each (2 * multiples, samples)."""
    t = np.arange(samples) / fs_hz
    bases = []
    for mains_hz in (50, 60):
        multiples = np.arange(mains_hz, min(HIGHEST_HUM_HZ, fs_hz / 2 - 1) + 1, mains_hz)
        phase = 2 * np.pi * np.outer(multiples, t)
        bases.append(np.vstack([np.sin(phase), np.cos(phase)]) * np.sqrt(2 / samples))
    return bases
