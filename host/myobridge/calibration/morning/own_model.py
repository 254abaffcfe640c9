"""Which file is the wearer's own model: the one that a calibration writes, and that a start after it uses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from myobridge.daemon.permission.estop_memory import state_folder
from myobridge.model.shipped import shipped_models

FOLDER: Final = "models"


def is_shipped(given: Path) -> bool:
    """Whether a model file came with the package."""
    return given.absolute() in {path.absolute() for path in shipped_models().values()}


def own_model(given: Path) -> Path:
    """The file for the calibrations of a model: the model itself, or one in the state folder where it is not ours.

    A shipped model belongs to the package, and a file in a folder that cannot be written to belongs to somebody else.
    """
    given = given.absolute()
    ours = os.access(given.parent, os.W_OK) and not is_shipped(given)
    return given if ours else state_folder() / FOLDER / given.name


def newest_model(given: Path) -> Path:
    """The calibrated model that was made of `given`, if there is one; else `given`."""
    own = own_model(given)
    return own if own.is_file() else given
