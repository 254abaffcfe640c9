"""Depthwise-separable convolutions: the `tcn` with each convolution in two steps.

    emg (N, C, W) → frames of log energy (N, 3·C, 29) → 3 residual blocks, dilations 1, 2, 4 → the newest
    output, with A(n) and A(n-1) → 64 → 5 angles

The first step convolves each map by itself, the second mixes the maps at each frame (Howard et al., "MobileNets",
arXiv 1704.04861, 2017). A layer of 32 maps has 1120 weights instead of 3072. As in the `tcn`, the window is exactly the
receptive field of the newest output, so a decoder that kept its columns would give the same numbers.
"""

from __future__ import annotations

from torch import nn

from myobridge_models.network.families.tcn import KERNEL, Block, Tcn, started


class SeparableBlock(Block):
    """The block of the `tcn` with separable convolutions; neither a ReLU nor a bias stands between their steps."""

    def _convolution(self, n_in: int, n_out: int, dilation: int) -> nn.Module:
        of_a_map = nn.Conv1d(n_in, n_in, KERNEL, dilation=dilation, padding=self.padding, groups=n_in, bias=False)
        return nn.Sequential(of_a_map, started(nn.Conv1d(n_in, n_out, 1)))


class Separable(Tcn):
    """The whole decoder; see the module's docstring."""

    block = SeparableBlock
