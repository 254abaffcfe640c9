"""Folds: every decoder learns from all repetitions of a person but one, and then decides on that one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording import Recording
from myobridge_models.data.biopatrec import POSES
from myobridge_models.data.people import files_in, load_person
from myobridge_models.data.takes import Take, design_prefilter, takes_of
from myobridge_models.data.training_set import moving_repetitions
from myobridge_models.evaluation.decisions import Angles, Decisions
from myobridge_models.evaluation.evaluate import rest_of
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.train import Progress


@dataclass(frozen=True)
class Fold:
    """One held-out repetition of one person's recording; errors name `source`."""

    person: int
    source: Path
    recording: Recording
    held_out: int
    poses: tuple[LabelledPose, ...]

    @cached_property
    def takes(self) -> list[Take]:
        """Filtered, in ADC half ranges, with targets; the held-out repetition is included."""
        return takes_of(self.recording, self.source, design_prefilter(self.recording.fs_hz), self.poses)

    @property
    def others(self) -> list[int]:
        """The repetitions to train on."""
        assert self.recording.repetition is not None
        return [r for r in np.unique(self.recording.repetition).tolist() if r != self.held_out]

    @property
    def truth_deg(self) -> Angles:
        """float32 (samples, 5)."""
        return np.concatenate([take.target_deg for take in self.takes])

    @property
    def rest_deg(self) -> Angles:
        """The rest pose, float32 (5,)."""
        return rest_of(self.poses)


@dataclass(frozen=True)
class Context:
    """The parts common to all folds: the folder with all people, the recipe, and the receiver of progress."""

    data: Path
    recipe: Recipe
    progress: Progress | None = None
    populations: Path = Path()
    """Folder with the networks of other people; see `population`."""


Learnt = Callable[[Recording, Path], Decisions]
"""Decides on a whole recording of the same board; errors name the path."""
Decoder = Callable[[Fold, Context], Learnt]
"""Learns without the fold's held-out repetition."""


def folds_of(
    person: int, source: Path, recording: Recording, poses: tuple[LabelledPose, ...], held_out: Iterable[int] | None
) -> list[Fold]:
    """Returns a fold for each repetition of the recording that contains movements, or for those in `held_out`.

    Raises:
        UserError: a repetition of `held_out` is missing, or none is left to train on.
    """
    present = moving_repetitions((source, recording))
    chosen = present if held_out is None else list(dict.fromkeys(held_out))
    missing = [fold for fold in chosen if fold not in present]
    if missing:
        raise UserError(f"{source} has no repetition {missing[0]} to hold out; it has {present}, choose among them.")
    return [Fold(person, source, recording, fold, poses) for fold in chosen]


def folds_in(folder: Path, people: Sequence[int] | None, held_out: Sequence[int] | None) -> list[Fold]:
    """Returns the benchmark's folds: of all people in the folder and all their repetitions, or of the given ones.

    A recording's own poses take precedence over BioPatRec's.

    Raises:
        UserError: a person or a repetition is missing, or a recording cannot be split by repetition.
    """
    folds = []
    for person in dict.fromkeys(people or files_in(folder)):
        source, recording = load_person(folder, person)
        folds += folds_of(person, source, recording, recording.poses or POSES, held_out)
    return folds
