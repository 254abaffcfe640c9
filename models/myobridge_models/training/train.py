"""Trains for the closed loop: random phase, balanced movements, the network's own past outputs as its history.

Each step unrolls the MLP over a few windows `HISTORY_STEP_S` apart. The history begins at a random pose, so that the
network learns to leave a wrong one, and continues with the network's own outputs: it never sees the true past.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import torch

from myobridge_models.data.takes import Take
from myobridge_models.network.families.base import CacheableNetwork, Network
from myobridge_models.training.checkpoint import Checkpoint
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.stage import Stage, Training
from myobridge_models.training.validation import Validation

CHECK_STEPS: Final = 250
"""Steps between two checkpoints, and between two validations."""
SAVE_S: Final = 30.0
"""A slow machine keeps a checkpoint after this time."""

Progress = Callable[[int, float], None]
"""Called after each step with its number and its loss in degrees."""


def fastest_device() -> str:
    """Returns "cuda" if there is a GPU, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


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
    training = Training(takes, network, recipe, device)
    if recipe.detector_share:
        first = training.segments.draw(recipe.segments, training.rng)
        network.fit_gain(training.segments.emg(first))
    network.to(device).train()
    saved = checkpoint.load() if checkpoint else None
    steps_before = 0
    for number, stage in enumerate(training.stages()):
        if saved is not None and saved["stage"] > number:
            network.load_state_dict(saved["network"])  # the detectors, for the next stage's feature cache
        else:
            if saved is not None:
                _restore(training, stage, validation, saved)
                saved = None
            for loss_deg in _steps(training, stage, number, validation, checkpoint):
                if progress:
                    progress(steps_before + stage.done, loss_deg)
            network.load_state_dict(stage.averaged.state_dict())
        steps_before += stage.steps
    network.cpu().eval()
    if validation:
        validation.validate(network)
        validation.take_best(network)
    if isinstance(network, CacheableNetwork):
        network.fold()
    return network


def _steps(
    training: Training, stage: Stage, number: int, validation: Validation | None, checkpoint: Checkpoint | None
) -> Iterator[float]:
    """Runs the steps of a stage, with validations and checkpoints; yields the loss of each step in degrees."""
    saved_s = time.monotonic()
    validates = validation if number + 1 == training.stage_count else None
    while stage.done < stage.steps and not (validates and validates.over):
        yield stage.step()
        if validates and stage.done % CHECK_STEPS == 0:
            validates.validate(stage.averaged)
        if checkpoint and _due(stage.done, saved_s):
            checkpoint.save(_state(training, stage, validation, number))
            saved_s = time.monotonic()


def _due(steps: int, saved_s: float) -> bool:
    """Returns whether a checkpoint is due: after the first step, then regularly, however slow the machine is."""
    return steps == 1 or steps % CHECK_STEPS == 0 or time.monotonic() - saved_s > SAVE_S


def _state(training: Training, stage: Stage, validation: Validation | None, number: int) -> dict[str, Any]:
    """Returns everything that the next step depends on."""
    return {
        "stage": number,
        "network": training.network.state_dict(),
        "steps": stage.state(),
        "torch": torch.get_rng_state(),
        "numpy": json.dumps(training.rng.bit_generator.state),
        "validation": validation.state() if validation else {},
    }


def _restore(training: Training, stage: Stage, validation: Validation | None, saved: dict[str, Any]) -> None:
    training.network.load_state_dict(saved["network"])
    stage.restore(saved["steps"])
    torch.set_rng_state(saved["torch"])
    training.rng.bit_generator.state = json.loads(saved["numpy"])
    if validation and saved["validation"]:
        validation.restore(saved["validation"])
