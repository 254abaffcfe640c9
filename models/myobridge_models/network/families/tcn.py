"""Temporal convolutional network: causal, dilated, residual.

    emg (N, C, W) → frames of log energy (N, 3·C, 29) → 3 residual blocks, dilations 1, 2, 4 → the newest
    output, with A(n) and A(n-1) → 64 → 5 angles

Bai, Kolter and Koltun, "An empirical evaluation of generic convolutional and recurrent networks for sequence modeling",
arXiv 1803.01271, 2018. The window is exactly the receptive field of the newest output. Padding on the left of a window
therefore never reaches an output, and a decoder that kept its columns would give the same numbers.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from myobridge_models.network.families.frames import FrameShape
from myobridge_models.network.families.head import FrameNetwork

WIDTH: Final = 32
KERNEL: Final = 3
DILATIONS: Final = (1, 2, 4)
LAYERS: Final = 2
"""Convolutions per block."""


def started(layer: nn.Conv1d) -> nn.Conv1d:
    """Initialises a convolution in front of a ReLU (He et al., ICCV 2015)."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class Block(nn.Module):
    """Two causal convolutions of one dilation and the shortcut around them: (N, n_in, T) → (N, n_out, T).

    The weights are stored as direction and length (Salimans and Kingma, NIPS 2016); the export multiplies them out.
    """

    def __init__(self, n_in: int, n_out: int, dilation: int) -> None:
        super().__init__()
        self.padding = (KERNEL - 1) * dilation
        sizes = pairwise((n_in, *[n_out] * LAYERS))
        self.convolutions = nn.ModuleList(self._convolution(a, b, dilation) for a, b in sizes)
        self.around = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def _convolution(self, n_in: int, n_out: int, dilation: int) -> nn.Module:
        """Makes a convolution that pads both sides."""
        convolution = started(nn.Conv1d(n_in, n_out, KERNEL, dilation=dilation, padding=self.padding))
        normed: nn.Module = weight_norm(convolution)
        return normed

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, n_in, T) to (N, n_out, T); no output sees a later input."""
        y = x
        for convolution in self.convolutions:
            y = torch.relu(convolution(y)[..., : -self.padding])  # Conv1d pads both sides; the right one is cut off
        return torch.relu(y + self.around(x))


class Tcn(FrameNetwork):
    """The whole decoder; see the module's docstring."""

    block: type[Block] = Block

    def __init__(self, fs_hz: float, channels: int, dropout: float) -> None:
        field = 1 + LAYERS * (KERNEL - 1) * sum(DILATIONS)
        shape = FrameShape(fs_hz, channels, frames=field, length_ms=25, step_ms=12.5)
        super().__init__(shape, WIDTH, (64,), dropout)
        widths = pairwise((shape.maps, *[WIDTH] * len(DILATIONS)))
        self.blocks = nn.Sequential(*(self.block(a, b, d) for (a, b), d in zip(widths, DILATIONS, strict=True)))

    def features(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, 32)."""
        columns: Tensor = self.blocks(self.frames(emg))  # (N, 32, 29)
        return columns[..., -1]

    def frame_macs(self) -> int:
        """Counts one new column of each convolution, which gives the same numbers as the window."""
        return sum(prod(layer.weight.shape) for layer in self.blocks.modules() if isinstance(layer, nn.Conv1d))
