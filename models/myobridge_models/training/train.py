"""Trains for the closed loop: random phase, balanced movements, the network's own past outputs as its history.

Each step unrolls the MLP over a few windows `HISTORY_STEP_S` apart. The history begins at a random pose, so that the
network learns to leave a wrong one, and continues with the network's own outputs: it never sees the true past.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from myobridge import SERVOS
from myobridge_models.data.augment import altered
from myobridge_models.data.label_alignment import followed
from myobridge_models.data.takes import Take
from myobridge_models.network.families.base import FULL_SWING_DEG, Network, RememberingNetwork
from myobridge_models.network.shape import HISTORY_STEPS
from myobridge_models.training.checkpoint import Checkpoint
from myobridge_models.training.feature_cache import Memory
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.segments import Drawn, Segments
from myobridge_models.training.validation import Validation

PROBE_UNITS: Final = 64
LOOK_STEPS: Final = 250
"""Steps between two checkpoints, and between two validations."""
SAVE_S: Final = 30.0
"""A slow machine keeps a checkpoint after this time."""

Progress = Callable[[int, float], None]
"""Called after each step with its number and its loss in degrees."""


def fastest_device() -> str:
    """Returns "cuda" if there is a GPU, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def random_history(poses_deg: Tensor, count: int, noise_deg: float) -> Tensor:
    """Returns histories (count, 10) that do not tell the present: random rows of poses_deg (P, 5), with noise."""
    held = poses_deg[torch.randint(len(poses_deg), (count,))].repeat(1, HISTORY_STEPS)
    return (held + noise_deg * torch.randn_like(held)).clamp(0, FULL_SWING_DEG)


def closed_loop_loss(
    network: Network, features: Tensor, history_deg: Tensor, target_deg: Tensor, counts: Tensor
) -> Tensor:
    """Returns the mean absolute error as a share of the full swing, over the windows that count.

    features (N, K, F) of K windows in a row, history_deg (N, 10) before the first, target_deg (N, K, 5), counts (N, K).
    """
    total = features.new_zeros(())
    for k in range(features.shape[1]):
        angles = network.decide(features[:, k], history_deg)  # (N, 5)
        error = (angles - target_deg[:, k]).abs().mean(dim=1) / FULL_SWING_DEG
        total = total + (error * counts[:, k]).sum()
        history_deg = torch.cat((angles.detach(), history_deg[:, : len(SERVOS)]), dim=1)
    return total / counts.sum().clamp(min=1)


def probe_loss(scores: Tensor, movement: Tensor, counts: Tensor) -> Tensor:
    """Returns the cross-entropy of scores (N, K, movements) over the windows that count (N, K)."""
    each = nn.functional.cross_entropy(scores.flatten(0, 1), movement.flatten(), reduction="none")
    return (each * counts.flatten()).sum() / counts.sum().clamp(min=1)


class _Stage:
    """Some steps with one optimiser; the next stage begins with the running average of the weights."""

    def __init__(self, training: _Training, steps: int, segments: int, memory: Memory | None, probe: bool) -> None:
        recipe, network = training.recipe, training.network
        self.steps, self._segments, self._memory = steps, segments, memory
        self._training = training
        trained = memory.network.head() if memory else network
        self._probe = self._make_probe() if probe else None
        self._parameters = [*trained.parameters(), *(self._probe.parameters() if self._probe else ())]
        self.optimiser = torch.optim.AdamW(self._parameters, recipe.learning_rate, weight_decay=recipe.weight_decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, recipe.learning_rate, total_steps=steps, pct_start=0.1
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
        """Makes a layer pair that tells movements apart by the features alone; it is discarded after the stage."""
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
        target, movement, counts = (part.to(training.device) for part in drawn[2:])
        history = random_history(training.poses_deg, len(drawn.take), recipe.history_noise_deg).to(training.device)
        loss = closed_loop_loss(training.network, features, history, target, counts)
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

    def _features(self, drawn: Drawn) -> Tensor:
        """Returns features (N, unroll, F) of the drawn windows; each channel of a segment has its own gain."""
        training = self._training
        recipe, count = training.recipe, len(drawn.take)
        own = recipe.gain_jitter * torch.randn(count, training.network.shape.channels)
        gain = torch.exp(own + recipe.level_jitter * torch.randn(count, 1)).to(training.device)
        if self._memory is not None:
            return self._memory.features(drawn, gain)
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


class _Training:
    """The parts that all stages share."""

    def __init__(self, takes: Sequence[Take], network: Network, recipe: Recipe, device: str) -> None:
        self.recipe, self.network, self.device = recipe, network, device
        self.rng = np.random.default_rng(recipe.seed)
        fs_hz = network.shape.fs_hz
        real = [followed(take, fs_hz) for take in takes] if recipe.follow else list(takes)
        copies = [altered(take, fs_hz, self.rng) for _ in range(recipe.copies) for take in real]
        self.segments = Segments([*real, *copies], network.shape, recipe)
        self.poses_deg = self.segments.poses_deg()
        self.ends = torch.from_numpy(self.segments.ends).to(device)

    @property
    def stage_count(self) -> int:
        """Number of stages."""
        return 2 if isinstance(self.network, RememberingNetwork) and self.recipe.detector_share else 1

    def stages(self) -> Iterator[_Stage]:
        """Yields the stages in order; each is made when the one before it has ended."""
        recipe, network = self.recipe, self.network
        probe = recipe.probe_weight > 0 and self.segments.movements > 1
        if not isinstance(network, RememberingNetwork):
            yield _Stage(self, recipe.steps, recipe.segments, None, probe)
            return
        if recipe.detector_share:
            yield _Stage(self, recipe.detector_steps, recipe.segments // 2, None, probe)
            network.reset_head()
        memory = Memory(network, self.segments.takes, self.device)
        yield _Stage(self, recipe.steps - recipe.detector_steps, recipe.head_segments, memory, probe=False)


def train(
    takes: Sequence[Take],
    network: Network,
    recipe: Recipe,
    device: str = "cpu",
    progress: Progress | None = None,
    validation: Validation | None = None,
    checkpoint: Checkpoint | None = None,
) -> Network:
    """Trains the network on scaled takes; returns it on the CPU in evaluation mode. The caller seeds torch.

    Args:
        takes: scaled, with the cue's movements; labels are aligned here, and altered copies are added.
        network: of any family; fresh, unless the recipe has no detector stage.
        recipe: how to train.
        device: "cpu" or "cuda".
        progress: called after each step.
        validation: ends the training early, and keeps the best network.
        checkpoint: keeps an interrupted training and resumes it; the caller removes it at the end.

    Raises:
        UserError: the data do not suffice, or the checkpoint belongs to another training.
    """
    training = _Training(takes, network, recipe, device)
    if recipe.detector_share:
        first = training.segments.draw(recipe.segments, training.rng)
        network.fit_gain(training.segments.emg(first))
    network.to(device).train()
    saved = checkpoint.load() if checkpoint else None
    before, saved_s = 0, time.monotonic()
    for number, stage in enumerate(training.stages()):
        if saved is not None and saved["stage"] > number:
            network.load_state_dict(saved["network"])  # the detectors, for the next stage's feature cache
            before += stage.steps
            continue
        if saved is not None:
            _restore(training, stage, validation, saved)
            saved = None
        last = number + 1 == training.stage_count
        while stage.done < stage.steps and not (last and validation and validation.over):
            loss_deg = stage.step()
            if progress:
                progress(before + stage.done, loss_deg)
            if stage.done % LOOK_STEPS == 0 and last and validation:
                validation.look(stage.averaged)
            if checkpoint and _due(stage.done, saved_s):
                checkpoint.save(_state(training, stage, validation, number))
                saved_s = time.monotonic()
        before += stage.steps
        network.load_state_dict(stage.averaged.state_dict())
    network.cpu().eval()
    if validation:
        validation.look(network)
        validation.take_best(network)
    return network


def _due(steps: int, saved_s: float) -> bool:
    """Returns whether a checkpoint is due: after the first step, then regularly, however slow the machine is."""
    return steps == 1 or steps % LOOK_STEPS == 0 or time.monotonic() - saved_s > SAVE_S


def _state(training: _Training, stage: _Stage, validation: Validation | None, number: int) -> dict[str, Any]:
    """Returns everything that the next step depends on."""
    return {
        "stage": number,
        "network": training.network.state_dict(),
        "steps": stage.state(),
        "torch": torch.get_rng_state(),
        "numpy": json.dumps(training.rng.bit_generator.state),
        "validation": validation.state() if validation else {},
    }


def _restore(training: _Training, stage: _Stage, validation: Validation | None, saved: dict[str, Any]) -> None:
    training.network.load_state_dict(saved["network"])
    stage.restore(saved["steps"])
    torch.set_rng_state(saved["torch"])
    training.rng.bit_generator.state = json.loads(saved["numpy"])
    if validation and saved["validation"]:
        validation.restore(saved["validation"])
