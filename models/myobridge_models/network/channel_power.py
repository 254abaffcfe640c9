"""Channel power: the power of each channel, and of sums and differences of channels, which tell how alike they are.

The sum of two channels has more power than their difference if the channels are alike. So the logarithms of these
powers say what a correlation says, and in addition how strong the channels are. An electrode's gain shifts a logarithm,
and subtracting a mean removes the shift; a share of powers (`correlation`) has no such simple law.

    emg (N, C, T) → squares of channels, sums and differences (N, K, T - longest lag)
    → means of them over each span (N, spans · K)

The K squares are those of each channel; of the sum of each pair of neighbours, and of each channel and itself some lags
ago; and of the differences in the same order. Nothing here is trained.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from myobridge_models.network.correlation import ChannelCorrelation
from myobridge_models.network.shape import Shape


class ChannelPower(ChannelCorrelation):
    """Computes the channel powers for networks of one shape.

    first, second: (K,) channels of a square; lag: (K,) by how many samples the second is older; sign: (K,) of the
    second, 0 for the square of one channel.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        alone, values = shape.channels, len(self.first)
        twice = np.r_[:values, alone:values]
        self.sign = np.repeat((0, 1, -1), (alone, values - alone, values - alone))
        self.first, self.second, self.lag = self.first[twice], self.second[twice], self.lag[twice]
        self._parts = [alone, values - alone, values - alone]

    def with_gain(self, powers: Tensor, gain: Tensor) -> Tensor:
        """Returns powers (M, spans · K) of the EMG whose channels are scaled by gain (M, C)."""
        of_span = powers.reshape(len(powers), len(self.spans), -1)
        alone, of_sum, of_difference = torch.split(of_span, self._parts, dim=-1)
        pairs = slice(self._parts[0], self._parts[0] + self._parts[1])
        first, second = (torch.from_numpy(side[pairs]).to(gain.device) for side in (self.first, self.second))
        one = alone[..., first]
        other = (of_sum + of_difference) / 2 - one
        product = (of_sum - of_difference) / 4
        of_first, of_second = gain[:, None, first], gain[:, None, second]
        both = of_first**2 * one + of_second**2 * other
        twice = 2 * of_first * of_second * product
        scaled = (gain[:, None] ** 2 * alone, both + twice, both - twice)
        return torch.cat(scaled, dim=-1).flatten(1).relu()  # rounding of the parts may leave less than nothing

    def _products(self, emg: Tensor) -> Tensor:
        """Maps (N, C, T) to (N, K, T - longest lag)."""
        now = emg[..., self.reach :]
        one, other = (now.index_select(1, torch.tensor(side, device=emg.device)) for side in self._beside)
        then = [emg[..., self.reach - lag : emg.shape[-1] - lag] for lag in self._lags]
        first = torch.cat((one, *[now] * len(then)), dim=1)
        second = torch.cat((other, *then), dim=1)
        return torch.cat((now, first + second, first - second), dim=1).square()

    def _values(self, means: Tensor) -> Tensor:
        """Returns the powers unchanged; the network takes the logarithm."""
        return means
