"""MATLAB files up to version 7; those of version 7.3 are HDF5."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.recording.extras import need
from myobridge.recording.importing.found import Found, Stored, array_reader, columns_of, damaged, is_series, rows_in
from myobridge.recording.importing.mapping import Mapping
from myobridge.recording.importing.names import rate_in

FORM: Final = "MATLAB"
TYPES: Final = {"double": "f8", "single": "f4", "logical": "u1"} | {
    f"{sign}int{bits}": f"{'u' if sign else 'i'}{bits // 8}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
"""MATLAB's classes of numbers. Structures and cells are left out."""


def look(path: Path) -> Found:
    """Looks at the variables.

    Raises:
        UserError: scipy is not installed, or the file is damaged or holds no numbers.
    """
    scipy_io = need("scipy.io", "Importing MATLAB files", "import")

    @cache
    def variable(name: str) -> NDArray[Any]:
        try:
            with warnings.catch_warnings(action="ignore"):
                value: NDArray[Any] = scipy_io.loadmat(path, variable_names=[name])[name]
        except MemoryError:
            raise
        except Exception as error:  # zlib, struct and scipy's own types
            raise damaged(path, FORM, error) from error
        if value.dtype.kind not in "iufb":
            raise UserError(f"{path}: '{name}' holds {value.dtype}; choose a variable of real numbers.")
        return value

    try:
        listed = [(name, shape, TYPES[kind]) for name, shape, kind in scipy_io.whosmat(path) if kind in TYPES]
    except Exception as error:
        raise damaged(path, FORM, error) from error
    series = [(name, shape, np.dtype(kind)) for name, shape, kind in listed if is_series(shape, np.dtype(kind))]
    if not series:
        raise UserError(
            f"{path} holds no variable that is a matrix of numbers (structures and cells are not read); save the EMG "
            "as a matrix of its own."
        )
    stored = [
        Stored(name, shape, kind, lambda start, stop, name=name: rows_in(variable(name))(start, stop))  # type: ignore[misc]
        for name, shape, kind in series
    ]
    columns, places = columns_of(stored)
    small = {name: variable(name) for name, shape, _ in listed if np.prod(shape) == 1}
    return Found(path, FORM, columns, array_reader(places), Mapping(rate_hz=rate_in(small)))
