"""Training for the closed loop: random phase, every movement equally often, the network's own past as its history.

Windows of one segment overlap almost wholly, so each step evaluates the convolutions once over a segment and then
unrolls the MLP over a few windows `HISTORY_STEP_S` apart. The history begins at a random pose, so that the network
learns to leave a wrong one, and goes on with the network's own outputs: it never sees the true past.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge_models.data import Take
from myobridge_models.families.base import FULL_SWING_DEG, InputShape, Network
from myobridge_models.receptive import HISTORY_STEPS

HOP_S: Final = 0.005
"""From one decision to the next."""
HISTORY_STEP_S: Final = 0.05
"""From A(n-1) to A(n) to now, as nearly as whole hops allow."""


def hop_samples(fs_hz: float) -> int:
    """Samples from one decision to the next."""
    return max(1, round(HOP_S * fs_hz))


def history_hops(fs_hz: float) -> int:
    """Hops from one history value to the next."""
    return round(HISTORY_STEP_S * fs_hz / hop_samples(fs_hz))


Progress = Callable[[int, float], None]
"""Called after each step with its number and its loss in degrees."""


@dataclass(frozen=True)
class Recipe:
    """How to train; models/README.md says why."""

    steps: int = 2000
    segments: int = 16
    """Segments a step, each from another place."""
    unroll: int = 4
    """Windows of a segment, one history step apart."""
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    dropout: float = 0.15
    gain_jitter: float = 0.2
    """Standard deviation of the log of each channel's gain: electrodes never sit the same way twice."""
    history_noise_deg: float = 15.0
    average: float = 0.995
    """Memory of the running average of the weights, which is what is kept."""
    seed: int = 0


def recipe(seed: int, steps: int | None) -> Recipe:
    """The recipe with a seed, and with another number of steps if one is given."""
    return replace(Recipe(seed=seed), **({} if steps is None else {"steps": steps}))


def fastest_device() -> str:
    """A GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


class Segments:
    """Draws segments that end `unroll` windows in a row, at random phase, each movement equally often."""

    def __init__(self, takes: Sequence[Take], shape: InputShape, recipe: Recipe) -> None:
        """Finds where windows may end.

        Raises:
            UserError: there is no take long enough, or only one movement.
        """
        self._window = shape.window_samples
        self.step = history_hops(shape.fs_hz) * hop_samples(shape.fs_hz)
        self._unroll = recipe.unroll
        self._count = recipe.segments
        self._rng = np.random.default_rng(recipe.seed)
        self._span = self._window + (recipe.unroll - 1) * self.step
        self._takes = [take for take in takes if len(take) >= self._span]
        self._places = self._find_places()

    @property
    def ends(self) -> NDArray[np.int64]:
        """Index in a segment of each window's last sample, (unroll,)."""
        return self._window - 1 + self.step * np.arange(self._unroll)

    def _find_places(self) -> list[NDArray[np.int64]]:
        """Per movement, (take, sample) of every window end that may be trained on, (places, 2)."""
        found = []
        for number, take in enumerate(self._takes):
            ends = np.flatnonzero(take.usable)
            ends = ends[ends >= self._window - 1]
            found.append(np.column_stack([np.full(len(ends), number), ends, take.movement[ends]]))
        places = np.concatenate(found) if found else np.empty((0, 3), np.int64)
        if not len(places):
            raise UserError(
                f"There is too little data: no stretch of {self._span} samples without a break that may be trained on; "
                "record longer."
            )
        movements = np.unique(places[:, 2])
        if len(movements) == 1 and movements[0] >= 0:
            raise UserError(f"All training data have the label {movements[0]}; record at least two movements.")
        return [places[places[:, 2] == movement, :2] for movement in movements]

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """emg (N, C, span), target in degrees (N, unroll, 5), and whether each window counts (N, unroll)."""
        emg, target, counts = zip(*(self._one() for _ in range(self._count)), strict=True)
        return torch.from_numpy(np.stack(emg)), torch.from_numpy(np.stack(target)), torch.from_numpy(np.stack(counts))

    def _one(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        places = self._places[self._rng.integers(len(self._places))]
        number, end = places[self._rng.integers(len(places))]
        take = self._takes[number]
        # The drawn window is any of the segment's, as far as the take reaches.
        before = np.arange(self._unroll) * self.step
        first = end - before
        fits = (first >= self._window - 1) & (first + before[-1] < len(take))
        start = self._rng.choice(first[fits]) - (self._window - 1)
        ends = start + self.ends
        return take.emg[:, start : start + self._span], take.target_deg[ends], take.usable[ends]


def random_history(poses_deg: Tensor, count: int, noise_deg: float) -> Tensor:
    """Histories (count, 10) that say nothing about the present: any of poses_deg (P, 5) held, and noise."""
    held = poses_deg[torch.randint(len(poses_deg), (count,))].repeat(1, HISTORY_STEPS)
    return (held + noise_deg * torch.randn_like(held)).clamp(0, FULL_SWING_DEG)


def closed_loop_loss(
    network: Network, features: Tensor, history_deg: Tensor, target_deg: Tensor, counts: Tensor
) -> Tensor:
    """Mean absolute error as a share of the full swing, over the windows that count.

    features (N, K, F) of K windows in a row, history_deg (N, 10) before the first, target_deg (N, K, 5), counts (N, K).
    """
    total = features.new_zeros(())
    for k in range(features.shape[1]):
        angles = network.decide(features[:, k], history_deg)  # (N, 5)
        error = (angles - target_deg[:, k]).abs().mean(dim=1) / FULL_SWING_DEG
        total = total + (error * counts[:, k]).sum()
        history_deg = torch.cat((angles.detach(), history_deg[:, : len(SERVOS)]), dim=1)
    return total / counts.sum().clamp(min=1)


def train(
    takes: Sequence[Take], network: Network, recipe: Recipe, device: str = "cpu", progress: Progress | None = None
) -> Network:
    """The fresh network trained on scaled takes, on the CPU and in evaluation mode; the caller seeds torch.

    Raises:
        UserError: the data do not allow it.
    """
    segments = Segments(takes, network.shape, recipe)
    network.fit_gain(segments.draw()[0])
    network.to(device).train()
    poses = torch.from_numpy(np.concatenate([take.target_deg[take.usable] for take in takes])[:: segments.step])
    optimiser = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.steps, pct_start=0.1
    )
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))  # type: ignore[no-untyped-call]
    ends = torch.from_numpy(segments.ends).to(device)
    for step in range(recipe.steps):
        emg, target, counts = (part.to(device) for part in segments.draw())
        emg = emg * torch.exp(recipe.gain_jitter * torch.randn(*emg.shape[:2], 1, device=device))
        history = random_history(poses, len(emg), recipe.history_noise_deg).to(device)
        loss = closed_loop_loss(network, network.features_at(emg, ends), history, target, counts)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        if progress:
            progress(step + 1, FULL_SWING_DEG * loss.item())
    network.load_state_dict(average.module.state_dict())
    return network.cpu().eval()
