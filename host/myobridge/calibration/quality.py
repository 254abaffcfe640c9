"""After each repetition: is every channel telling about a muscle, and did any muscle work? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.contact import Contact, checks
from myobridge.settings import SafetySettings

FOLLOWED_S: Final = 0.7
"""After a cue, by when the slowest muscle has followed; before it, nothing is judged."""
BAD_SHARE: Final = 0.25
"""Share of a hold's stretches in which a channel may be bad."""
MIN_ARRIVED: Final = 0.9
MIN_TO_REST: Final = 1.3
"""A muscle that works is louder than at rest by so much, as RMS."""
MIN_RMS_COUNTS: Final = 0.5
"""Rest that is quieter than the ADC's rounding counts as this loud."""

Rms = NDArray[np.float64]

_SAYS: Final = {
    Contact.FLAT: "Channel {} is flat: press its electrode on and check its plug.",
    Contact.SATURATED: "Channel {} is saturated: press its electrode on, or lower the amplifier's gain.",
    Contact.MAINS: "Channel {} has mains hum only: press its electrode and the reference on, and unplug the charger.",
    Contact.REPEATING: "Channel {} repeats the same samples: reset the board; its electrode tells nothing now.",
    Contact.IDENTICAL: "Channel {} shows the same as another channel: look for gel or a wire between their electrodes.",
}


class Quality(NamedTuple):
    """What a stretch of samples says of the channels.

    contact: the verdict on each channel.
    rms_counts: float64 (channels,), without drift.
    """

    contact: tuple[Contact, ...]
    rms_counts: Rms


def measure_quality(
    counts: NDArray[np.int16], fs_hz: float, adc_bits: int, limits: SafetySettings | None = None
) -> Quality | None:
    """Quality of counts int16 (samples, channels), in stretches of CHECK_S; None if there is not one."""
    held = list(checks(counts, fs_hz, adc_bits, limits or SafetySettings()))
    if not held:
        return None
    verdicts = np.array([check.verdicts for check in held])
    bad = np.mean(verdicts != Contact.GOOD, axis=0) > BAD_SHARE
    contact = tuple(Contact(int(v)) for v in np.where(bad, verdicts.max(axis=0), Contact.GOOD))
    return Quality(contact, np.median([check.measures.rms_counts for check in held], axis=0))


def settled(counts: NDArray[np.int16], fs_hz: float) -> NDArray[np.int16]:
    """A hold's samples from when its muscles have followed the cue."""
    return counts[round(FOLLOWED_S * fs_hz) :]


@dataclass
class QualityCheck:
    """Judges hold after hold against the rest before it, and the session at its end."""

    fs_hz: float
    adc_bits: int

    def __post_init__(self) -> None:
        self._rest: Rms | None = None
        self._loudest: Rms | None = None
        """Of each channel, the most above rest in any pose so far."""

    def rested(self, counts: NDArray[np.int16]) -> None:
        """Takes the samples int16 (n, channels) of a rest; the quietest one is what poses are compared with."""
        quality = measure_quality(settled(counts, self.fs_hz), self.fs_hz, self.adc_bits)
        if quality is not None:
            rms = np.maximum(quality.rms_counts, MIN_RMS_COUNTS)
            self._rest = rms if self._rest is None else np.minimum(self._rest, rms)

    def held(self, counts: NDArray[np.int16], pose: str, seconds: float) -> list[str]:
        """Sentences about the samples int16 (n, channels) of a pose that was held so long; empty if all is well."""
        arrived = len(counts) / (seconds * self.fs_hz)
        quality = measure_quality(settled(counts, self.fs_hz), self.fs_hz, self.adc_bits)
        if quality is None or arrived < MIN_ARRIVED:
            return [f"Only {100 * arrived:.0f} % of {pose} arrived: check the cable, and do it again."]
        bad = [_SAYS[verdict].format(n) for n, verdict in enumerate(quality.contact, 1) if verdict]
        if bad or self._rest is None:
            return bad
        louder = quality.rms_counts / self._rest
        self._loudest = louder if self._loudest is None else np.maximum(self._loudest, louder)
        if louder.max() < MIN_TO_REST:
            return [f"{pose} looks like rest on every channel: hold it with more force, and do it again."]
        return []

    def ended(self) -> list[str]:
        """Sentences about channels that no pose made louder than rest."""
        if self._loudest is None:
            return []
        return [
            f"Channel {n} saw no muscle in any pose: move its electrode over the muscle and record again."
            for n, louder in enumerate(self._loudest, 1)
            if louder < MIN_TO_REST
        ]
