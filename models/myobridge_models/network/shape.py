"""The shape of the decoder, as pure arithmetic: dilations, receptive fields, window, parameters.

The notes give kernels and motor-unit firing rates; every length in samples follows from the sampling rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.model.file import usual_hop_samples

HISTORY_STEPS: Final = 2
"""A(n) and A(n-1)."""


def check_input(fs_hz: float, channels: int) -> None:
    """Refuses an EMG input that no network can have.

    Raises:
        UserError: the sampling rate is not above 0, or there is no channel.
    """
    if not (math.isfinite(fs_hz) and fs_hz > 0):
        raise UserError(f"The sampling rate is {fs_hz} Hz; give a rate above 0.")
    if channels < 1:
        raise UserError(f"The number of EMG channels is {channels}; give at least 1.")


@dataclass(frozen=True)
class Detector:
    """One stage-1 filter: `layers` convolutions 1 → 1, kernel `kernel`, stride 1, no ReLU."""

    name: str
    ap_hz: float | None
    """Frequency of the action potentials that the filter detects; None: the fixed silence filter."""
    kernel: int
    stride: int
    """Step of the stage-2 network that reads this detector."""
    layers: int = 4
    growth: int = 1
    """Ratio of each layer's dilation to the dilation of the layer before it."""
    silence_hz: float = math.inf
    """Frequency at which the fixed silence filter listens; half the sampling rate where that is lower."""

    def dilation(self, fs_hz: float) -> int:
        """Returns d0 = fs / (f·k), at least 1 sample: each layer spans about one period of the action potential.

        The taps of the silence filter alternate, so two of them span one period.
        """
        period = 2 * self.silence_hz if self.ap_hz is None else self.ap_hz * self.kernel
        return max(1, round(fs_hz / period))

    def pinned_below_hz(self) -> float:
        """Returns the sampling rate below which the dilation would have to be less than one sample."""
        return 0.0 if self.ap_hz is None else self.ap_hz * self.kernel

    def receptive_field(self, fs_hz: float) -> int:
        """Returns the samples that one stage-1 output sees: R = 1 + Σ (k - 1)·d."""
        spans: int = sum(self.growth**layer for layer in range(self.layers))
        return 1 + spans * (self.kernel - 1) * self.dilation(fs_hz)


NOTES_DETECTORS: Final = (
    Detector("Type I", 30, kernel=15, stride=1),
    Detector("Type IIa", 100, kernel=10, stride=2),
    Detector("Type IIb", 225, kernel=7, stride=3),
    Detector("silence", None, kernel=7, stride=1),
)


@dataclass(frozen=True)
class Shape:
    """Every number that defines the CNN + MLP of the notes.

    Raises:
        UserError: the sampling rate is not above 0, or there is no channel.
    """

    fs_hz: float
    channels: int
    detectors: tuple[Detector, ...] = NOTES_DETECTORS
    pattern_kernel: int = 10
    pattern_dilations: tuple[int, ...] = (10, 20)
    pattern_features: int = 4
    outputs: int = 50
    """Stage-2 output samples per map, n."""
    averaged: int = 50
    """Neighbouring output samples whose mean the MLP reads, so that its first layer has one weight for all of them.

    1 is the notes' full form, with a weight for each."""
    correlation_hops: tuple[int, ...] = (40, 76)
    """Spans of the channel correlations in hops, about 200 and 380 ms; empty: the notes' network alone."""
    correlation_lags_ms: tuple[float, ...] = (0.5, 1, 1.5, 2, 3, 4, 6, 8)
    """Lags at which each channel is correlated with its own past."""
    hidden: tuple[int, ...] = (128, 64)
    history_steps: int = HISTORY_STEPS
    """Past outputs that the network reads; 0: none."""

    def __post_init__(self) -> None:
        check_input(self.fs_hz, self.channels)
        assert self.outputs % self.averaged == 0

    def stride(self, detector: Detector) -> int:
        """Returns the samples from one stage-2 output of a path to the next."""
        return detector.stride

    def dilations(self, detector: Detector) -> tuple[int, ...]:
        """Returns the dilation of each layer of stage 2 for a path, the first in samples, later ones in strides."""
        return self.pattern_dilations

    def averaged_outputs(self, detector: Detector) -> int:
        """Returns the stage-2 outputs of a path whose mean the MLP reads."""
        return self.averaged

    def feature_field(self, detector: Detector) -> int:
        """Returns the samples that one stage-2 output sees."""
        first, *later = [(self.pattern_kernel - 1) * d for d in self.dilations(detector)]
        return detector.receptive_field(self.fs_hz) + first + self.stride(detector) * sum(later)

    def path_window(self, detector: Detector) -> int:
        """Returns the samples that all stage-2 outputs of a path see together."""
        outputs = self.means * self.averaged_outputs(detector)
        return self.feature_field(detector) + (outputs - 1) * self.stride(detector)

    @property
    def window_samples(self) -> int:
        """Samples of the longest path; the other paths read the newest part of the window."""
        correlation = self.correlation_spans[-1] + self.correlation_lags[-1] if self.correlation_hops else 0
        return max(correlation, *(self.path_window(d) for d in self.detectors))

    @property
    def means(self) -> int:
        """Values of each map that the MLP reads."""
        return self.outputs // self.averaged

    @property
    def pattern_values(self) -> int:
        """i·j·k·n / averaged: channels × detectors × pattern features × means of the output samples."""
        return self.channels * len(self.detectors) * self.pattern_features * self.means

    @property
    def correlation_spans(self) -> tuple[int, ...]:
        """In samples, rising; whole hops, so that a streaming decoder can keep sums of hops."""
        return tuple(hops * usual_hop_samples(self.fs_hz) for hops in self.correlation_hops)

    @property
    def correlation_lags(self) -> tuple[int, ...]:
        """In samples, rising; at low sampling rates some lags coincide, and fewer are left."""
        return tuple(sorted({max(1, round(lag * self.fs_hz / 1000)) for lag in self.correlation_lags_ms}))

    @property
    def neighbours(self) -> list[tuple[int, int]]:
        """Correlated pairs of channels: each with the next two round the arm; up to five channels, all pairs."""
        n = self.channels
        return sorted({(min(a, b), max(a, b)) for a in range(n) for b in ((a + 1) % n, (a + 2) % n) if a != b})

    @property
    def alike(self) -> str:
        """Name of the values that tell how alike the channels are."""
        return "Channel correlation"

    @property
    def correlation_values(self) -> int:
        """Over each span, the correlation of each pair of neighbours and of each channel with its own past."""
        return len(self.correlation_hops) * (len(self.neighbours) + self.channels * len(self.correlation_lags))

    @property
    def feature_values(self) -> int:
        """Values that the MLP reads beside the last angles."""
        return self.pattern_values + self.correlation_values

    @property
    def history_values(self) -> int:
        """Servo angles of the last outputs."""
        return self.history_steps * len(SERVOS)

    @property
    def dense_sizes(self) -> tuple[int, ...]:
        """Width of each layer of the MLP, from its input to the servos."""
        return (self.feature_values + self.history_values, *self.hidden, len(SERVOS))

    def parameters(self) -> dict[str, int]:
        """Returns the number of trained parameters of each layer, in data order."""
        counts = {f"stage 1, {d.name}": d.layers * d.kernel for d in self.detectors if d.ap_hz is not None}
        maps_in = 1
        for number, dilation in enumerate(self.pattern_dilations, start=1):
            weights = self.pattern_kernel * maps_in * self.pattern_features
            counts[f"stage 2, layer {number}, dilation {dilation}"] = weights + self.pattern_features
            maps_in = self.pattern_features
        for n_in, n_out in pairwise(self.dense_sizes):
            counts[f"dense {n_in} → {n_out}"] = n_in * n_out + n_out
        return counts
