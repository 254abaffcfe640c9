"""Channel correlation: the correlation of channels with each other, and of each channel with its own past.

Two electrodes over one muscle pick up the same action potentials; two electrodes over different muscles do not. A
channel's correlation with its own past describes its spectrum (Wiener and Khinchin). Both are shares of the channels'
power, so an electrode's gain does not change them. The detectors and patterns measure loudness and miss exactly this.

    emg (N, C, T) → products of two samples (N, K, T - longest lag) → means of them over each span (N, spans, K)
    → divided by the channels' powers → (N, F)

Nothing here is trained, and the values are not rescaled (models/README.md says why). The K products are: each channel
with itself, each pair of neighbours, each channel with itself some lags ago.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from myobridge.model.file import usual_hop_samples
from myobridge_models.network.shape import Shape

SILENCE: Final = 1e-24
"""Added to the product of two powers, so that a dead channel correlates with no other. EMG has a power of about 1."""


class ChannelCorrelation:
    """Computes the channel correlations for networks of one shape; index arrays say what is multiplied and divided.

    first, second: (K,) channels of a product; lag: (K,) by how many samples the second is older.
    product, one, other: (F,) positions of a value's product and of its two powers among (spans · K) means.
    """

    def __init__(self, shape: Shape) -> None:
        channels, lags = np.arange(shape.channels), shape.correlation_lags
        pairs = np.array(shape.neighbours, np.int64).reshape(-1, 2).T
        self.spans, self.reach = shape.correlation_spans, lags[-1]
        self.hop = usual_hop_samples(shape.fs_hz)
        self._beside, self._lags = pairs, lags
        self.first, self.second = (np.concatenate([channels, side, np.tile(channels, len(lags))]) for side in pairs)
        self.lag = np.repeat((0, 0, *lags), [len(channels), pairs.shape[1], *[len(channels)] * len(lags)])
        shares = np.arange(len(channels), len(self.first))
        starts = len(self.first) * np.arange(len(self.spans))[:, None]
        self.product, self.one, self.other = (
            (starts + part[shares]).ravel() for part in (np.arange(len(self.first)), self.first, self.second)
        )

    def __call__(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, F), over the newest samples."""
        return self._values(self.means(emg))

    def at(self, emg: Tensor, ends: Tensor) -> Tensor:
        """Maps emg (N, C, T) and ends (M,) to (N, M, F), equal to the values of windows that end there."""
        return self._values(self.means_at(emg, ends))

    def means(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to the means of the products over the newest samples, (N, spans · K)."""
        seen = self.spans[-1] + self.reach
        products = self._products(emg.narrow(-1, emg.shape[-1] - seen, seen))  # (N, K, longest span)
        hops = nn.functional.avg_pool1d(products, self.hop)  # (N, K, hops); sums of sums round less
        means = [hops[..., -(span // self.hop) :].mean(-1) for span in self.spans]
        return torch.stack(means, dim=1).flatten(1)

    @torch.no_grad()
    def means_at(self, emg: Tensor, ends: Tensor) -> Tensor:
        """Maps emg (N, C, T) and ends (M,) to (N, M, spans · K), equal to the means of windows that end there.

        A span that begins before the first sample reads zeros there.
        """
        before = self.spans[-1] + self.reach
        products = self._products(nn.functional.pad(emg, (before, 0)))  # (N, K, longest span + T)
        sums = torch.cumsum(products, dim=-1, dtype=torch.float64)
        end = ends + self.spans[-1]
        means = [(sums[..., end] - sums[..., end - span]) / span for span in self.spans]  # (N, K, M)
        return torch.stack(means, dim=1).float().permute(0, 3, 1, 2).flatten(2)

    def _products(self, emg: Tensor) -> Tensor:
        """Maps (N, C, T) to (N, K, T - longest lag)."""
        now = emg[..., self.reach :]
        one, other = (now.index_select(1, torch.tensor(side, device=emg.device)) for side in self._beside)
        then = [now * emg[..., self.reach - lag : emg.shape[-1] - lag] for lag in self._lags]
        return torch.cat((now * now, one * other, *then), dim=1)

    def _values(self, means: Tensor) -> Tensor:
        """Maps means (…, spans · K) to the shares (…, F)."""
        product, one, other = (
            means.index_select(-1, torch.tensor(part, device=means.device))
            for part in (self.product, self.one, self.other)
        )
        return product / torch.sqrt(one * other + SILENCE)
