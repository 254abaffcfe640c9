"""The end of every family on frames: maps the features and the last two outputs to five angles."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from myobridge import SERVOS
from myobridge_models.network.families.base import Network, as_swing
from myobridge_models.network.families.frames import FrameShape, LogFrames


def dense(n_in: int, n_out: int) -> nn.Linear:
    """Makes a dense layer that keeps the size of a signal through it and a ReLU (He et al., ICCV 2015)."""
    layer = nn.Linear(n_in, n_out)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer


class FrameNetwork(Network):
    """A network that reads frames of log energy; the families differ between the frames and this MLP."""

    shape: FrameShape

    def __init__(self, shape: FrameShape, features: int, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.shape = shape
        self.frames = LogFrames(shape)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise((features + shape.history_values, *hidden, len(SERVOS))):
            layers += [nn.Dropout(dropout), dense(n_in, n_out), nn.ReLU()]
        self.mlp = nn.Sequential(*layers[:-1])  # no ReLU before the sigmoid

    def logits(self, features: Tensor, history_deg: Tensor | None) -> Tensor:
        """Maps features (N, F) and history (N, 10) to (N, 5), before the sigmoid."""
        assert history_deg is not None
        out: Tensor = self.mlp(torch.cat((features, as_swing(history_deg)), dim=1))
        return out

    @abstractmethod
    def frame_macs(self) -> int:
        """Counts the multiply-adds between a new frame and the MLP if everything about older frames were kept."""

    def fit_gain(self, emg: Tensor) -> None:
        """Standardises the frames."""
        self.frames.fit(emg)
