"""Attention: the newest frame queries all frames of the window.

    emg (N, C, W) → frames of log energy (N, 3·C, 16) → 64 values a frame → 8 heads, queried by the newest frame
    → (N, 2·64), with A(n) and A(n-1) → 64 → 5 angles

Scaled dot-product attention (Vaswani et al., NIPS 2017) with one query instead of a query a frame, because one answer
is enough, and with a learned bias for each lag instead of position codes (as Press, Smith and Lewis, ICLR 2022, but
trained): the keys and values of a frame do not depend on its place in the window, so a streaming decoder could keep
them.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from myobridge_models.network.families.base import weights
from myobridge_models.network.families.frames import usual_frames
from myobridge_models.network.families.head import FrameNetwork, dense

WIDTH: Final = 64
HEADS: Final = 8


class Attention(FrameNetwork):
    """The whole decoder; see the module's docstring."""

    def __init__(self, fs_hz: float, channels: int, dropout: float) -> None:
        shape = usual_frames(fs_hz, channels)
        super().__init__(shape, 2 * WIDTH, (64,), dropout)
        self.embed = dense(shape.maps, WIDTH)
        self.query, self.key, self.value, self.mix = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.lag_bias = nn.Parameter(torch.zeros(HEADS, 1, shape.frames))
        self.norm = nn.LayerNorm(WIDTH)

    def features(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, 2·64): the newest frame mixed with the heads' answers, and the answers."""
        x = torch.relu(self.embed(self.frames(emg).transpose(1, 2)))  # (N, 16, 64)
        newest = x[:, -1:]  # (N, 1, 64)
        query, key, value = (_heads(v) for v in (self.query(newest), self.key(x), self.value(x)))
        fit = query @ key.transpose(2, 3) / key.shape[-1] ** 0.5 + self.lag_bias  # (N, 8, 1, 16)
        answers = (torch.softmax(fit, dim=-1) @ value).transpose(1, 2).flatten(1)  # (N, 64)
        return torch.cat((self.norm(newest[:, 0] + self.mix(answers)), answers), dim=1)

    def frame_macs(self) -> int:
        """Counts the new frame's own layers and one query to all kept keys; a window gives the same numbers."""
        projections = sum(weights(m) for m in (self.embed, self.query, self.key, self.value, self.mix))
        return projections + 2 * WIDTH * self.shape.frames


def _heads(x: Tensor) -> Tensor:
    """Maps (N, T, 64) to (N, 8, T, 8)."""
    return x.reshape(x.shape[0], x.shape[1], HEADS, -1).transpose(1, 2)
