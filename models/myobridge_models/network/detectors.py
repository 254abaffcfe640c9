"""Stages 1 and 2 of the decoder: action-potential detectors, and detectors of patterns of them over longer time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from myobridge_models.network.shape import Detector, Shape


def normalised(taps: Tensor) -> Tensor:
    """Returns the taps with unit gain for white noise; torch's default shrinks the signal by 1/√k in each layer."""
    gain: Tensor = taps.norm(dim=-1, keepdim=True)
    return taps / gain


class ApDetector(nn.Module):
    """Stage 1: `layers` dilated convolutions 1 → 1, without bias or ReLU, so negative parts of a potential pass."""

    taps: Tensor  # (layers, 1, 1, k)

    def __init__(self, detector: Detector, fs_hz: float) -> None:
        super().__init__()
        self.dilation = detector.dilation(fs_hz)
        self.growth = detector.growth
        size = (detector.layers, 1, 1, detector.kernel)
        if detector.ap_hz is None:
            alternating = 2 * (torch.arange(detector.kernel) % 2) - 1.0  # -1, 1, -1, …
            self.register_buffer("taps", normalised(alternating.expand(size)))
        else:
            self.taps = nn.Parameter(normalised(torch.randn(size)))

    def response(self) -> Tensor:
        """Returns the layers as one filter, (1, 1, R): linear layers in a row are one longer filter."""
        first, *later = self.taps.unbind()
        whole, spacing = first, 1
        for taps in later:
            spacing *= self.growth
            reach = spacing * (taps.shape[-1] - 1)
            whole = nn.functional.conv1d(whole, taps.flip(-1), padding=reach, dilation=spacing)
        return whole

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N·C, 1, T) to (N·C, 1, T - R + 1)."""
        return nn.functional.conv1d(x, self.response(), dilation=self.dilation)


class PatternDetector(nn.Module):
    """Stage 2: two dilated convolutions with ReLU, 1 → 4 → 4 features; each path has its own stride."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        maps = [1] + [shape.pattern_features] * len(shape.pattern_dilations)
        sizes = [(n_out, n_in, shape.pattern_kernel) for n_in, n_out in pairwise(maps)]
        self.weights = nn.ParameterList([torch.empty(size) for size in sizes])
        self.biases = nn.ParameterList([torch.zeros(n_out) for n_out, _, _ in sizes])
        for weight in self.weights:
            nn.init.kaiming_normal_(weight, nonlinearity="relu")

    def forward(self, x: Tensor, dilations: Sequence[int], stride: int = 1, stretch: int = 1) -> Tensor:
        """Maps (N·C, 1, T) to (N·C, 4, n); the last of the n ends at the newest sample that `stride` reaches.

        `stride` is the first layer's step, and the dilations of later layers count in this step. With `stretch` = s,
        the later dilations are s times longer instead: this gives the outputs of stride s at every sample instead of
        every s-th.
        """
        for number, (weight, bias, dilation) in enumerate(zip(self.weights, self.biases, dilations, strict=True)):
            first = number == 0
            step, reach = (stride, dilation) if first else (1, dilation * stretch)
            x = torch.relu(nn.functional.conv1d(x, weight, bias, stride=step, dilation=reach))
        return x
