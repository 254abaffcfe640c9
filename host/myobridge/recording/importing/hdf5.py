"""HDF5 files, those of MATLAB 7.3 among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from myobridge.errors import UserError
from myobridge.recording.extras import need
from myobridge.recording.importing.found import (
    Blocks,
    Found,
    Stored,
    array_reader,
    columns_of,
    damaged,
    is_series,
    rows_in,
)
from myobridge.recording.importing.mapping import Mapping
from myobridge.recording.importing.names import rate_in

FORM: Final = "HDF5"
INTERNAL: Final = "#"
"""Groups of MATLAB's own begin with this letter."""
CACHE_BYTES: Final = 64 << 20
"""Room for unpacked chunks, which may be longer than a block."""


def look(path: Path) -> Found:
    """Looks at the data sets.

    Raises:
        UserError: h5py is not installed, or the file is damaged or holds no numbers.
    """
    h5py = need("h5py", "Importing HDF5 and MATLAB 7.3 files", "import")
    try:
        with h5py.File(path) as file:
            sets = _sets(h5py, file)
            columns, _ = columns_of(_stored(sets))
            small: dict[str, Any] = {name: one[()] for name, one in sets.items() if one.size == 1}
            for one in (file, *sets.values()):
                small |= dict(one.attrs)
    except Exception as error:  # h5py raises OSError, KeyError, RuntimeError and others
        raise damaged(path, FORM, error) from error
    if not columns:
        raise UserError(f"{path} holds no data set that is a matrix of numbers; store the EMG as (samples, channels).")

    def read(wanted: Sequence[int]) -> Blocks:
        try:
            with h5py.File(path, rdcc_nbytes=CACHE_BYTES) as again:
                yield from array_reader(columns_of(_stored(_sets(h5py, again)))[1])(wanted)
        except (OSError, RuntimeError) as error:
            raise damaged(path, FORM, error) from error

    return Found(path, FORM, columns, read, Mapping(rate_hz=rate_in(small)))


def _sets(h5py: Any, file: Any) -> dict[str, Any]:
    """All data sets by their paths."""
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith(INTERNAL):
            found[name] = item

    file.visititems(visit)
    return found


def _stored(sets: dict[str, Any]) -> list[Stored]:
    return [
        Stored(name, one.shape, one.dtype, rows_in(one))
        for name, one in sets.items()
        if is_series(one.shape or (), one.dtype)
    ]
