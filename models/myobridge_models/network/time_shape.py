"""The shape whose every length is a time: the counts of the notes at 2 kHz, as seconds, at any sampling rate.

The notes count dilations, strides and outputs of stage 2 in samples. At another rate, the same counts span another
time: 0.8 s at 1 kHz and 4.2 s at 200 Hz. Here the window is 0.35 to 0.45 s from 200 Hz to 4 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from myobridge.model.file import HOP_S, usual_hop_samples
from myobridge_models.network.shape import Detector, Shape

NOTES_FS_HZ: Final = 2000.0
"""The sampling rate at which the counts of the notes are the times that they mean."""
SILENCE_HZ: Final = 250.0
"""The silence filter listens where EMG is weak, and not at half the sampling rate, where there is only noise."""


def fitted(detector: Detector, fs_hz: float) -> Detector:
    """Returns the detector with fewer taps where a dilation of one sample is too long for its kernel.

    Each layer spans about one period of the action potential at any rate, with at least two taps.
    """
    if detector.ap_hz is None:
        return replace(detector, silence_hz=SILENCE_HZ)
    return replace(detector, kernel=min(detector.kernel, max(2, int(fs_hz / detector.ap_hz))))


@dataclass(frozen=True)
class TimeShape(Shape):
    """A shape that keeps the notes' times; at 2 kHz the same as `Shape`, but for the silence filter."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "detectors", tuple(fitted(d, self.fs_hz) for d in self.detectors))

    def stride(self, detector: Detector) -> int:
        """Returns the samples from one output of a path to the next; whole, and at least 1."""
        return max(1, int(self._samples(detector.stride)))

    def dilations(self, detector: Detector) -> tuple[int, ...]:
        """Returns the dilations of stage 2; the later ones make up for a rounded stride."""
        first, *later = self.pattern_dilations
        strides = self._samples(detector.stride) / self.stride(detector)
        return max(1, round(self._samples(first))), *(max(1, round(d * strides)) for d in later)

    def averaged_outputs(self, detector: Detector) -> int:
        """Returns the outputs whose mean the MLP reads; they span whole hops, which streaming keeps as sums."""
        hop = usual_hop_samples(self.fs_hz)
        hops = max(1, round(self._samples(self.averaged * detector.stride) / hop))
        return max(1, hops * hop // self.stride(detector))

    @property
    def correlation_spans(self) -> tuple[int, ...]:
        """In samples, rising; whole hops, as near to the time as they come."""
        hop = usual_hop_samples(self.fs_hz)
        return tuple(hop * round(HOP_S * hops * self.fs_hz / hop) for hops in self.correlation_hops)

    @property
    def alike(self) -> str:
        """Name of the values that tell how alike the channels are."""
        return "Channel power"

    @property
    def correlation_values(self) -> int:
        """The power of each channel, and of each sum and each difference, over each span."""
        pairs = len(self.neighbours) + self.channels * len(self.correlation_lags)
        return len(self.correlation_hops) * (self.channels + 2 * pairs)

    def _samples(self, notes_samples: float) -> float:
        """Returns the samples that span the time of so many samples at the notes' rate."""
        return notes_samples * self.fs_hz / NOTES_FS_HZ
