"""A recording as a dataset of the Brain Imaging Data Structure with its EMG extension (BIDS 1.11.0).

A dataset holds several recordings, one run each, and several programs may write into it at the same time. BIDS wants
`n/a` for facts that were not recorded. The dataset has no `*_electrodes.tsv`, because positions are not measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from myobridge.errors import UserError
from myobridge.files import force, locked, refusals, settle, unnamed, write_text
from myobridge.recording.bids_tables import TASK, beside
from myobridge.recording.dataset import add_subject, check_dataset, describe_dataset
from myobridge.recording.edf import check_edf, write_edf
from myobridge.recording.open import RecordingFile


def write_bids(file: RecordingFile, root: Path, subject: str) -> Path:
    """Writes one run into the dataset at `root`, which it creates if needed; the path of the run's EDF file.

    It writes the samples before it locks the dataset, so that other programs wait only for a moment.

    Raises:
        UserError: edfio is not installed, the subject's name is not a BIDS label, `root` is not a dataset, its list of
            participants cannot be used, or a file cannot be written. The dataset is then unchanged.
    """
    if not re.fullmatch("[0-9a-zA-Z]+", subject):
        raise UserError(f"'{subject}' cannot name a subject in BIDS; use letters and digits only.")
    check_edf()
    check_dataset(root, subject)
    with refusals(root):
        root.mkdir(parents=True, exist_ok=True)
        with unnamed(root, ".edf") as half:
            write_edf(file, half)
            force(half)
            with locked(root):
                describe_dataset(root)
                return _add_run(root, subject, half, beside(file))


def _add_run(root: Path, subject: str, edf: Path, texts: Mapping[str, str]) -> Path:
    """Adds the run. The EDF file gets its name last, so that every named run is whole."""
    folder = root / f"sub-{subject}" / "emg"
    folder.mkdir(parents=True, exist_ok=True)
    stem = _free_run(folder, subject)
    names = {folder / f"{stem}_{end}": text for end, text in texts.items()}
    path = folder / f"{stem}_emg.edf"
    try:
        for name, text in names.items():
            write_text(name, text)
        add_subject(root, subject)
        settle(edf, path)
    except BaseException:
        for name in names:
            name.unlink(missing_ok=True)
        with suppress(OSError):  # other runs are in these folders
            folder.rmdir()
            folder.parent.rmdir()
        raise
    return path


def _free_run(folder: Path, subject: str) -> str:
    """Name of the first run that has no data. JSON files that a killed program left without data are overwritten."""
    run = 1
    while any(path.suffix != ".json" for path in folder.glob(f"{_run(subject, run)}_emg.*")):
        run += 1
    return _run(subject, run)


def _run(subject: str, run: int) -> str:
    return f"sub-{subject}_task-{TASK}_run-{run:02d}"
