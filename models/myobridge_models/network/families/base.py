"""What every network is to the training, the export and the daemon: EMG and the last angles in, angles out.

A network has two parts, because windows of one segment overlap almost wholly: `features` looks at the EMG and knows no
past output, `logits` is the small rest that the closed loop runs once a decision.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Protocol

import torch
from torch import Tensor, nn

FULL_SWING_DEG: Final = 180.0


def use_threads(count: int) -> None:
    """How many processor cores networks may take in this process."""
    torch.set_num_threads(count)


use_threads(1)  # unless somebody asks for more: two that wait for each other on a busy machine take hours


class InputShape(Protocol):
    """What a network takes: emg (N, channels, window_samples) and history (N, history_values)."""

    @property
    def fs_hz(self) -> float:
        """Sampling rate."""

    @property
    def channels(self) -> int:
        """EMG channels."""

    @property
    def window_samples(self) -> int:
        """Samples that one decision sees."""

    @property
    def history_values(self) -> int:
        """Angles of the last two outputs; 0: the network takes no history, and its file has no such input."""


class Network(nn.Module, ABC):
    """The contract. emg is filtered and scaled to unit RMS a channel; angles and history are in degrees."""

    shape: InputShape

    @abstractmethod
    def features(self, emg: Tensor) -> Tensor:
        """emg (N, C, W) → (N, F)."""

    def features_at(self, segment: Tensor, ends: Tensor) -> Tensor:
        """Features of many windows of one long segment.

        segment (N, C, T), ends (M,) index of each window's last sample, all ≥ W - 1 → (N, M, F), equal to `features`
        of the windows themselves, which is what is computed here; a network overrides it where windows share much.
        """
        back = torch.arange(self.shape.window_samples - 1, -1, -1, device=ends.device)  # (W,)
        windows = segment[..., ends[:, None] - back].transpose(1, 2)  # (N, M, C, W)
        return self.features(windows.flatten(0, 1)).reshape(len(segment), len(ends), -1)

    @abstractmethod
    def logits(self, features: Tensor, history_deg: Tensor | None) -> Tensor:
        """features (N, F) and history (N, 10), None if the network takes none → (N, 5), before the sigmoid."""

    @torch.no_grad()
    def fit_gain(self, emg: Tensor) -> None:
        """Prepares a fresh network for what the EMG (N, C, T) of its training looks like; nothing to do for most."""

    def decide(self, features: Tensor, history_deg: Tensor | None) -> Tensor:
        """features (N, F) and history (N, 10) → angles (N, 5): the servo's range, nowhere clipped."""
        return FULL_SWING_DEG * torch.sigmoid(self.logits(features, history_deg))

    def forward(self, emg: Tensor, history_deg: Tensor | None = None) -> Tensor:
        """emg (N, C, W) and history (N, 10) → angles (N, 5)."""
        return self.decide(self.features(emg), history_deg)


class RememberingNetwork(Network):
    """A network that can keep what it makes of a take, and recall any window's features from it."""

    @abstractmethod
    def remember(self, emg: Tensor) -> tuple[Tensor, ...]:
        """What is kept of a take, emg (C, T): tensors whose first axis is the sample, (T, …)."""

    @abstractmethod
    def recall(self, kept: tuple[Tensor, ...], ends: Tensor, gain: Tensor) -> Tensor:
        """Features (M, F) of windows that end at rows `ends` (M,) of what was kept, channels louder by gain (M, C)."""

    @abstractmethod
    def head(self) -> nn.Module:
        """What comes behind the features."""

    @abstractmethod
    def reset_head(self) -> None:
        """Makes the head a fresh one."""


def weights(module: nn.Module) -> int:
    """Numbers that inputs are multiplied with: all parameters without the biases."""
    return sum(p.numel() for name, p in module.named_parameters() if "bias" not in name)
