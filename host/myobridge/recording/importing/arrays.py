"""NumPy files: `.npy`, and `.npz` from other programs or from myobridge."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording.importing.found import Found, Stored, array_reader, columns_of, is_series, number_in, rows_in
from myobridge.recording.importing.mapping import Mapping
from myobridge.recording.importing.names import rate_in
from myobridge.recording.npz_file import Array, NpzFile

ONE: Final = "emg"
NPY: Final = b"\x93NUMPY"


def look(path: Path) -> Found:
    """Looks at one array, or at the arrays of an `.npz`.

    Raises:
        UserError: the file is cut short or too large, or holds no numbers.
    """
    with path.open("rb") as file:
        one = file.read(len(NPY)) == NPY
    return _look_npy(path) if one else _look_npz(path)


def _look_npy(path: Path) -> Found:
    try:
        array = np.load(path, mmap_mode="r")
    except Exception as error:  # an array of Python objects, which could run code; a header that is no Python
        raise UserError(
            f"{path} is not a whole NumPy array of numbers ({error}); copy the file again, or store numbers only."
        ) from error
    if not is_series(array.shape, array.dtype):
        raise UserError(f"{path} holds {array.dtype} of the shape {array.shape}; store numbers as (samples, channels).")
    columns, places = columns_of([Stored(ONE, array.shape, array.dtype, rows_in(array))])
    return Found(path, "NumPy .npy", columns, array_reader(places))


def _look_npz(path: Path) -> Found:
    """Leaves out arrays of Python objects, because they could run code."""
    file = NpzFile.open(path, _array_names(path), skip_objects=True)
    stored = [
        Stored(name, array.shape, array.dtype, _lazily(file, name, array))
        for name, array in file.arrays.items()
        if is_series(array.shape, array.dtype)
    ]
    columns, places = columns_of(stored)
    small = {name: file.small(name) for name, array in file.arrays.items() if np.prod(array.shape) == 1}
    adc_bits = number_in(small["adc_bits"]) if "adc_bits" in small else None
    says = Mapping(
        rate_hz=rate_in(small),
        adc_bits=int(adc_bits) if adc_bits is not None and adc_bits in range(8, 17) else None,
        pose=_poses(small["poses"]) if "poses" in small else None,
    )
    return Found(path, "NumPy .npz", columns, array_reader(places), says)


def _array_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UserError(f"{path} is not a whole .npz file ({error}); copy the file again from its source.") from error
    if any(name.startswith("xl/") for name in names):
        raise UserError(f"{path} is an Excel workbook; save its table as CSV, and import that file.")
    arrays = [name.removesuffix(".npy") for name in names if name.endswith(".npy")]
    if not arrays:
        raise UserError(f"{path} is a zip archive without NumPy arrays; unpack it, and import a file that was in it.")
    return arrays


def _lazily(file: NpzFile, name: str, array: Array) -> Callable[[int, int], NDArray[Any]]:
    """`Stored.rows` of an array that is unpacked when it is first needed."""

    @cache
    def rows() -> Callable[[int, int], NDArray[Any]]:
        values = np.empty(array.shape, array.dtype)
        row = 0
        for block in file.blocks(name):
            values[row : row + len(block)] = block
            row += len(block)
        return rows_in(values)

    return lambda start, stop: rows()(start, stop)  # noqa: PLW0108 - rows() unpacks


def _poses(text: NDArray[Any]) -> tuple[LabelledPose, ...] | None:
    """The poses of a recording of myobridge; None if the text is something else."""
    try:
        return msgspec.json.decode(str(text), type=tuple[LabelledPose, ...])
    except (ValueError, RecursionError):
        return None
