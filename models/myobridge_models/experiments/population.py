"""Networks of many people, from which the calibration of a new person begins.

A person is never judged by a network that has seen them. The people are divided into a few groups, and the network of a
group is trained on everybody outside it: a fifth of the work of one network per person.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge_models.data import biopatrec
from myobridge_models.data.labels import poses_of
from myobridge_models.data.people import files_in, load_person
from myobridge_models.data.training_set import Source
from myobridge_models.experiments.folds import Context, Fold
from myobridge_models.experiments.parallel import Workers
from myobridge_models.export.export import export
from myobridge_models.training.build import build
from myobridge_models.training.earlier_days import add_statistics
from myobridge_models.training.recipe import POPULATION
from myobridge_models.training.train import fastest_device

GROUPS: Final = 5


def group_of(person: int) -> int:
    """Returns the group of a person; the people of a group are left out together."""
    return person % GROUPS


def model_path(folder: Path, group: int) -> Path:
    """Returns the file of the network of everybody outside a group."""
    return folder / f"without-group-{group}.onnx"


def model_for(fold: Fold, context: Context) -> Path:
    """Returns the file of a network that has never seen the fold's person."""
    return model_path(context.populations, group_of(fold.person))


def train_groups(people: Sequence[int], data: Path, folder: Path, workers: Workers) -> None:
    """Trains the networks that these people need, unless the folder has them already.

    Raises:
        UserError: the recordings are of different boards, or there are no other people.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [g for g in sorted({group_of(p) for p in people}) if not model_path(folder, g).exists()]
    list(workers.spread(partial(train_group, data=data, folder=folder), missing))


def people_outside(group: int, data: Path) -> list[Source]:
    """Returns the recordings of everybody outside the group.

    Raises:
        UserError: there are no other people.
    """
    people = [person for person in files_in(data) if group_of(person) != group]
    if not people:
        raise UserError(f"All people in {data} would be left out together; add recordings of others.")
    return [load_person(data, person) for person in people]


def train_group(group: int, data: Path, folder: Path) -> None:
    """Trains the network of everybody outside the group.

    Raises:
        UserError: as for `train_groups`.
    """
    sources = people_outside(group, data)
    poses = poses_of(sources, biopatrec.POSES)
    path = model_path(folder, group)
    export(*build(path.stem, sources, poses, POPULATION, device=fastest_device()), path)
    add_statistics(path, sources)
