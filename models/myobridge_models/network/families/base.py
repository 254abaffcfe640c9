"""The interface of every network for training, export and daemon: EMG and the last angles in, angles out.

A network has two parts, because the windows of a segment overlap almost wholly: `features` reads the EMG and does not
depend on past outputs; `logits` is the small rest, which the closed loop runs once per decision.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Protocol

import torch
from torch import Tensor, nn

FULL_SWING_DEG: Final = 180.0
"""Range of a servo."""


def use_threads(count: int) -> None:
    """Sets how many processor cores networks may use in this process."""
    torch.set_num_threads(count)


use_threads(1)  # the default: two threads that wait for each other on a busy machine take hours


def as_swing(angles_deg: Tensor) -> Tensor:
    """Maps angles from 0 .. 180 degrees to -1 .. 1, the size of the features."""
    return angles_deg / (FULL_SWING_DEG / 2) - 1


class InputShape(Protocol):
    """Input sizes of a network: emg (N, channels, window_samples) and history (N, history_values)."""

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
        """Angles of the last two outputs; 0: the network reads no history, and its file has no such input."""


class Network(nn.Module, ABC):
    """A decoder. emg is filtered and scaled to unit RMS per channel; angles and history are in degrees."""

    shape: InputShape

    @abstractmethod
    def features(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, F)."""

    def features_at(self, segment: Tensor, ends: Tensor) -> Tensor:
        """Returns the features of many windows of one long segment.

        segment (N, C, T), ends (M,) index of each window's last sample, all ≥ W - 1 → (N, M, F), equal to `features` of
        the windows themselves. This computes each window; a network overrides it if its windows share work.
        """
        back = torch.arange(self.shape.window_samples - 1, -1, -1, device=ends.device)  # (W,)
        windows = segment[..., ends[:, None] - back].transpose(1, 2)  # (N, M, C, W)
        return self.features(windows.flatten(0, 1)).reshape(len(segment), len(ends), -1)

    @abstractmethod
    def logits(self, features: Tensor, history_deg: Tensor | None) -> Tensor:
        """Maps features (N, F) and history (N, 10) to (N, 5), before the sigmoid; history is None if there is none."""

    @torch.no_grad()
    def fit_gain(self, emg: Tensor) -> None:
        """Adapts a fresh network to the EMG (N, C, T) of its training; most families have nothing to adapt."""

    def decide(self, features: Tensor, history_deg: Tensor | None) -> Tensor:
        """Maps features (N, F) and history (N, 10) to angles (N, 5) within the servo's range, without clipping."""
        return FULL_SWING_DEG * torch.sigmoid(self.logits(features, history_deg))

    def forward(self, emg: Tensor, history_deg: Tensor | None = None) -> Tensor:
        """Maps emg (N, C, W) and history (N, 10) to angles (N, 5)."""
        return self.decide(self.features(emg), history_deg)


class CacheableNetwork(Network):
    """A network whose features of any window can be read from a cache of the whole take."""

    @abstractmethod
    def to_cache(self, emg: Tensor) -> tuple[Tensor, ...]:
        """Maps emg (C, T) of a take to the tensors of its cache, whose first axis is the sample, (T, …)."""

    @abstractmethod
    def from_cache(self, cache: tuple[Tensor, ...], ends: Tensor, gain: Tensor) -> Tensor:
        """Reads features (M, F) of windows that end at rows `ends` (M,) of the cache; gain (M, C) scales channels."""

    @torch.no_grad()
    def fit_features(self, features: Tensor, movement: Tensor) -> None:
        """Adapts the head's inputs to features (N, F) of known movements (N,); most networks have nothing to adapt."""

    def shifted(self, features: Tensor) -> Tensor:
        """Returns features (N, M, F) of poses as another day might have them, for the training of the head.

        The M windows of one segment are of one day. Most networks leave the features as they are.
        """
        return features

    @torch.no_grad()
    def fold(self) -> None:
        """Leaves nothing in the network that only its training needs; most networks have nothing."""

    @abstractmethod
    def head(self) -> nn.Module:
        """Returns the layers behind the features."""

    @abstractmethod
    def reset_head(self) -> None:
        """Initialises the head anew."""


def weights(module: nn.Module) -> int:
    """Counts the numbers that inputs are multiplied with: all parameters without the biases."""
    return sum(p.numel() for name, p in module.named_parameters() if "bias" not in name)
