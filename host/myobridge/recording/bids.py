"""A recording as a dataset of the Brain Imaging Data Structure with its EMG extension (BIDS 1.11.0).

Several recordings go into one dataset, each as a run of its own, and several programs may write at the same time. What
nobody recorded is `n/a`, as BIDS wants it; there is no `*_electrodes.tsv`, which is for measured positions.
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
from myobridge.recording.stretches import Source


def write_bids(source: Source, root: Path, subject: str) -> Path:
    """Writes one run into the dataset at `root`, which is made if it is not there; the path of the run's EDF file.

    The samples are written before the dataset is locked, so that programs wait for each other for a moment only.

    Raises:
        UserError: edfio is not installed, the subject's name is no BIDS label, `root` or its list of participants is
            something else, or it cannot be written; the dataset is then as it was.
    """
    if not re.fullmatch("[0-9a-zA-Z]+", subject):
        raise UserError(f"'{subject}' cannot name a subject in BIDS; use letters and digits only.")
    check_edf()
    check_dataset(root, subject)
    with refusals(root):
        root.mkdir(parents=True, exist_ok=True)
        with unnamed(root, ".edf") as half:
            write_edf(source, half)
            force(half)
            with locked(root):
                describe_dataset(root)
                return _add_run(root, subject, half, beside(source))


def _add_run(root: Path, subject: str, edf: Path, texts: Mapping[str, str]) -> Path:
    """The EDF file gets its name last: a run that is there is whole."""
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
        with suppress(OSError):  # other runs are in them
            folder.rmdir()
            folder.parent.rmdir()
        raise
    return path


def _free_run(folder: Path, subject: str) -> str:
    """The first run without data; texts that a killed program left without data are written over."""
    run = 1
    while any(path.suffix != ".json" for path in folder.glob(f"{_run(subject, run)}_emg.*")):
        run += 1
    return _run(subject, run)


def _run(subject: str, run: int) -> str:
    return f"sub-{subject}_task-{TASK}_run-{run:02d}"
