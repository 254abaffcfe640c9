"""Opens a recording, `.myo` or `.npz`, by its content, whatever its name is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge.files import check_file
from myobridge.recording.importing.formats import instead_of_recording
from myobridge.recording.log import Log, find_header, read_log
from myobridge.recording.log_samples import LogSamples
from myobridge.recording.npz import open_arrays
from myobridge.recording.timeline import Samples

ZIP: Final = b"PK"


@dataclass(frozen=True)
class RecordingFile:
    """An opened file; `log` is None if the file is not a `.myo` log."""

    path: Path
    samples: Samples
    log: Log | None

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels: the electrodes' names if they are known, otherwise EMG 1, EMG 2, …"""
        if self.log is not None and self.log.header.electrodes:
            return self.log.header.electrodes
        return tuple(f"EMG {k + 1}" for k in range(self.samples.channels))


def open_recording(path: Path) -> RecordingFile:
    """Opens a recording; its samples are read when they are needed, block by block.

    Raises:
        UserError: the file does not exist, is not a recording, or holds no sample.
    """
    first = _first_bytes(path)
    npz_by_name = path.suffix.lower() == ".npz"
    if first.startswith(ZIP) or (npz_by_name and find_header(path) is None):
        return RecordingFile(path, open_arrays(path), None)
    what = instead_of_recording(path)
    if what is not None:
        raise UserError(f"{path} is not a .myo recording and not a whole .npz recording but {what}.")
    log = read_log(path)
    return RecordingFile(path, LogSamples(log), log)


def _first_bytes(path: Path) -> bytes:
    try:
        check_file(path)
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise UserError(f"The recording {path} cannot be read ({error.strerror}); check the path.") from error
