"""How alike the channels are, and each is to its own past: what tells muscles apart however loud they are.

Two electrodes over one muscle hear the same action potentials, two over different muscles do not; and a channel's
correlation with its own past is its spectrum by other means (Wiener and Khinchin). Both are shares of the channels' own
power, so no electrode's gain changes them: the very part that detectors and patterns, which add up loudness, leave out.

    emg (N, C, T) → products of two samples (N, K, T - longest lag) → means of them over each span (N, spans, K)
    → divided by the channels' powers → (N, F)

There is nothing to train, and the values stay as small as they are (models/README.md says why). The K products: each
channel with itself, each pair of neighbours, each channel with itself some lags ago.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from myobridge.model.file import usual_hop_samples
from myobridge_models.network.shape import Shape

SILENCE: Final = 1e-24
"""Added to the product of two powers, so that a dead channel is like nobody. EMG has a power of about 1."""


class Likeness:
    """How alike the channels of a network of this shape are; what is multiplied and divided stands in index arrays.

    first, second: (K,) channels of a product; lag: (K,) by how many samples the second is older.
    product, one, other: (F,) where a value finds its product and the two powers among (spans · K) means.
    """

    def __init__(self, shape: Shape) -> None:
        channels, lags = np.arange(shape.channels), shape.likeness_lags
        pairs = np.array(shape.neighbours, np.int64).reshape(-1, 2).T
        self.spans, self.reach = shape.likeness_spans, lags[-1]
        self._hop = usual_hop_samples(shape.fs_hz)
        self._beside, self._lags = pairs, lags
        self.first, self.second = (np.concatenate([channels, side, np.tile(channels, len(lags))]) for side in pairs)
        self.lag = np.repeat((0, 0, *lags), [len(channels), pairs.shape[1], *[len(channels)] * len(lags)])
        shares = np.arange(len(channels), len(self.first))
        starts = len(self.first) * np.arange(len(self.spans))[:, None]
        self.product, self.one, self.other = (
            (starts + part[shares]).ravel() for part in (np.arange(len(self.first)), self.first, self.second)
        )

    def __call__(self, emg: Tensor) -> Tensor:
        """emg (N, C, W) → (N, F), of the newest samples."""
        seen = self.spans[-1] + self.reach
        products = self._products(emg.narrow(-1, emg.shape[-1] - seen, seen))  # (N, K, longest span)
        hops = nn.functional.avg_pool1d(products, self._hop)  # (N, K, hops), since sums of sums round less
        means = [hops[..., -(span // self._hop) :].mean(-1) for span in self.spans]
        return self._shares(torch.stack(means, dim=1).flatten(1))

    @torch.no_grad()
    def at(self, emg: Tensor, ends: Tensor) -> Tensor:
        """emg (N, C, T), ends (M,) → (N, M, F), equal to the values of windows that end there.

        A span that begins before the first sample has zeros there.
        """
        before = self.spans[-1] + self.reach
        products = self._products(nn.functional.pad(emg, (before, 0)))  # (N, K, longest span + T)
        sums = torch.cumsum(products, dim=-1, dtype=torch.float64)
        end = ends + self.spans[-1]
        means = [(sums[..., end] - sums[..., end - span]) / span for span in self.spans]  # (N, K, M)
        return self._shares(torch.stack(means, dim=1).float().permute(0, 3, 1, 2).flatten(2))

    def _products(self, emg: Tensor) -> Tensor:
        """(N, C, T) → (N, K, T - longest lag)."""
        now = emg[..., self.reach :]
        one, other = (now.index_select(1, torch.tensor(side, device=emg.device)) for side in self._beside)
        then = [now * emg[..., self.reach - lag : emg.shape[-1] - lag] for lag in self._lags]
        return torch.cat((now * now, one * other, *then), dim=1)

    def _shares(self, means: Tensor) -> Tensor:
        """(…, spans · K) → (…, F)."""
        product, one, other = (
            means.index_select(-1, torch.tensor(part, device=means.device))
            for part in (self.product, self.one, self.other)
        )
        return product / torch.sqrt(one * other + SILENCE)
