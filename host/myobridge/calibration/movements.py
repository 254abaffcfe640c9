"""Reads the movements that `myobridge record --follow` shows."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from myobridge.calibration.plan import Timing
from myobridge.calibration.tables import check_different, load_tables
from myobridge.errors import UserError
from myobridge.model.file import REST_DEG
from myobridge.recording.movement import Movement

DEFAULT: Final = Path(str(files("myobridge.calibration"))) / "movements.toml"
TIMING: Final = Timing(repetitions=2, rest_s=2.0)
"""Two repetitions, one of them to judge on."""


def load_movements(path: Path = DEFAULT) -> tuple[Movement, ...]:
    """The movements of a file, in the order of the file.

    Raises:
        UserError: the file does not exist, is not TOML, has an unknown key or a wrong value, or holds no movement.
    """
    movements, lines = load_tables(path, "the movements file", "movement", Movement)
    check_different(movements, lines)
    for number, movement in enumerate(movements):
        if movement.angles_deg == REST_DEG:
            raise UserError(f"{lines.at(number, 'angles_deg')}: this is the pose of rest; write a pose to move to.")
    if not movements:
        raise UserError(f"{lines.at(0)}: there is no movement; add a table [[movement]].")
    return movements
