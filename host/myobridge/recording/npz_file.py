"""Reads and writes the arrays of an `.npz` block by block, so that a small file cannot unpack into all memory.

The sizes that a file claims are checked before anything is unpacked, and the unpacked data must match them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.files import draft

MAX_UNPACKED_MB: Final = 512
"""Limit on all arrays of a recording together: more than four hours of 8 channels at 2 kHz."""
MAX_HEADER_BYTES: Final = 10_000
"""Limit on an array's header; NumPy has the same limit."""
MAX_SMALL_BYTES: Final = 1 << 20
"""Limit on an array that is read whole."""
BLOCK_BYTES: Final = 256 << 10
LEVEL: Final = 1
"""zlib's fastest level: EMG is mostly noise, so level 6 takes 2.5 times as long for 0.3 % less."""
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The methods that NumPy writes. Other methods can allocate gigabytes before they unpack a byte."""


class Array(NamedTuple):
    """One array as the file describes it."""

    info: zipfile.ZipInfo
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    by_column: bool
    """Whether the data are in Fortran order."""
    header_bytes: int


class Stream(NamedTuple):
    """An array to be written: type, shape, and its rows in C order, in blocks."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    blocks: Iterable[NDArray[Any]]


@dataclass(frozen=True)
class NpzFile:
    """An `.npz` file, and those of the requested arrays that it has."""

    path: Path
    arrays: Mapping[str, Array]

    @classmethod
    def open(cls, path: Path, names: Iterable[str], *, skip_objects: bool = False) -> NpzFile:
        """Reads the headers of the arrays with these names; `skip_objects` leaves out those that hold Python objects.

        Raises:
            UserError: the file cannot be read, is not a whole `.npz`, holds Python objects, or would unpack into more
                than a recording may have.
        """
        with _whole(path), zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                archive.open(info).close()  # checks that its two headers agree, and unpacks nothing
            infos = {name: archive.NameToInfo.get(f"{name}.npy") for name in names}
            unpacked_mb = sum(info.file_size for info in infos.values() if info) / 1e6
            if unpacked_mb > MAX_UNPACKED_MB:
                raise UserError(
                    f"{path} would unpack into {unpacked_mb:.0f} MB, and a recording may have {MAX_UNPACKED_MB} MB; "
                    "store it as several shorter recordings."
                )
            found = {name: _look(archive, info, name, path, skip_objects) for name, info in infos.items() if info}
        return cls(path, {name: array for name, array in found.items() if array is not None})

    def small(self, name: str) -> NDArray[Any]:
        """The whole of a small array. The order of its values is the file's, C or Fortran.

        Raises:
            UserError: the array is not small, or is damaged.
        """
        array = self.arrays[name]
        if array.info.file_size > MAX_SMALL_BYTES:
            raise UserError(f"{self.path}: '{name}' is larger than such an array can be; store the recording again.")
        with _whole(self.path), zipfile.ZipFile(self.path) as archive:
            data = b"".join(_bytes(archive, array, 0, MAX_SMALL_BYTES))
            whole: NDArray[Any] = np.frombuffer(data, array.dtype, prod(array.shape)).reshape(array.shape)
            return whole

    def blocks(self, name: str) -> Iterator[NDArray[Any]]:
        """The rows of an array, in blocks.

        Raises:
            UserError: the array is damaged.
        """
        array = self.arrays[name]
        row_bytes = array.dtype.itemsize * prod(array.shape[1:])
        rows = max(1, BLOCK_BYTES // max(1, row_bytes))
        with _whole(self.path), zipfile.ZipFile(self.path) as archive:
            if array.by_column and len(array.shape) == 2:
                yield from _rows_of_columns(archive, array, rows)
                return
            for data in _bytes(archive, array, 0, rows * row_bytes):
                yield np.frombuffer(data, array.dtype).reshape(-1, *array.shape[1:])


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any] | Stream]) -> None:
    """Writes a compressed `.npz` into a draft (see `files`).

    Raises:
        OSError: the file cannot be written.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, array in arrays.items():
            stream = array if isinstance(array, Stream) else Stream(array.dtype, array.shape, [array])
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                descr = npy.dtype_to_descr(stream.dtype)
                npy.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": stream.shape})
                for block in stream.blocks:
                    file.write(np.ascontiguousarray(block, stream.dtype).data)


def save_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Writes arrays to `path`, which gets the suffix .npz if it has another; the path written.

    Raises:
        UserError: the file cannot be written.
    """
    named = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
    with draft(named) as half:
        write_npz(half, arrays)
    return named


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Turns every failure to read the file into a UserError."""
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"The recording {path} cannot be read ({error.strerror or error}); check the path.") from error
    except Exception as error:  # zipfile, zlib and numpy's header parser raise many types
        raise UserError(f"{path} is not a whole .npz recording; copy it again from its source.") from error


def _look(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, path: Path, skip_objects: bool) -> Array | None:
    """Reads an array's header and checks it against the size; None: the file is not an array."""
    if info.compress_type not in METHODS:
        raise ValueError(info.compress_type)
    with archive.open(info) as file:
        head = io.BytesIO(file.read(MAX_HEADER_BYTES))
    if not head.getvalue().startswith(npy.MAGIC_PREFIX):
        return None
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(head)]
    shape, by_column, dtype = read_header(head)
    if dtype.hasobject and skip_objects:
        return None
    if dtype.hasobject:
        raise UserError(
            f"{path} is not a valid .npz recording: '{name}' holds Python objects, which could run code; store "
            "numbers only."
        )
    if min(shape, default=0) < 0 or head.tell() + dtype.itemsize * prod(shape) != info.file_size:
        raise ValueError(shape)
    return Array(info, dtype, shape, by_column, head.tell())


def _bytes(archive: zipfile.ZipFile, array: Array, skipped: int, at_a_time: int) -> Iterator[bytes]:
    """The data behind the header and `skipped` more bytes; at the end of the file its CRC is checked."""
    left = array.info.file_size - array.header_bytes - skipped
    with archive.open(array.info) as file:
        _pass_over(file, array.header_bytes + skipped)
        while left:
            data = file.read(min(left, at_a_time))
            if len(data) < min(left, at_a_time):
                raise EOFError
            left -= len(data)
            if not left:
                file.read(1)
            yield data


def _pass_over(file: IO[bytes], count: int) -> None:
    while count:
        count -= len(file.read(min(count, BLOCK_BYTES))) or count


def _rows_of_columns(archive: zipfile.ZipFile, array: Array, rows: int) -> Iterator[NDArray[Any]]:
    """Rows of an array in Fortran order: one reader per column, side by side; the last reader checks the CRC."""
    height, width = array.shape
    size = array.dtype.itemsize
    readers = [_bytes(archive, array, k * height * size, rows * size) for k in range(width)]
    for row in range(0, height, rows):
        n = min(rows, height - row)
        columns = [np.frombuffer(next(reader)[: n * size], array.dtype) for reader in readers]
        yield np.stack(columns, axis=1)
