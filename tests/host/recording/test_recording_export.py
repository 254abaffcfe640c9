"""Other people's programs read the exports back: the same counts, and the cues at the same places."""

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import mne
import numpy as np
import pytest
from test_recording_log import CHANNELS, IDENT, POSES, stream

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.recording.export import export
from myobridge.recording.open import RecordingFile, open_recording
from myobridge.recording.stretches import stretches
from virtual_hand import board_config

STARTED = datetime(2026, 5, 4, 13, 12, 11, tzinfo=UTC)
HEADER = Header(
    ident=IDENT,
    config=board_config(),
    poses=POSES,
    electrodes=("flexor", "extensor", "Daumenstück", "ring"),
    started_utc=STARTED,
)
CUED = [("rest", 0, 0, 0.25), ("fist", 2, 0, 0.5), ("rest", 0, 0, 0.25), ("fist", 2, 1, 0.3), ("rest", 0, 1, 0.225)]
"""Pose, label, repetition and seconds; 1.525 s make EDF pad its last record."""
GAP_AT = 0.625
"""Time in seconds at which a frame is missing."""


@pytest.fixture
def recorded(tmp_path):
    """A `.myo` with two poses, two repetitions and a gap; and its counts."""
    path = tmp_path / "r.myo"
    frames = [round(seconds * 400) for *_, seconds in CUED]
    wire, counts = stream(sum(frames) + 1)
    del wire[round(GAP_AT * 400)]
    counts = np.delete(counts, slice(round(GAP_AT * 2000), round(GAP_AT * 2000) + 5), axis=0)
    with RecordingWriter(path, HEADER) as writer:
        at = 0
        for (_, label, repetition, _), n in zip(CUED, frames, strict=True):
            writer.cue(label, repetition)
            writer.bytes(at / 400, b"".join(wire[at : at + n]))
            at += n
    return path, counts


def annotations(raw):
    return {
        (a["description"], round(a["onset"], 6), round(a["duration"], 6))
        for a in raw.annotations
        if not a["description"].startswith(("EDGE", "BAD"))
    }


EXPECTED = {
    ("rest/0", 0.0, 0.25),
    ("fist/0", 0.25, 0.375),
    ("fist/0", 0.625, 0.125),
    ("rest/0", 0.75, 0.25),
    ("fist/1", 1.0, 0.3),
    ("rest/1", 1.3, 0.225),
}


def same_in_mne(path, counts):
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    assert raw.info["sfreq"] == 2000
    assert np.array_equal(raw.get_data().T[: len(counts)], counts), "every count is the same"
    assert annotations(raw) == EXPECTED
    return raw


def test_edf_has_the_counts_and_the_cues(recorded, tmp_path):
    path, counts = recorded
    raw = same_in_mne(export(open_recording(path), "edf", None, "01"), counts)
    assert raw.ch_names == ["flexor", "extensor", "Daumenst?ck", "ring"]
    assert raw.info["meas_date"] == STARTED
    assert np.array_equal(raw.get_data()[:, -1], counts[-1]), "the padding has no step"
    others = {a["description"]: (a["onset"], a["duration"]) for a in raw.annotations}
    assert others["EDGE boundary"][0] == GAP_AT
    assert others["BAD padding"] == pytest.approx((len(counts) / 2000, 2 - len(counts) / 2000))


@pytest.mark.parametrize("fs_hz", [7, 999.9, 1955.034, 2e6 / 1501, 20_000])
def test_edf_works_at_any_rate(tmp_path, fs_hz):
    counts = np.random.default_rng(0).integers(-32768, 32768, (50_021, 2)).astype(np.int16)
    path = export(RecordingFile(tmp_path / "r.npz", Recording(counts, fs_hz), None), "edf", None, "01")
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    assert raw.info["sfreq"] == pytest.approx(fs_hz, rel=1e-6)
    assert np.array_equal(raw.get_data().T[: len(counts)], counts)


def test_names_that_are_equal_in_edf_are_numbered(tmp_path):
    path = tmp_path / "r.myo"
    with RecordingWriter(path, Header(ident=IDENT, config=board_config(), electrodes=("é", "è", "a" * 99, ""))) as w:
        w.bytes(0.0, b"".join(stream(40)[0]))
    raw = mne.io.read_raw_edf(export(open_recording(path), "edf", None, "01"), verbose="error")
    assert raw.ch_names == ["EMG 1", "EMG 2", "EMG 3", "EMG 4"]


def rows_of(path, delimiter):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def valid(dataset):
    """The errors that the BIDS validator reports."""
    validator = Path(sys.executable).with_name("bids-validator-deno")
    run = subprocess.run([validator, "--json", dataset], capture_output=True, text=True, timeout=100, check=False)
    return [issue for issue in json.loads(run.stdout)["issues"]["issues"] if issue["severity"] == "error"]


def test_bids_is_a_valid_dataset_with_the_emg_extension(recorded, tmp_path):
    path, counts = recorded
    dataset = tmp_path / "study"
    first = export(open_recording(path), "bids", dataset, "ada")
    assert first == dataset / "sub-ada" / "emg" / "sub-ada_task-poses_run-01_emg.edf"
    assert export(open_recording(path), "bids", dataset, "ada").name == "sub-ada_task-poses_run-02_emg.edf"
    export(open_recording(path), "bids", dataset, "bob")
    assert not valid(dataset)
    same_in_mne(first, counts)
    stem = str(first).removesuffix("_emg.edf")
    sidecar = json.loads(Path(f"{stem}_emg.json").read_text())
    assert (sidecar["SamplingFrequency"], sidecar["EMGChannelCount"]) == (2000, CHANNELS)
    assert sidecar["RecordingType"] == "discontinuous"
    assert [row["signal_electrode"] for row in rows_of(Path(f"{stem}_channels.tsv"), "\t")] == [*HEADER.electrodes]
    events = rows_of(Path(f"{stem}_events.tsv"), "\t")
    told = {(f"{e['trial_type']}/{e['repetition']}", float(e["onset"]), float(e["duration"])) for e in events}
    assert {(name, round(on, 6), round(long, 6)) for name, on, long in told} - {("boundary/n/a", 0.625, 0)} == EXPECTED
    people = [row["participant_id"] for row in rows_of(dataset / "participants.tsv", "\t")]
    assert people == ["sub-ada", "sub-bob"]


def test_bids_of_a_recording_without_a_log_is_valid(tmp_path):
    label = np.repeat([0, 3, 0, 9], 500).astype(np.uint8)
    bare = Recording(np.zeros((2000, 3), np.int16), 1000.0, 10, label=label)
    export(RecordingFile(tmp_path / "r.npz", bare, None), "bids", tmp_path / "study", "01")
    assert not valid(tmp_path / "study")


def test_bids_does_not_write_into_somebody_elses_folder(recorded, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("mine")
    for root, subject, why in (("thesis", "01", "is not a BIDS dataset"), ("new", "../x", "letters and digits")):
        with pytest.raises(UserError, match=why):
            export(open_recording(recorded[0]), "bids", tmp_path / root, subject)
    assert [entry.name for entry in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_npz_is_the_same_recording(recorded):
    path, _ = recorded
    again, recording = Recording.load(export(open_recording(path), "npz", None, "01")), Recording.load(path)
    for name, value in vars(recording).items():
        assert np.array_equal(value, getattr(again, name)), name


def test_csv_has_a_row_a_sample(recorded):
    path, counts = recorded
    rows = rows_of(export(open_recording(path), "csv", None, "01"), ",")
    assert [*rows[0]] == ["time_s", *HEADER.electrodes, "label", "repetition", "run", "pose"]
    assert np.array_equal([[int(row[name]) for name in HEADER.electrodes] for row in rows], counts)
    assert (rows[600]["time_s"], rows[600]["pose"], rows[600]["repetition"]) == ("0.300000", "fist", "0")


def test_an_existing_file_is_not_overwritten(recorded):
    path, _ = recorded
    for form in ("edf", "npz", "csv"):
        path.with_suffix(f".{form}").write_text("mine")
        with pytest.raises(UserError, match="does not overwrite"):
            export(open_recording(path), form, None, "01")
        assert path.with_suffix(f".{form}").read_text() == "mine"
    assert {entry.name for entry in path.parent.iterdir()} == {"r.myo", "r.edf", "r.npz", "r.csv"}


def test_the_error_names_a_path_that_cannot_be_written(recorded, tmp_path):
    for form in ("edf", "npz", "csv"):
        with pytest.raises(UserError, match="cannot be written"):
            export(open_recording(recorded[0]), form, tmp_path / "none" / f"x.{form}", "01")


def test_without_the_extra_one_sentence_says_what_to_install(recorded, monkeypatch):
    monkeypatch.setitem(sys.modules, "edfio", None)
    for form in ("edf", "bids"):
        with pytest.raises(UserError, match=r"needs edfio.*pip install 'myobridge\[export\]'"):
            export(open_recording(recorded[0]), form, None, "01")
    assert {entry.name for entry in recorded[0].parent.iterdir()} == {"r.myo"}


def test_names_from_a_foreign_file_cannot_break_a_table(tmp_path):
    """Tabs, line ends and EDF's own separators in a pose's name are replaced."""
    poses = (LabelledPose(0, "rest", (0,) * 5), LabelledPose(1, "a\tb\nc\x14\x00\x1b[31m", (0,) * 5))
    label = np.repeat([0, 1], 1000).astype(np.uint8)
    file = RecordingFile(
        tmp_path / "r.npz", Recording(np.zeros((2000, 2), np.int16), 1000.0, label=label, poses=poses), None
    )
    assert len(stretches(file.samples)) == 2
    raw = mne.io.read_raw_edf(export(file, "edf", None, "01"), verbose="error")
    assert len(raw.annotations) == 2
    export(file, "bids", tmp_path / "study", "01")
    assert not valid(tmp_path / "study")
