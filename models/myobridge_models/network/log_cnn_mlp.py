"""The notes' detectors with an MLP that reads logarithms, and lengths that are times.

    emg (N, C, W) → stages 1 and 2 as in `cnn_mlp` → means of the maps, and the channel powers
    → logarithm, minus the centre, divided by the spread (N, F) → with A(n) and A(n-1) → MLP → 5 angles

A gain multiplies maps and powers, so it shifts their logarithms. The MLP learns behind a whitening: there, the windows
of one movement scatter by one in every direction, and noise keeps the MLP from learning by heart what lies closer
together than windows of one movement do. A linear discriminant does the same; it is what the MLP begins to be better
than. The whitening is linear, so at the end of a training the first dense layer takes it over, and no file has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from myobridge_models.network.channel_power import ChannelPower
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.shape import Shape

MAP_FLOOR: Final = 0.03
"""Added to a map's mean before the logarithm; detectors have unit RMS on the training's EMG."""
POWER_FLOOR: Final = 1e-3
"""Added to a power before the logarithm; the training's EMG has a power of 1, and resting EMG some 0.02."""
LEAST_SPREAD: Final = 0.1
"""A feature that hardly varies in training must not become a large one at run time."""
FEATURE_NOISE: Final = 0.5
"""Standard deviation of the noise in training; windows of one movement have one."""
MAP_SHIFT: Final = 0.6
"""Standard deviation of the random shift of each map's logarithm, one shift for a segment, while the MLP learns; a
map's logarithm has a standard deviation of about one over all movements."""
SHRINKAGE: Final = 0.2
"""Share of the features' own variances in the covariance that the whitening is made from."""
MAP_SCATTER: Final = 2.0
"""How much more the maps of one movement scatter on new windows than on those that the detectors have learnt on, from
which the whitening is made."""


class LogCnnMlp(CnnMlp):
    """The network of the module's docstring. Angles in and out are in degrees."""

    floor: Tensor  # (F,)
    centre: Tensor  # (F,)
    spread: Tensor  # (F,)
    whitening: Tensor | None  # (F, F), in training only
    correlation: ChannelPower

    def __init__(self, shape: Shape, dropout: float = 0.3, noise: float = FEATURE_NOISE) -> None:
        super().__init__(shape, dropout)
        self._noise = noise
        floors = (MAP_FLOOR, POWER_FLOOR)
        floor = torch.tensor(floors).repeat_interleave(torch.tensor([shape.pattern_values, shape.correlation_values]))
        self.register_buffer("floor", floor, persistent=False)
        self.register_buffer("centre", torch.zeros(shape.feature_values))
        self.register_buffer("spread", torch.ones(shape.feature_values))
        self.register_buffer("whitening", None)

    def _correlation(self, shape: Shape) -> ChannelPower:
        return ChannelPower(shape)

    @torch.no_grad()
    def fit_gain(self, emg: Tensor) -> None:
        """Scales the detectors, then centre and spread, so that all features of emg (N, C, T) are of one size."""
        super().fit_gain(emg)
        ends = torch.arange(self.shape.window_samples - 1, emg.shape[-1], self.correlation.hop)
        features = self.features_at(emg, ends).flatten(0, 1)
        self._centre_on(features)
        self.spread *= features.std(dim=0, correction=0).clamp(min=LEAST_SPREAD)

    @torch.no_grad()
    def fit_features(self, features: Tensor, movement: Tensor) -> None:
        """Centres and whitens features (N, F) of known movements (N,), as the network computes them now."""
        self.fold()
        self._centre_on(features)
        known, number = torch.unique(movement, return_inverse=True)
        means = torch.stack([features[number == n].mean(dim=0) for n in range(len(known))])
        apart = (features - means[number]).double()
        apart[:, : self.shape.pattern_values] *= MAP_SCATTER
        covariance = apart.T @ apart / len(apart)
        own = covariance.diagonal().clamp(min=LEAST_SPREAD**2).diag()
        variances, axes = torch.linalg.eigh(torch.lerp(covariance, own, SHRINKAGE))
        self.whitening = (axes * variances**-0.5 @ axes.T).float()
        self._turn((axes * variances**0.5 @ axes.T).float())

    def shifted(self, features: Tensor) -> Tensor:
        """Returns features (N, M, F) of segments, in each of which every map has a shift of its own.

        What a detector finds changes from day to day, more than the channel powers do.
        """
        shift = torch.zeros_like(features[:, :1])
        shift[..., : self.shape.pattern_values].normal_(std=MAP_SHIFT)
        return features + shift

    @torch.no_grad()
    def fold(self) -> None:
        """Moves the whitening into the first dense layer; the angles stay the same."""
        if self.whitening is not None:
            self._turn(self.whitening)
            self.whitening = None

    def _centre_on(self, features: Tensor) -> None:
        """Makes the mean of features (N, F) zero from now on."""
        self.centre += self.spread * features.mean(dim=0)

    def _turn(self, matrix: Tensor) -> None:
        """Makes the first dense layer read features that `matrix` (F, F) has multiplied."""
        first = next(layer for layer in self.mlp if isinstance(layer, nn.Linear))
        own = first.weight[:, : len(matrix)]
        own.copy_(own @ matrix)

    def features(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, F): logarithms of the pattern values, then of the channel powers."""
        return self._logs(super().features(emg))

    def features_at(self, segment: Tensor, ends: Tensor) -> Tensor:
        """Returns the features of many windows of one long segment, (N, M, F)."""
        return self._logs(super().features_at(segment, ends))

    def from_cache(self, cache: tuple[Tensor, ...], ends: Tensor, gain: Tensor) -> Tensor:
        """Returns features (M, F); the cache holds powers, because a logarithm hides what a gain changes."""
        *maps, powers = cache
        patterns = super().from_cache(tuple(maps), ends, gain)
        return self._logs(torch.cat((patterns, self.correlation.with_gain(powers[ends].float(), gain)), dim=1))

    def _logs(self, values: Tensor) -> Tensor:
        """Maps means of maps and powers (…, F) to features."""
        return (torch.log(values + self.floor) - self.centre) / self.spread

    def logits(self, features: Tensor, history_deg: Tensor | None) -> Tensor:
        """Maps features (N, F) and history (N, 10) to (N, 5), before the sigmoid; in training, behind noise."""
        if self.whitening is not None:
            features = features @ self.whitening
        if self.training:
            features = features + self._noise * torch.randn_like(features)
        return super().logits(features, history_deg)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:  # noqa: ANN401 - torch's own type is private
        """Loads a network in training, which has a whitening, or one that is folded."""
        self.whitening = torch.empty_like(state_dict["whitening"]) if "whitening" in state_dict else None
        return super().load_state_dict(state_dict, strict, assign)
