"""The text files beside the EDF file of a run in a BIDS dataset. Pure functions."""

from __future__ import annotations

import json
from typing import Any, Final

from myobridge.errors import printable
from myobridge.recording.edf import BOUNDARY, edf_labels
from myobridge.recording.open import RecordingFile
from myobridge.recording.stretches import stretches
from myobridge.recording.trial_events import trial_events
from myobridge.wire.messages import Board

TASK: Final = "poses"

Table = tuple[list[str], list[list[Any]]]


def beside(file: RecordingFile) -> dict[str, str]:
    """Contents of the files, by the ends of their names."""
    return {
        "emg.json": json_text(_sidecar(file)),
        "channels.tsv": table_text(_channels(file)),
        "events.tsv": table_text(_events(file)),
        "events.json": json_text(_event_columns(file)),
    }


def json_text(content: dict[str, Any]) -> str:
    """Content of a JSON file."""
    return json.dumps(content, indent=2) + "\n"


def table_text(table: Table) -> str:
    """Content of a TSV file with a head and rows."""
    head, rows = table
    return "".join("\t".join(printable(str(cell)) for cell in row) + "\n" for row in [head, *rows])


def _sidecar(file: RecordingFile) -> dict[str, Any]:
    """`*_emg.json`."""
    recording, log = file.samples, file.log
    takes = sum(1 for _ in recording.timeline.takes())
    content = {
        "TaskName": TASK,
        "TaskDescription": "The wearer takes the poses that a program names, and rests between them.",
        "SamplingFrequency": recording.fs_hz,
        "PowerLineFrequency": "n/a",
        "SoftwareFilters": "n/a",
        "HardwareFilters": "n/a",
        "RecordingType": "continuous" if takes == 1 else "discontinuous",
        "RecordingDuration": recording.timeline.samples / recording.fs_hz,
        "EMGChannelCount": recording.channels,
        "EMGReference": "n/a",
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": "n/a",
    }
    if log is not None:
        board = log.header.ident.board
        content["ManufacturersModelName"] = Board(board).name.lower() if board in set(Board) else str(board)
        versions = {**log.header.versions, "firmware": ".".join(map(str, log.header.ident.firmware_version))}
        content["SoftwareVersions"] = ", ".join(f"{name} {number}" for name, number in versions.items())
    return content


def _channels(file: RecordingFile) -> Table:
    """Head and rows of `*_channels.tsv`: names as in the EDF file, electrodes as the recording names them."""
    head = ["name", "type", "units", "description", "sampling_frequency", "signal_electrode"]
    counts = f"ADC counts, signed, {file.samples.adc_bits} bits"
    labels = edf_labels(file.channel_names)
    return head, [
        [label, "EMG", "n/a", counts, file.samples.fs_hz, electrode]
        for label, electrode in zip(labels, file.channel_names, strict=True)
    ]


def _events(file: RecordingFile) -> Table:
    """Head and rows of `*_events.tsv`: cues, targets of a trial, and the beginnings of takes."""
    fs_hz = file.samples.fs_hz
    rows = [
        [s.start / fs_hz, (s.stop - s.start) / fs_hz, s.pose, s.label, s.repetition, s.start]
        for s in stretches(file.samples)
    ]
    rows += [
        [take.start / fs_hz, 0, "boundary", "n/a", "n/a", take.start]
        for take in file.samples.timeline.takes()
        if take.start
    ]
    rows += [
        [target.start / fs_hz, (target.stop - target.start) / fs_hz, target.name, "n/a", target.number, target.start]
        for target in trial_events(file.log)
    ]
    return ["onset", "duration", "trial_type", "value", "repetition", "sample"], sorted(rows, key=lambda row: row[0])


def _event_columns(file: RecordingFile) -> dict[str, Any]:
    """`*_events.json`: the meaning of the columns."""
    angles = {pose.label: f", servo angles {pose.angles_deg} degrees" for pose in file.samples.poses}
    levels = {printable(s.pose): f"label {s.label}{angles.get(s.label, '')}" for s in stretches(file.samples)}
    levels |= {printable(target.name): target.meaning for target in trial_events(file.log)}
    return {
        "trial_type": {
            "Description": "Pose that the wearer is asked to take, or target of a trial and its outcome",
            "Levels": {**levels, "boundary": f"A new take begins ('{BOUNDARY}' in the EDF file)"},
        },
        "value": {"Description": "Number of the pose in the recording"},
        "repetition": {"Description": "Number of the repetition, or of a trial's target, from the recording"},
        "sample": {"Description": "First sample of the event, counted from 0"},
    }
