"""The decoder of the notes: action-potential detectors, pattern detectors, and an MLP that also reads the last angles.

    emg (N, C, W) → stage 1: 4 detectors per channel, linear → stage 2: patterns over longer time, ReLU
    → (N, C, 4 detectors, 4 features, 50) → means of the 50 → with the channel correlations, A(n) and A(n-1)
    → 128 → 64 → 5 angles

All EMG channels share the detectors' weights, and all (channel, detector) maps share one stage-2 network; the MLP
learns which electrode a pattern comes from. A single sample of rectified EMG is mostly noise, and an MLP with a weight
for each of the 50 learns that noise by heart: hence the means. The detectors see each channel by itself, so the MLP
also reads the correlations between the channels (`correlation`). The notes' form has neither means nor correlations
(`registry`, cnn_mlp_full).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from myobridge_models.network.correlation import ChannelCorrelation
from myobridge_models.network.detectors import ApDetector, PatternDetector
from myobridge_models.network.families.base import CacheableNetwork, as_swing
from myobridge_models.network.shape import Detector, Shape


class CnnMlp(CacheableNetwork):
    """The whole decoder; see the module's docstring. Angles in and out are in degrees."""

    shape: Shape

    def __init__(self, shape: Shape, dropout: float = 0.3) -> None:
        super().__init__()
        self.shape = shape
        self.correlation = self._correlation(shape) if shape.correlation_hops else None
        self.detectors = nn.ModuleList(ApDetector(d, shape.fs_hz) for d in shape.detectors)
        self.patterns = PatternDetector(shape)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(shape.dense_sizes):
            layers += [nn.Dropout(dropout), nn.Linear(n_in, n_out), nn.ReLU()]
        self.mlp = nn.Sequential(*layers[:-1])  # no ReLU before the sigmoid
        self.reset_head()

    def _correlation(self, shape: Shape) -> ChannelCorrelation:
        """Returns what the MLP reads of how alike the channels are."""
        return ChannelCorrelation(shape)

    def head(self) -> nn.Module:
        """Returns the MLP."""
        return self.mlp

    def reset_head(self) -> None:
        """Initialises the MLP anew."""
        dense = [layer for layer in self.mlp if isinstance(layer, nn.Linear)]
        for layer in dense:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        self._start_with_means(dense[0].weight)

    def _start_with_means(self, weight: Tensor) -> None:
        """Gives all means of a map the same first weight, so that the first steps do not learn noise."""
        n = self.shape.means
        maps = self.shape.pattern_values // n
        per_map = torch.randn(len(weight), maps, 1) * (2 / maps) ** 0.5 / n
        with torch.no_grad():
            weight[:, : maps * n] = per_map.expand(-1, -1, n).flatten(1)

    @torch.no_grad()
    def fit_gain(self, emg: Tensor) -> None:
        """Scales each detector's taps so that its output on emg (N, C, T) has unit RMS.

        EMG is not white noise: without this scaling the silence filter's output is ten times as large as the others.
        """
        channels = emg.reshape(-1, 1, emg.shape[-1])
        for detector in self.detectors:
            assert isinstance(detector, ApDetector)
            detector.taps *= detector(channels).std() ** (-1 / len(detector.taps))

    def features(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, F): the pattern values, then the channel correlations."""
        patterns = self._patterns(emg)
        return torch.cat((patterns, self.correlation(emg)), dim=1) if self.correlation else patterns

    def _patterns(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, C·4·4·means); each path reads the newest part of the window."""
        shape = self.shape
        channels = emg.reshape(-1, 1, emg.shape[-1])  # (N·C, 1, W)
        paths = []
        for spec, detect in zip(shape.detectors, self.detectors, strict=True):
            newest = channels[..., -shape.path_window(spec) :]  # (N·C, 1, this path's window)
            maps = self.patterns(detect(newest), shape.dilations(spec), shape.stride(spec))  # (N·C, 4, 50)
            averaged = shape.averaged_outputs(spec)
            paths.append(nn.functional.avg_pool1d(maps, averaged) if averaged > 1 else maps)
        return torch.stack(paths, dim=1).reshape(-1, shape.pattern_values)  # (N, C·4·4·means)

    def features_at(self, segment: Tensor, ends: Tensor) -> Tensor:
        """Returns the features of many windows of one long segment; each convolution runs once over the segment.

        segment (N, C, T), ends (M,) index of each window's last sample, all ≥ W - 1 → (N, M, F), equal to `features` of
        the windows themselves.
        """
        patterns = self._patterns_at(segment, ends)
        return torch.cat((patterns, self.correlation.at(segment, ends)), dim=2) if self.correlation else patterns

    def _patterns_at(self, segment: Tensor, ends: Tensor) -> Tensor:
        """Maps segment (N, C, T) and ends (M,) to (N, M, C·4·4·means)."""
        shape = self.shape
        n, c, _ = segment.shape
        channels = segment.reshape(n * c, 1, -1)  # (N·C, 1, T)
        paths = []
        for spec, detect in zip(shape.detectors, self.detectors, strict=True):
            maps = self._at_every_sample(spec, detect(channels))  # (N·C, 4, T - field + 1)
            outputs = shape.means * shape.averaged_outputs(spec)
            back = shape.stride(spec) * torch.arange(outputs - 1, -1, -1, device=ends.device)  # (50,)
            at = ends[:, None] - (shape.feature_field(spec) - 1) - back  # (M, 50)
            means = maps[..., at].reshape(n * c, -1, len(ends), shape.means, outputs // shape.means).mean(-1)
            paths.append(means)  # (N·C, 4, M, means)
        stacked = torch.stack(paths, dim=1)  # (N·C, 4 detectors, 4 features, M, means)
        stacked = stacked.reshape(n, c, *stacked.shape[1:])  # (N, C, 4 detectors, 4 features, M, means)
        return stacked.permute(0, 4, 1, 2, 3, 5).reshape(n, len(ends), shape.pattern_values)  # (N, M, C·4·4·means)

    def _at_every_sample(self, spec: Detector, detected: Tensor) -> Tensor:
        """Maps a detector's output (N·C, 1, T) to its stage-2 outputs at every sample, not only at every stride."""
        stretched: Tensor = self.patterns(detected, self.shape.dilations(spec), stretch=self.shape.stride(spec))
        return stretched

    def to_cache(self, emg: Tensor) -> tuple[Tensor, ...]:
        """Maps emg (C, T) of a take to its cache, tensors with a row for each sample.

        For each detector, the mean of its newest `averaged` outputs, (T, C·4), 0 until there are so many; then the
        channel correlations, (T, values).
        """
        channels = emg[:, None]  # (C, 1, T)
        cache = []
        for spec, detect in zip(self.shape.detectors, self.detectors, strict=True):
            maps = self._at_every_sample(spec, detect(channels)).flatten(0, 1)  # (C·4, T - field + 1)
            stride = self.shape.stride(spec)
            span = (self.shape.averaged_outputs(spec) - 1) * stride + 1
            means = maps.unfold(-1, span, 1)[..., ::stride].mean(-1)  # (C·4, T - field - span + 2)
            cache.append(nn.functional.pad(means, (emg.shape[1] - means.shape[1], 0)).T)
        if self.correlation:
            ends = torch.arange(emg.shape[1], device=emg.device)
            cache.append(self.correlation.at(emg[None], ends)[0])
        return tuple(cache)

    def from_cache(self, cache: tuple[Tensor, ...], ends: Tensor, gain: Tensor) -> Tensor:
        """Returns features (M, F); a gain scales the maps, which is exact except for the small biases of stage 2."""
        shape = self.shape
        back = torch.arange(shape.means - 1, -1, -1, device=ends.device)  # (means,)
        of_detectors, correlations = cache[: len(shape.detectors)], cache[len(shape.detectors) :]
        spans = [shape.stride(d) * shape.averaged_outputs(d) for d in shape.detectors]
        rows = [maps[ends[:, None] - span * back] for span, maps in zip(spans, of_detectors, strict=True)]
        maps = torch.stack(rows, dim=1).float()  # (M, 4 detectors, means, C·4)
        maps = maps.reshape(*maps.shape[:3], shape.channels, -1) * gain[:, None, None, :, None]
        patterns = maps.permute(0, 3, 1, 4, 2).reshape(len(ends), -1)  # (M, C·4·4·means)
        return torch.cat((patterns, *(values[ends].float() for values in correlations)), dim=1)

    def logits(self, features: Tensor, history_deg: Tensor | None) -> Tensor:
        """Maps features (N, F) and history (N, 10) to (N, 5), before the sigmoid."""
        if history_deg is not None and self.shape.history_values:
            features = torch.cat((features, as_swing(history_deg)), dim=1)
        out: Tensor = self.mlp(features)  # (N, 64 + 76 + 10) → 128 → 64 → (N, 5)
        return out
