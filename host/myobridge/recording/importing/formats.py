"""The table of formats: recognises a file by its first bytes, whatever its name is, and looks into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from myobridge.errors import UserError
from myobridge.files import check_file
from myobridge.recording.importing.arrays import open_npy, open_npz
from myobridge.recording.importing.edf import open_edf
from myobridge.recording.importing.found import Found
from myobridge.recording.importing.hdf5 import open_hdf5
from myobridge.recording.importing.matlab import open_matlab
from myobridge.recording.importing.names import suggested
from myobridge.recording.importing.text import open_text
from myobridge.recording.importing.xdf import open_xdf
from myobridge.recording.log_frames import LogFrame
from myobridge.wire.frame import FrameDecoder

HEAD_BYTES: Final = 4096


class Format(NamedTuple):
    """A format: its name, the first bytes of its files, and the function that looks into one."""

    name: str
    begins: bytes
    look: Callable[[Path], Found]


FORMATS: Final = (
    Format("EDF and EDF+", b"0       ", open_edf),
    Format("BDF and BDF+", b"\xffBIOSEMI", open_edf),
    Format("XDF", b"XDF:", open_xdf),
    Format("MATLAB 7.3", b"MATLAB 7.3", open_hdf5),
    Format("MATLAB 5 to 7", b"MATLAB 5.0", open_matlab),
    Format("HDF5", b"\x89HDF\r\n\x1a\n", open_hdf5),
    Format("NumPy .npy", b"\x93NUMPY", open_npy),
    Format("NumPy .npz", b"PK", open_npz),
    Format("CSV, TSV, OpenBCI and BrainFlow", b"", open_text),
)
"""The last row takes every text."""
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
"""First bytes of files that are not recordings: what the file is, and what to do."""


def look(path: Path) -> Found:
    """Looks into a file; its samples are read when they are needed.

    Raises:
        UserError: the file cannot be read, is empty, cut short or in another format.
    """
    try:
        check_file(path)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        found = _format(path, head).look(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}); check the path.") from error
    own = msgspec.structs.replace(suggested(found.columns, events=bool(found.event_texts)))
    return Found(**{**vars(found), "says": found.says.over(own)})


def _format(path: Path, head: bytes) -> Format:
    if not head.strip():
        raise UserError(f"{path} is empty; choose a file that is an EMG recording.")
    for beginning, what in FOREIGN.items():
        if head.startswith(beginning):
            raise UserError(f"{path} is {what}.")
    found = next(one for one in FORMATS if head.startswith(one.begins))
    if found is FORMATS[-1] and b"\0" in head:
        if any(frame[0] >= LogFrame.HEADER for frame in FrameDecoder().feed(head)):
            raise UserError(f"{path} is a recording of myobridge already; every command reads it as it is.")
        raise UserError(
            f"{path} is in no format that import reads; save the recording as one of "
            f"{', '.join(one.name for one in FORMATS)}."
        )
    return found
