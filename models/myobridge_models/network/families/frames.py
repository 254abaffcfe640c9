"""Short-window features inside the graph: the EMG of each channel as frames of log energy.

A frame has three energies per channel: of the signal, of its slope and of its curvature. They are the spectral moments
of order 0, 2 and 4, which describe amplitude and frequency content in the time domain (Hjorth, Electroenceph. Clin.
Neurophysiol. 29, 1970; on EMG: Khushaba et al., Neural Networks 55, 2014). A frame is a mean of squares, so a streaming
decoder reads each sample once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from myobridge import SERVOS
from myobridge_models.network.shape import HISTORY_STEPS, check_input

MOMENTS: Final = 3
"""Energies per channel and frame; the k-th is the energy of the k-th difference of the signal."""
FLOOR: Final = 1e-4
"""Share of a channel's mean energy that is added before the logarithm, so that silence stays finite."""


@dataclass(frozen=True)
class FrameShape:
    """`frames` frames of `length_ms`, one every `step_ms`; the last frame ends at the newest sample.

    Raises:
        UserError: the sampling rate is not above 0, or there is no channel.
    """

    fs_hz: float
    channels: int
    frames: int
    length_ms: float
    step_ms: float

    def __post_init__(self) -> None:
        check_input(self.fs_hz, self.channels)

    @property
    def length(self) -> int:
        """Samples of a frame."""
        return max(1, round(self.length_ms * self.fs_hz / 1000))

    @property
    def step(self) -> int:
        """Samples from one frame to the next."""
        return max(1, round(self.step_ms * self.fs_hz / 1000))

    @property
    def window_samples(self) -> int:
        """Samples of all frames, and those that the differences of the first sample need."""
        return (self.frames - 1) * self.step + self.length + MOMENTS - 1

    @property
    def history_values(self) -> int:
        """Servo angles of the last two outputs."""
        return HISTORY_STEPS * len(SERVOS)

    @property
    def maps(self) -> int:
        """Values per frame: every moment of every channel."""
        return MOMENTS * self.channels


def usual_frames(fs_hz: float, channels: int) -> FrameShape:
    """Returns 16 frames of 25 ms, one after the other: a window of 400 ms."""
    return FrameShape(fs_hz, channels, frames=16, length_ms=25, step_ms=25)


class LogFrames(nn.Module):
    """Maps emg (N, C, W) to (N, 3·C, frames); each map has zero mean and unit variance on the EMG that `fit` saw."""

    mean: Tensor  # (3·C, 1)
    gain: Tensor  # (3·C, 1)

    def __init__(self, shape: FrameShape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape.maps, 1))
        self.register_buffer("gain", torch.ones(shape.maps, 1))

    def log_energies(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W, or whole steps more) to (N, 3·C, as many frames as fit)."""
        moments = []
        for order in range(MOMENTS):
            moments.append(emg[..., MOMENTS - 1 - order :])  # all end at the newest sample and are equally long
            emg = emg[..., 1:] - emg[..., :-1]
        energy = nn.functional.avg_pool1d(torch.cat(moments, dim=1).square(), self.shape.length, self.shape.step)
        return torch.log(energy + FLOOR)

    @torch.no_grad()
    def fit(self, emg: Tensor) -> None:
        """Sets mean and gain from the newest whole steps of emg (N, C, T)."""
        spare = (emg.shape[-1] - self.shape.window_samples) % self.shape.step
        seen = self.log_energies(emg[..., spare:])
        self.mean.copy_(seen.mean(dim=(0, 2)).unsqueeze(1))
        self.gain.copy_(1 / seen.std(dim=(0, 2)).clamp(min=0.1).unsqueeze(1))

    def forward(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, 3·C, frames)."""
        return (self.log_energies(emg) - self.mean) * self.gain
