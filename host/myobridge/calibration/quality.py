"""Judges each hold of a guided recording: is every channel's contact good, and did a muscle work? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.contact import MIN_TO_REST, Contact, checks
from myobridge.settings import SafetySettings

FOLLOWED_S: Final = 0.7
"""Time after a cue by which the slowest muscle has followed; earlier samples are not judged."""
BAD_SHARE: Final = 0.25
"""Largest share of a hold's stretches in which a channel may be bad."""
MIN_ARRIVED: Final = 0.9
STRONGEST: Final = 0.9
"""Quantile of the stretches of a movement that stands for its strongest part."""
MIN_RMS_COUNTS: Final = 0.5
"""Lowest RMS of rest, because the ADC's rounding hides anything quieter."""

Rms = NDArray[np.float64]

_SAYS: Final = {
    Contact.FLAT: "Channel {} is flat: press its electrode on and check its plug.",
    Contact.SATURATED: "Channel {} is saturated: press its electrode on, or lower the amplifier's gain.",
    Contact.MAINS: "Channel {} has mains hum only: press its electrode and the reference on, and unplug the charger.",
    Contact.REPEATING: "Channel {} repeats the same samples: reset the board, because no EMG arrives.",
    Contact.IDENTICAL: "Channel {} has another channel's signal: look for gel or a wire between their electrodes.",
}


class Quality(NamedTuple):
    """Quality of the channels in a stretch of samples.

    contact: the verdict on each channel.
    rms_counts: float64 (channels,), without drift.
    """

    contact: tuple[Contact, ...]
    rms_counts: Rms


def measure_quality(
    counts: NDArray[np.int16],
    fs_hz: float,
    adc_bits: int,
    limits: SafetySettings | None = None,
    quantile: float = 0.5,
) -> Quality | None:
    """Quality of counts int16 (samples, channels), judged in stretches of CHECK_S; None: not even one stretch.

    The RMS is this quantile of those of the stretches.
    """
    held = list(checks(counts, fs_hz, adc_bits, limits or SafetySettings()))
    if not held:
        return None
    verdicts = np.array([check.verdicts for check in held])
    bad = np.mean(verdicts != Contact.GOOD, axis=0) > BAD_SHARE
    contact = tuple(Contact(int(v)) for v in np.where(bad, verdicts.max(axis=0), Contact.GOOD))
    return Quality(contact, np.quantile([check.measures.rms_counts for check in held], quantile, axis=0))


def settled(counts: NDArray[np.int16], fs_hz: float) -> NDArray[np.int16]:
    """The samples of a hold after the muscles have followed the cue."""
    return counts[round(FOLLOWED_S * fs_hz) :]


@dataclass
class QualityCheck:
    """Judges each hold against rest, and the whole session at its end."""

    fs_hz: float
    adc_bits: int

    def __post_init__(self) -> None:
        self._rest: Rms | None = None
        self._loudest: Rms | None = None
        """For each channel, the largest ratio to rest in any pose so far."""

    def rested(self, counts: NDArray[np.int16]) -> None:
        """Takes the samples int16 (n, channels) of a rest; poses are compared with the quietest rest."""
        quality = measure_quality(settled(counts, self.fs_hz), self.fs_hz, self.adc_bits)
        if quality is not None:
            rms = np.maximum(quality.rms_counts, MIN_RMS_COUNTS)
            self._rest = rms if self._rest is None else np.minimum(self._rest, rms)

    def held(self, counts: NDArray[np.int16], pose: str, seconds: float, *, moving: bool = False) -> list[str]:
        """Sentences about the samples int16 (n, channels) of a pose that was held for `seconds`; empty: all is well.

        moving: the wearer followed a movement, so only its strongest part is compared with rest.
        """
        arrived = len(counts) / (seconds * self.fs_hz)
        share = STRONGEST if moving else 0.5
        quality = measure_quality(settled(counts, self.fs_hz), self.fs_hz, self.adc_bits, quantile=share)
        if quality is None or arrived < MIN_ARRIVED:
            return [f"Only {100 * arrived:.0f} % of {pose} arrived: check the cable, and press r to repeat the pose."]
        bad = _sentences(quality)
        if bad or self._rest is None:
            return bad
        louder = quality.rms_counts / self._rest
        self._loudest = louder if self._loudest is None else np.maximum(self._loudest, louder)
        if louder.max() < MIN_TO_REST:
            how = "follow the shown hand" if moving else "hold the pose"
            return [f"{pose} looks like rest on every channel: press r, and {how} with more force."]
        return []

    def ended(self) -> list[str]:
        """Sentences about channels that were not louder than rest in any pose."""
        if self._loudest is None:
            return []
        return [
            f"Channel {n} saw no muscle in any pose: move its electrode over a muscle, and make another recording."
            for n, louder in enumerate(self._loudest, 1)
            if louder < MIN_TO_REST
        ]


def bad_contact(counts: NDArray[np.int16], fs_hz: float, adc_bits: int) -> list[str]:
    """Sentences about the channels of counts int16 (n, channels), the samples of one pose, that hold no EMG."""
    quality = measure_quality(counts, fs_hz, adc_bits)
    return [] if quality is None else _sentences(quality)


def _sentences(quality: Quality) -> list[str]:
    return [_SAYS[verdict].format(n) for n, verdict in enumerate(quality.contact, 1) if verdict]
