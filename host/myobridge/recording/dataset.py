"""The files that all runs of a BIDS dataset share: its description and its list of participants."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge.files import DRAFT, LOCK, check_file, write_bytes, write_text
from myobridge.recording.bids_tables import json_text
from myobridge.recording.log_frames import own_versions

BIDS_VERSION: Final = "1.11.0"
DESCRIPTION: Final = "dataset_description.json"
PARTICIPANTS: Final = "participants.tsv"
ID: Final = "participant_id"
LINE_END: Final = re.compile(rb"\r\n|\n|\r")
README: Final = """Surface EMG of poses that the wearer was asked to take, exported by myobridge.

Samples are ADC counts. The takes of one recording are laid end to end; a `boundary` event marks the beginning of each.
Event times are those of the cues; the muscles follow some tenths of a second later.
"""


def check_dataset(root: Path, subject: str) -> None:
    """Refuses a folder that the export must not write into.

    Raises:
        UserError: `root` is neither a dataset nor an empty folder, or its list of participants cannot be read.
    """
    if root.exists() and not (root / DESCRIPTION).exists() and not (root.is_dir() and _is_empty(root)):
        raise UserError(f"{root} exists and is not a BIDS dataset; choose an empty folder or a dataset.")
    _with_subject(root / PARTICIPANTS, subject)


def describe_dataset(root: Path) -> None:
    """Writes the files of a new dataset that are missing, first the description, which marks a folder as a dataset.

    Raises:
        UserError: a file cannot be written.
    """
    if not (root / DESCRIPTION).exists():
        content = {
            "Name": root.resolve().name,
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "myobridge", "Version": own_versions()["myobridge"]}],
        }
        write_text(root / DESCRIPTION, json_text(content))
    if not any(root.glob("README*")):
        write_text(root / "README", README)


def add_subject(root: Path, subject: str) -> None:
    """Appends the subject to the list of participants, unless the list has it already.

    Raises:
        UserError: the list cannot be read or written.
    """
    content = _with_subject(root / PARTICIPANTS, subject)
    if content is not None:
        write_bytes(root / PARTICIPANTS, content)


def _is_empty(root: Path) -> bool:
    """Whether the folder holds nothing but locks and drafts of programs that write into it or were killed."""
    return all(path.name == LOCK or path.name.startswith(DRAFT) for path in root.iterdir())


def _with_subject(path: Path, subject: str) -> bytes | None:
    """New content of the list: the old content and a line for the subject; None: the subject has a line already."""
    try:
        if path.exists():
            check_file(path)
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the file.") from error
    if not content.strip():
        return f"{ID}\nsub-{subject}\n".encode()
    try:
        rows = [line.split("\t") for line in re.split("\r\n|\n|\r", content.decode("utf-8-sig"))]
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8, as BIDS requires (it may be Latin-1 or UTF-16); save it as UTF-8, then export again."
        ) from error
    head = rows[0]
    if ID not in head:
        raise UserError(f"{path} has no column '{ID}' in its first line; write the names of the columns there.")
    at = head.index(ID)
    if f"sub-{subject}" in [row[at] for row in rows[1:] if len(row) > at]:
        return None
    cells = ["n/a"] * len(head)
    cells[at] = f"sub-{subject}"
    found = LINE_END.search(content)
    end = found[0] if found else b"\n"
    whole = content if content.endswith(end) else content + end
    return whole + "\t".join(cells).encode() + end
