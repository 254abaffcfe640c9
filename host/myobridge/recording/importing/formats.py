"""The table of formats: recognises a file by its first bytes, whatever its name is, and looks into it."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from myobridge.errors import UserError
from myobridge.files import check_file
from myobridge.recording.importing.found import Found
from myobridge.recording.importing.names import suggested
from myobridge.recording.importing.text_layout import decoded, layout_of
from myobridge.recording.log_frames import LogFrame
from myobridge.wire.frame import FrameDecoder

HEAD_BYTES: Final = 4096


class Format(NamedTuple):
    """A format: its name, the first bytes of its files, and the module here whose function `look` looks into one."""

    name: str
    begins: bytes
    module: str


NPZ: Final = Format("NumPy .npz", b"PK", "arrays")
TEXT: Final = Format("CSV, TSV, OpenBCI or BrainFlow text", b"", "text")
FORMATS: Final = (
    Format("EDF", b"0       ", "edf"),
    Format("BDF", b"\xffBIOSEMI", "edf"),
    Format("XDF", b"XDF:", "xdf"),
    Format("MATLAB 7.3", b"MATLAB 7.3", "hdf5"),
    Format("MATLAB", b"MATLAB", "matlab"),
    Format("HDF5", b"\x89HDF", "hdf5"),
    Format("NumPy .npy", b"\x93NUMPY", "arrays"),
    NPZ,
    TEXT,
)
"""The first row that fits counts; the last row fits every file."""
FOREIGN: Final = {
    b"\x1f\x8b": "packed with gzip; unpack it with gunzip",
    b"\xfd7zXZ": "packed with xz; unpack it with unxz",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save its table as CSV",
    b"\xff\xfe": "text in UTF-16; save it as UTF-8",
    b"\xfe\xff": "text in UTF-16; save it as UTF-8",
    b"\x89PNG": "a picture; choose a recording",
    b"\xff\xd8\xff": "a picture; choose a recording",
    b"%PDF": "a PDF document; choose a recording",
}
"""First bytes of files that nothing here reads: what the file is, and what to do."""


def look(path: Path) -> Found:
    """Looks into a file; its samples are read when they are needed.

    Raises:
        UserError: the file cannot be read, is empty, cut short or in another format.
    """
    try:
        check_file(path)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        reader = import_module(f"{__package__}.{_format(path, head).module}")
        found: Found = reader.look(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}); check the path.") from error
    return replace(found, says=found.says.over(suggested(found.columns, events=bool(found.event_texts))))


def _format(path: Path, head: bytes) -> Format:
    if not head.strip():
        raise UserError(f"{path} is empty; choose a file that is an EMG recording.")
    foreign = _foreign(head)
    if foreign is not None:
        raise UserError(f"{path} is {foreign}.")
    found = next(one for one in FORMATS if head.startswith(one.begins))
    if found is TEXT and b"\0" in head:
        if any(frame[0] >= LogFrame.HEADER for frame in FrameDecoder().feed(head)):
            raise UserError(f"{path} is a recording of myobridge already; every command reads it as it is.")
        names = ", ".join(one.name for one in FORMATS[:-1])
        raise UserError(
            f"{path} is in no format that import reads; save the recording as {names}, or {FORMATS[-1].name}."
        )
    return found


def instead_of_recording(path: Path) -> str | None:
    """What a file is that is no recording, and what to do; None: nothing is known about the file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    foreign = _foreign(head)
    if foreign is not None:
        return foreign
    found = next(one for one in FORMATS if head.startswith(one.begins))
    if found is NPZ or (found is TEXT and (b"\0" in head or layout_of(decoded(head), whole=False) is None)):
        return None
    return f"{found.name}; `myobridge import {path} --out R.npz` makes a recording of it"


def _foreign(head: bytes) -> str | None:
    return next((what for beginning, what in FOREIGN.items() if head.startswith(beginning)), None)
