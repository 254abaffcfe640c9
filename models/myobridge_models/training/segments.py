"""Draws training segments: at random phase, movements equally often, several windows in a row for the closed loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from myobridge.errors import UserError
from myobridge.model.file import REST
from myobridge_models.data.takes import Take
from myobridge_models.network.families.base import InputShape
from myobridge_models.training.recipe import Recipe, history_samples


class Drawn(NamedTuple):
    """Segments of takes.

    take: int64 (N,); ends: int64 (N, unroll), samples of the take at which the windows end.
    target_deg (N, unroll, 5), movement (N, unroll) from 0, -1 where angles are known and no movement is, and whether a
    window counts (N, unroll). past_deg (N, 10): the targets one and two steps before the first window.
    """

    take: NDArray[np.int64]
    ends: NDArray[np.int64]
    target_deg: Tensor
    movement: Tensor
    counts: Tensor
    past_deg: Tensor


class Segments:
    """Draws segments of `unroll` windows in a row, one history step apart."""

    def __init__(self, takes: Sequence[Take], shape: InputShape, recipe: Recipe) -> None:
        """Finds the places where windows may end.

        Raises:
            UserError: no take is long enough, or there is only one movement.
        """
        self._window = shape.window_samples
        self.step = history_samples(shape.fs_hz)
        self._unroll = recipe.unroll
        self._rest_share, self._angles_share = recipe.rest_share, recipe.angles_share
        self._every = 1 if recipe.random_phase else self.step
        self._span = self._window + (recipe.unroll - 1) * self.step
        self.takes = [take for take in takes if len(take) >= self._span]
        self._movements, self._places = self._find_places()

    @property
    def ends(self) -> NDArray[np.int64]:
        """Index in a segment of each window's last sample, (unroll,)."""
        return self._window - 1 + self.step * np.arange(self._unroll)

    @property
    def movements(self) -> int:
        """Number of different movements; 0 if the targets are angles only."""
        return int((self._movements >= REST).sum())

    def _find_places(self) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
        """Returns the movements, and for each of them the (take, sample) of every allowed window end, (places, 2)."""
        found = []
        for number, take in enumerate(self.takes):
            ends = np.flatnonzero(take.usable)
            ends = ends[(ends >= self._window - 1) & (ends % self._every == 0)]
            found.append(np.column_stack([np.full(len(ends), number), ends, take.movement[ends]]))
        places = np.concatenate(found) if found else np.empty((0, 3), np.int64)
        if not len(places):
            raise UserError(
                f"There is too little data: no stretch of {self._span} samples without a break to train on; "
                "record longer."
            )
        movements = np.unique(places[:, 2])
        return movements, [places[places[:, 2] == movement, :2] for movement in movements]

    def _shares(self) -> NDArray[np.float64]:
        """Returns how often each movement is drawn: poses equally often, and movements of one pose share its part.

        A thumb pose is harder to tell from four wrist movements than from one; the movements' common answer must not
        dominate. Takes with angles have their own share, at any time of which a segment may end.
        """
        angles = self._movements < REST
        if angles.any() and not angles.all():
            shares = np.where(angles, self._angles_share, 0.0)
            shares[~angles] = (1 - self._angles_share) * self._shares_of_poses(self._movements[~angles])
            return shares
        return self._shares_of_poses(self._movements)

    def _shares_of_poses(self, movements: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns how often each of the movements is drawn, rest among them."""
        rest = movements == REST
        if not rest.any() or rest.all():
            return np.full(len(rest), 1 / len(rest))
        places = self._places[-len(movements) :]
        pose = [tuple(self.takes[at[0, 0]].target_deg[at[0, 1]]) for at in places]
        moving = [p for p, resting in zip(pose, rest, strict=True) if not resting]
        part = np.array([1 / moving.count(p) if p in moving else 0.0 for p in pose]) * ~rest
        return np.where(rest, self._rest_share, (1 - self._rest_share) * part / part.sum())

    def draw(self, count: int, rng: np.random.Generator) -> Drawn:
        """Draws `count` segments; the drawn window may be any of a segment's windows, as far as the take reaches."""
        take, ends = zip(
            *(self._place(m, rng) for m in rng.choice(len(self._places), count, p=self._shares())), strict=True
        )
        rows = [(self.takes[t], e) for t, e in zip(take, ends, strict=True)]
        movement = np.stack([t.movement[e] for t, e in rows])
        return Drawn(
            np.array(take),
            np.stack(ends),
            torch.from_numpy(np.stack([t.target_deg[e] for t, e in rows])),
            torch.from_numpy(self._number(movement)),
            torch.from_numpy(np.stack([t.usable[e] for t, e in rows])),
            torch.from_numpy(np.stack([self._past_deg(t, e[0]) for t, e in rows])),
        )

    def _past_deg(self, take: Take, end: int) -> NDArray[np.float32]:
        """Returns the targets one and two steps before a window's end, (10,)."""
        past: NDArray[np.float32] = take.target_deg[np.maximum(0, end - self.step * np.array((1, 2)))].reshape(-1)
        return past

    def _number(self, movement: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the numbers of labels among the known ones, from 0; -1 for angles."""
        known = self._movements[self._movements >= REST]
        number = np.searchsorted(known, movement).clip(max=max(0, len(known) - 1))
        return np.where(movement < REST, -1, number)

    def _place(self, movement: int, rng: np.random.Generator) -> tuple[int, NDArray[np.int64]]:
        places = self._places[movement]
        number, end = places[rng.integers(len(places))]
        before = np.arange(self._unroll) * self.step
        first = end - before
        fits = (first >= self._window - 1) & (first + before[-1] < len(self.takes[number]))
        return int(number), int(rng.choice(first[fits])) + before

    def within_one_movement(self, drawn: Drawn) -> Tensor:
        """Tells for each drawn window whether the movement stays the same from its first sample to its last, (N, K)."""
        movement = [
            self.takes[t].movement[np.stack((e, e - self._window + 1))] for t, e in zip(*drawn[:2], strict=True)
        ]
        last, first = np.stack(movement, axis=1)
        return torch.from_numpy(last == first)

    def emg(self, drawn: Drawn) -> Tensor:
        """Returns emg (N, C, span) of the segments, whose windows end at `ends`."""
        starts = drawn.ends[:, 0] - (self._window - 1)
        cut = [self.takes[t].emg[:, s : s + self._span] for t, s in zip(drawn.take, starts, strict=True)]
        return torch.from_numpy(np.stack(cut))

    def poses_deg(self) -> Tensor:
        """Returns the targets of the training, thinned out, (P, 5)."""
        return torch.from_numpy(np.concatenate([take.target_deg[take.usable] for take in self.takes])[:: self.step])
