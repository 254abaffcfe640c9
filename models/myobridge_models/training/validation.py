"""Early stopping: validates the averaged network in closed loop on a repetition outside the training."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge_models.data.takes import Take
from myobridge_models.network.families.base import Network
from myobridge_models.network.shape import HISTORY_STEPS
from myobridge_models.training.recipe import history_samples

PATIENCE: Final = 4
"""Validations without an improvement until the training ends."""


@torch.no_grad()
def closed_loop_mae(network: Network, takes: Sequence[Take], rest_deg: Sequence[float]) -> float:
    """Returns the mean absolute error in degrees over takes longer than a window.

    Each take starts from rest, and there is one decision per history step.
    """
    shape, errors = network.shape, []
    step = history_samples(shape.fs_hz)
    for take in takes:
        ends = np.arange(shape.window_samples - 1, len(take), step)
        if not len(ends):
            continue
        features = network.features_at(torch.from_numpy(take.emg)[None], torch.from_numpy(ends))[0]
        history = torch.tensor(rest_deg, dtype=torch.float32).repeat(1, HISTORY_STEPS)
        for at, row in zip(ends, features, strict=True):
            angles = network.decide(row[None], history if shape.history_values else None)
            history = torch.cat((angles, history[:, : len(SERVOS)]), dim=1)
            errors.append(np.abs(angles[0].numpy() - take.target_deg[at]).mean())
    return float(np.mean(errors))


class Validation:
    """Keeps the best network so far."""

    def __init__(self, takes: Sequence[Take], rest_deg: Sequence[float], window_samples: int) -> None:
        """Raises UserError if every take is shorter than a window."""
        if all(len(take) < window_samples for take in takes):
            raise UserError(
                f"The repetition to validate on has no stretch of {window_samples} samples; record longer, or choose "
                "another."
            )
        self._takes, self._rest_deg = takes, rest_deg
        self.best_deg = float("inf")
        self._best: dict[str, Any] = {}
        self._since = 0

    def validate(self, network: Network) -> None:
        """Validates the network as it is now."""
        was_training, device = network.training, next(network.parameters()).device
        found_deg = closed_loop_mae(network.cpu().eval(), self._takes, self._rest_deg)
        network.to(device).train(was_training)
        self._since += 1
        if found_deg < self.best_deg:
            self.best_deg, self._since = found_deg, 0
            self._best = copy.deepcopy(network.state_dict())

    @property
    def over(self) -> bool:
        """Whether the network no longer improves."""
        return self._since >= PATIENCE

    def state(self) -> dict[str, Any]:
        """Returns the state for a checkpoint."""
        return {"best_deg": self.best_deg, "best": self._best, "since": self._since}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores the state of a checkpoint."""
        self.best_deg, self._best, self._since = state["best_deg"], state["best"], state["since"]

    def take_best(self, network: Network) -> None:
        """Gives the network its best weights."""
        if self._best:
            network.load_state_dict(self._best)
