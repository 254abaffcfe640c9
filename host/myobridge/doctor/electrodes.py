"""Computes the facts of each electrode from counts at rest and in a clench."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.contact import HIGHEST_HUM_HZ, Check, Contact, Measures, checks
from myobridge.doctor.facts import ChannelFacts
from myobridge.settings import SafetySettings
from myobridge.spectrum import frequencies_hz, power_density

BAND_HZ: Final = (20.0, float(HIGHEST_HUM_HZ))
"""The band of surface EMG; electrode movement lies below."""
MAINS_WIDTH_HZ: Final = 1.0
BAD_PIECES: Final = 0.1
"""A contact counts as bad if it is bad in this share of the 200 ms pieces: a loose contact comes and goes."""


def channel_facts(
    rest: NDArray[np.int16],
    clench: NDArray[np.int16] | None,
    names: Sequence[str],
    fs_hz: float,
    adc_bits: int,
    limits: SafetySettings,
) -> tuple[ChannelFacts, ...]:
    """Facts of each channel; empty if `rest` is shorter than a contact check.

    Args:
        rest: counts int16 (samples, channels) of a relaxed arm.
        clench: counts of a fist, or None.
        names: of the channels.
        fs_hz: sampling rate.
        adc_bits: of the board.
        limits: the daemon's limits for contact.
    """
    rested = list(checks(rest, fs_hz, adc_bits, limits))
    if not rested:
        return ()
    noise = band_rms(rest, fs_hz)
    fist = [] if clench is None else list(checks(clench, fs_hz, adc_bits, limits))
    clenched = None if not fist or clench is None else band_rms(clench, fs_hz)
    return tuple(
        ChannelFacts(
            name=name,
            **_contact(rested, fist, i),
            noise_counts=round(float(noise[i]), 2),
            noise_share=round(float(noise[i]) / (1 << (adc_bits - 1)), 4),
            clench_counts=None if clenched is None else round(float(clenched[i]), 2),
            clench_clipped_share=max((float(check.measures.saturated_share[i]) for check in fist), default=0.0),
        )
        for i, name in enumerate(names)
    )


def _contact(rested: Sequence[Check], fist: Sequence[Check], channel: int) -> dict[str, Any]:
    """The verdict on a channel, its share of the time, and the measures while it held, as fields of ChannelFacts.

    The fist counts, too, for copies of another channel, because quiet channels look alike.
    """
    verdict = _most_frequent([check.verdicts[channel] for check in rested])
    held = [check for check in rested if check.verdicts[channel] is verdict] or rested
    share = len(held) / len(rested)
    if verdict is Contact.GOOD and fist:
        copies = [check.verdicts[channel] in (Contact.REPEATING, Contact.IDENTICAL) for check in fist]
        if (copied := np.mean(copies)) > BAD_PIECES:
            verdict, share = _most_frequent([check.verdicts[channel] for check in fist]), float(copied)
    typical = Measures(*(np.median(values, axis=0) for values in zip(*(c.measures for c in held), strict=True)))
    mains_share = float(typical.mains_share[channel])
    return {
        "contact": verdict.name.lower(),
        "contact_share": round(share, 3),
        "range_counts": float(typical.range_counts[channel]),
        "mains_share": round(mains_share, 3),
        "mains_counts": round(float(np.sqrt(mains_share) * typical.rms_counts[channel]), 2),
    }


def band_rms(counts: NDArray[np.int16], fs_hz: float) -> NDArray[np.float64]:
    """Root mean square in the EMG band without 50 and 60 Hz and multiples, of counts (samples, channels)."""
    kept = in_band(frequencies_hz(len(counts), fs_hz), fs_hz)
    power = np.sum(power_density(counts, fs_hz)[kept], axis=0) * fs_hz / len(counts)
    return np.asarray(np.sqrt(power), dtype=np.float64)


def in_band(freq_hz: NDArray[np.float64], fs_hz: float) -> NDArray[np.bool_]:
    """Which frequencies lie in the EMG band, and not at multiples of 50 or 60 Hz."""
    kept = (freq_hz >= BAND_HZ[0]) & (freq_hz <= min(BAND_HZ[1], 0.45 * fs_hz))
    for mains_hz in (50, 60):
        kept &= np.abs((freq_hz + mains_hz / 2) % mains_hz - mains_hz / 2) > MAINS_WIDTH_HZ
    return np.asarray(kept, dtype=np.bool_)


def _most_frequent(verdicts: Sequence[Contact]) -> Contact:
    """The most frequent bad verdict if it is in BAD_PIECES of the pieces, else GOOD."""
    bad = [(verdicts.count(kind), kind) for kind in Contact if kind is not Contact.GOOD]
    count, kind = max(bad)
    return kind if count > BAD_PIECES * len(verdicts) else Contact.GOOD
