"""A recording as a dataset of the Brain Imaging Data Structure with its EMG extension (BIDS 1.11.0).

Several recordings go into one dataset, each as a run of its own. What nobody recorded is `n/a`, as BIDS wants it; there
is no `*_electrodes.tsv`, which is for measured positions.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from myobridge.errors import UserError
from myobridge.recording.edf import BOUNDARY, edf_labels, to_edf
from myobridge.recording.log_frames import own_versions
from myobridge.recording.stretches import Source, stretches
from myobridge.text import printable
from myobridge.wire.messages import Board

BIDS_VERSION: Final = "1.11.0"
TASK: Final = "poses"
README: Final = """Surface EMG of poses that the wearer was asked to take, exported by myobridge.

Samples are ADC counts. Several takes of one recording are laid end to end; a `boundary` event stands where each begins.
Event times are those of the cues; the muscle follows some tenths of a second later.
"""


def write_bids(source: Source, root: Path, subject: str) -> Path:
    """Writes one run into the dataset at `root`, which is made if it is not there; the path of the run's EDF file.

    Raises:
        UserError: edfio is not installed, the subject's name is no BIDS label, or `root` is something else.
        OSError: it cannot be written.
    """
    if not re.fullmatch("[0-9a-zA-Z]+", subject):
        raise UserError(f"'{subject}' cannot name a subject in BIDS; use letters and digits only.")
    content = to_edf(source)
    _write_dataset(root, subject)
    folder = root / f"sub-{subject}" / "emg"
    folder.mkdir(parents=True, exist_ok=True)
    run = 1
    while (folder / f"{_run(subject, run)}_emg.edf").exists():
        run += 1
    stem = folder / _run(subject, run)
    _write_json(Path(f"{stem}_emg.json"), _sidecar(source))
    _write_table(Path(f"{stem}_channels.tsv"), *_channels(source))
    _write_table(Path(f"{stem}_events.tsv"), *_events(source))
    _write_json(Path(f"{stem}_events.json"), _event_columns(source))
    path = Path(f"{stem}_emg.edf")
    path.write_bytes(content)  # last: a run that is there is whole
    return path


def _run(subject: str, run: int) -> str:
    return f"sub-{subject}_task-{TASK}_run-{run:02d}"


def _write_dataset(root: Path, subject: str) -> None:
    description = root / "dataset_description.json"
    if not description.exists():
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise UserError(f"{root} exists and is no BIDS dataset; choose an empty folder or a dataset.")
        root.mkdir(parents=True, exist_ok=True)
        generator = {"Name": "myobridge", "Version": own_versions()["myobridge"]}
        _write_json(
            description,
            {
                "Name": root.resolve().name,
                "BIDSVersion": BIDS_VERSION,
                "DatasetType": "raw",
                "GeneratedBy": [generator],
            },
        )
        (root / "README").write_text(README, encoding="utf-8")
    participants = root / "participants.tsv"
    known = participants.read_text(encoding="utf-8").splitlines() if participants.exists() else ["participant_id"]
    if f"sub-{subject}" not in [row.partition("\t")[0] for row in known]:
        known.append("\t".join([f"sub-{subject}", *["n/a"] * known[0].count("\t")]))
        participants.write_text("\n".join(known) + "\n", encoding="utf-8")


def _sidecar(source: Source) -> dict[str, Any]:
    recording, log = source.recording, source.log
    takes = sum(1 for _ in recording.takes())
    sidecar = {
        "TaskName": TASK,
        "TaskDescription": "The wearer takes the poses that a program names, and rests between them.",
        "SamplingFrequency": recording.fs_hz,
        "PowerLineFrequency": "n/a",
        "SoftwareFilters": "n/a",
        "HardwareFilters": "n/a",
        "RecordingType": "continuous" if takes == 1 else "discontinuous",
        "RecordingDuration": len(recording.counts) / recording.fs_hz,
        "EMGChannelCount": recording.channels,
        "EMGReference": "n/a",
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": "n/a",
    }
    if log is not None:
        board = log.header.ident.board
        sidecar["ManufacturersModelName"] = Board(board).name.lower() if board in set(Board) else str(board)
        versions = {**log.header.versions, "firmware": ".".join(map(str, log.header.ident.firmware_version))}
        sidecar["SoftwareVersions"] = ", ".join(f"{name} {number}" for name, number in versions.items())
    return sidecar


def _channels(source: Source) -> tuple[list[str], list[list[Any]]]:
    """Names as in the EDF file; the electrode is the recording's own name for it."""
    head = ["name", "type", "units", "description", "sampling_frequency", "signal_electrode"]
    counts = f"ADC counts, signed, {source.recording.adc_bits} bits"
    labels = edf_labels(source.channel_names)
    return head, [
        [label, "EMG", "n/a", counts, source.recording.fs_hz, electrode]
        for label, electrode in zip(labels, source.channel_names, strict=True)
    ]


def _events(source: Source) -> tuple[list[str], list[list[Any]]]:
    fs_hz = source.recording.fs_hz
    rows = [
        [s.start / fs_hz, (s.stop - s.start) / fs_hz, s.pose, s.label, s.repetition, s.start]
        for s in stretches(source.recording)
    ]
    rows += [
        [take.start / fs_hz, 0, "boundary", "n/a", "n/a", take.start] for take in source.recording.takes() if take.start
    ]
    return ["onset", "duration", "trial_type", "value", "repetition", "sample"], sorted(rows, key=lambda row: row[0])


def _event_columns(source: Source) -> dict[str, Any]:
    angles = {pose.label: f", servo angles {pose.angles_deg} degrees" for pose in source.recording.poses}
    levels = {printable(s.pose): f"label {s.label}{angles.get(s.label, '')}" for s in stretches(source.recording)}
    return {
        "trial_type": {
            "Description": "Pose that the wearer is asked to take",
            "Levels": {**levels, "boundary": f"A new take begins ('{BOUNDARY}' in the EDF file)"},
        },
        "value": {"Description": "Number of the pose in the recording"},
        "repetition": {"Description": "Number of the repetition, from the recording"},
        "sample": {"Description": "First sample of the event, counted from 0"},
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _write_table(path: Path, head: list[str], rows: list[list[Any]]) -> None:
    lines = ["\t".join(printable(str(cell)) for cell in row) for row in [head, *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
