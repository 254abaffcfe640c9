"""A training as stages of steps: the first trains the detectors and an MLP, the second an MLP on cached features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from myobridge.model.file import REST
from myobridge_models.data.augment import altered
from myobridge_models.data.label_alignment import aligned
from myobridge_models.data.takes import Take
from myobridge_models.network.families.base import FULL_SWING_DEG, CacheableNetwork, Network
from myobridge_models.training.feature_cache import FeatureCache
from myobridge_models.training.loss import angle_loss, closed_loop, probe_loss, random_history, with_past
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.segments import Drawn, Segments

PROBE_UNITS: Final = 64
FITTED_SEGMENTS: Final = 1024
"""Segments, drawn as for a step, whose features a network's inputs of the head are adapted to."""
WARM_UP: Final = 0.1
"""Share of a stage's steps in which the learning rate rises."""


class Training:
    """The parts that all stages share."""

    def __init__(self, takes: Sequence[Take], network: Network, recipe: Recipe, device: str) -> None:
        self.recipe, self.network, self.device = recipe, network, device
        self.rng = np.random.default_rng(recipe.seed)
        fs_hz = network.shape.fs_hz
        real = [aligned(take, fs_hz) for take in takes] if recipe.follow else list(takes)
        copies = [altered(take, fs_hz, self.rng) for _ in range(recipe.copies) for take in real]
        self.segments = Segments([*real, *copies], network.shape, recipe)
        self.poses_deg = self.segments.poses_deg()
        angles = any((take.movement < REST).any() for take in takes)
        self.pose_slack_deg = recipe.pose_slack_deg if angles else 0.0
        self.ends = torch.from_numpy(self.segments.ends).to(device)

    @property
    def stage_count(self) -> int:
        """Number of stages."""
        return 2 if isinstance(self.network, CacheableNetwork) and self.recipe.detector_share else 1

    def stages(self) -> Iterator[Stage]:
        """Yields the stages in order; each is made when the one before it has ended."""
        recipe, network = self.recipe, self.network
        probe = recipe.probe_weight > 0 and self.segments.movements > 1
        if not isinstance(network, CacheableNetwork):
            yield Stage(self, recipe.steps, recipe.segments, None, probe)
            return
        if recipe.detector_share:
            yield Stage(self, recipe.detector_steps, recipe.segments // 2, None, probe)
            network.reset_head()
        cache = FeatureCache(network, self.segments.takes, self.device)
        self._fit_features(network, cache)
        yield Stage(self, recipe.steps - recipe.detector_steps, recipe.head_segments, cache, probe=False)

    def _fit_features(self, network: CacheableNetwork, cache: FeatureCache) -> None:
        """Shows the network what one movement's features are; a window that a cue changes in belongs to none."""
        drawn = self.segments.draw(FITTED_SEGMENTS, np.random.default_rng(self.recipe.seed))
        gain = torch.ones(FITTED_SEGMENTS, network.shape.channels, device=self.device)
        features, movement = cache.features(drawn, gain), drawn.movement.to(self.device)
        whole = self.segments.within_one_movement(drawn).to(self.device)
        if self.segments.movements:
            whole &= movement >= 0
        if whole.sum() < features.shape[-1]:  # the movements are shorter than a window
            whole = torch.ones_like(whole)
        network.fit_features(features[whole], movement[whole])


class Stage:
    """Some steps with one optimiser; the next stage begins with the running average of the weights."""

    def __init__(self, training: Training, steps: int, segments: int, cache: FeatureCache | None, probe: bool) -> None:
        recipe, network = training.recipe, training.network
        self.steps, self._segments, self._cache = steps, segments, cache
        self._training = training
        trained = cache.network.head() if cache else network
        self._probe = self._make_probe() if probe else None
        self._parameters = [*trained.parameters(), *(self._probe.parameters() if self._probe else ())]
        self.optimiser = torch.optim.AdamW(self._parameters, recipe.learning_rate, weight_decay=recipe.weight_decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, recipe.learning_rate, total_steps=steps, pct_start=_warm_up(steps)
        )
        average = get_ema_multi_avg_fn(recipe.average)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(network, multi_avg_fn=average)
        self.done = 0

    @property
    def averaged(self) -> Network:
        """The network with the running average of its weights."""
        module: Network = self.average.module  # type: ignore[assignment]
        return module

    def _make_probe(self) -> nn.Module:
        """Makes layers that tell movements apart by the features alone; they are discarded after the stage."""
        training = self._training
        with torch.no_grad():
            window = torch.zeros(1, training.network.shape.channels, training.network.shape.window_samples)
            width = training.network.features(window.to(training.device)).shape[1]
        layers = nn.Sequential(
            nn.Linear(width, PROBE_UNITS), nn.ReLU(), nn.Linear(PROBE_UNITS, training.segments.movements)
        )
        return layers.to(training.device)

    def step(self) -> float:
        """Runs one step and returns its loss in degrees."""
        training, recipe = self._training, self._training.recipe
        drawn = training.segments.draw(self._segments, training.rng)
        features = self._features(drawn)
        target, movement, counts = (part.to(training.device) for part in drawn[2:5])
        history = self._history(drawn)
        angles = closed_loop(training.network, features, history)
        loss = angle_loss(angles, target, counts, movement, training.pose_slack_deg)
        shown_deg = FULL_SWING_DEG * loss.item()
        if self._probe is not None:
            loss = loss + recipe.probe_weight * probe_loss(self._probe(features), movement, counts)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.average.update_parameters(training.network)
        self.done += 1
        return shown_deg

    def _history(self, drawn: Drawn) -> Tensor:
        """Returns histories (N, 10) that do not tell the present; some of takes with angles tell the past."""
        training, recipe = self._training, self._training.recipe
        history = random_history(training.poses_deg, len(drawn.take), recipe.history_noise_deg)
        angles = drawn.movement[:, 0] < 0
        if angles.any():
            past = drawn.past_deg[angles]
            history[angles] = with_past(history[angles], past, recipe.past_share, recipe.past_noise_deg)
        return history.to(training.device)

    def _features(self, drawn: Drawn) -> Tensor:
        """Returns features (N, unroll, F) of the drawn windows; each channel of a segment has its own gain."""
        training = self._training
        recipe, count = training.recipe, len(drawn.take)
        jitter = torch.where(drawn.movement[:, :1] < 0, recipe.angles_gain_jitter, recipe.gain_jitter)  # (N, 1)
        own = jitter * torch.randn(count, training.network.shape.channels)
        gain = torch.exp(own + recipe.level_jitter * torch.randn(count, 1)).to(training.device)
        if self._cache is not None:
            features, poses = self._cache.features(drawn, gain), drawn.movement[:, 0] >= 0
            features[poses] = self._cache.network.shifted(features[poses])  # of angles, the level tells the depth
            return features
        emg = training.segments.emg(drawn).to(training.device) * gain[..., None]
        return training.network.features_at(emg, training.ends)

    def state(self) -> dict[str, Any]:
        """Returns the state for a checkpoint."""
        return {
            "done": self.done,
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": self.average.state_dict(),
            "probe": self._probe.state_dict() if self._probe else {},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restores the state of a checkpoint."""
        self.done = state["done"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.average.load_state_dict(state["average"])
        if self._probe:
            self._probe.load_state_dict(state["probe"])


def _warm_up(steps: int) -> float:
    """Returns the warm-up share; torch divides by steps * share - 1, which must not be 0."""
    return 2 * WARM_UP if steps * WARM_UP == 1 else WARM_UP
