"""Weights shared around the ring of electrodes: the notes' group convolutions, for the rotation of the cuff.

    emg (N, C, W) → frames of log energy (N, 3, C, 16) → 2 circular convolutions over the electrodes, 32 maps
    → read from three electrodes in turn by one dense layer, mean of the three (N, 64)
    → with A(n) and A(n-1) → 64 → 5 angles

Every electrode and its two neighbours go through the same weights, so a cuff that is turned by one electrode turns the
maps and changes nothing else (Cohen and Welling, "Group equivariant convolutional networks", ICML 2016). The dense
layer must know where an electrode sits, or flexion would look like extension. It reads the maps turned by -1, 0 and +1
electrodes, and the mean of the three makes it insensitive to a small turn (Kaifosh and Reardon, "A generic
non-invasive neuromotor interface", Nature 2025).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from myobridge_models.network.families.base import weights
from myobridge_models.network.families.frames import MOMENTS, usual_frames
from myobridge_models.network.families.head import FrameNetwork, dense

MAPS: Final = 32
NEIGHBOURHOOD: Final = 3
"""Electrodes that a convolution sees: one and its two neighbours."""
WIDTH: Final = 64
TURNS: Final = (-1, 0, 1)
"""Turns of the ring, in electrodes, over which the dense layer's output is averaged."""


class Ring(FrameNetwork):
    """The whole decoder; see the module's docstring."""

    def __init__(self, fs_hz: float, channels: int, dropout: float) -> None:
        shape = usual_frames(fs_hz, channels)
        super().__init__(shape, WIDTH, (64,), dropout)
        widths = pairwise((MOMENTS * shape.frames, MAPS, MAPS))
        self.around = nn.ModuleList(dense(NEIGHBOURHOOD * n_in, n_out) for n_in, n_out in widths)
        self.dropout = nn.Dropout(dropout)
        self.placed = dense(MAPS * channels, WIDTH)

    @torch.no_grad()
    def fit_gain(self, emg: Tensor) -> None:
        """Standardises the frames, every electrode by the same numbers."""
        super().fit_gain(emg)
        for values in (self.frames.mean, self.frames.gain):  # (3·C, 1)
            of_moment = values.reshape(MOMENTS, -1)
            of_moment.copy_(of_moment.mean(dim=1, keepdim=True).expand_as(of_moment))

    def features(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, 64)."""
        maps = self.maps(emg)
        read = [torch.relu(self.placed(self.dropout(turned(maps, by).flatten(1)))) for by in TURNS]
        return torch.stack(read).mean(dim=0)

    def maps(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, C, 32); a turned ring gives turned maps."""
        of_moment = self.frames(emg).reshape(-1, MOMENTS, self.shape.channels, self.shape.frames)
        x: Tensor = of_moment.transpose(1, 2).flatten(2)  # (N, C, 3·16)
        for layer in self.around:
            x = torch.relu(layer(torch.cat((turned(x, 1), x, turned(x, -1)), dim=2)))
        return x

    def frame_macs(self) -> int:
        """Counts all layers, because a new frame moves every frame to another place of the first layer."""
        around = self.shape.channels * sum(weights(layer) for layer in self.around)
        return around + len(TURNS) * (weights(self.placed) + WIDTH)


def turned(x: Tensor, by: int) -> Tensor:
    """Maps (N, C, F) to the same with electrode c in the place of electrode c + by."""
    return x if by == 0 else torch.cat((x[:, -by:], x[:, :-by]), dim=1)
