"""An export is whole or absent: on a full disk, after a kill at any moment, and with several programs at once."""

import csv
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter

import mne
import numpy as np
import pytest
from test_recording_export import valid

from labelled_recording import labelled
from myobridge.errors import UserError
from myobridge.files import DRAFT, LOCK
from myobridge.recording import Recording
from myobridge.recording.export import export
from myobridge.recording.open import open_recording
from peak_memory import long_recording

FORMS = ("bids", "edf", "npz", "csv")
SECONDS = 12


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A recording of twelve seconds; no test writes into its folder."""
    return long_recording(tmp_path_factory.mktemp("recorded") / "r.myo", SECONDS / 60, channels=4)


def start(recorded, form, out, *arguments, **options):
    command = [sys.executable, "-m", "myobridge", "export", recorded, "--to", form, "--out", out, *arguments]
    return subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True, **options)


def files_in(folder):
    """All files except the drafts and locks that a killed program leaves."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(DRAFT) and path.name != LOCK
    }


def check_whole(path):
    """Reads the file with other software, and finds all samples."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            assert len(list(csv.reader(file))) == 1 + 2000 * SECONDS
    elif path.suffix == ".npz":
        with np.load(path) as arrays:
            assert len(arrays["emg"]) == len(arrays["label"]) == 2000 * SECONDS
    else:
        assert len(mne.io.read_raw_edf(path, verbose="error")) == 2000 * SECONDS


# --- a full disk ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_leaves_no_partial_export_and_an_error(recorded, tmp_path, form):
    def almost_full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    process = start(recorded, form, tmp_path / "out", preexec_fn=almost_full)
    said = process.communicate()[1]
    assert process.returncode == 1
    assert said.count("\n") == 1 and f"{tmp_path / 'out'} cannot be written (File too large)" in said
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("fails_at", range(1, 8))
def test_a_dataset_is_unchanged_if_the_disk_fills_up(recorded, tmp_path, monkeypatch, fails_at):
    """Any of the small files may be the one that does not fit."""
    root = tmp_path / "study"
    export(open_recording(recorded), "bids", root, "ada")
    before = {name: (root / name).read_bytes() for name in files_in(root)}
    synced, sync = [], os.fsync

    def full(fd):
        synced.append(fd)
        if len(synced) == fails_at:
            raise OSError(28, "No space left on device")
        sync(fd)

    monkeypatch.setattr(os, "fsync", full)
    try:
        export(open_recording(recorded), "bids", root, "bob")
    except UserError as error:
        assert "No space left on device" in str(error)
        assert {name: (root / name).read_bytes() for name in files_in(root)} == before
        assert not (root / "sub-bob").exists() and not [*root.glob(".*")]
    else:
        check_whole(root / "sub-bob" / "emg" / "sub-bob_task-poses_run-01_emg.edf")


# --- several at once -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_simultaneous_exports_all_end_up_in_the_dataset(recorded, tmp_path):
    root = tmp_path / "study"
    subjects = ["ada", "ada", "ada", "bob", "eve"]
    processes = [start(recorded, "bids", root, "--subject", name) for name in subjects]
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    written = sorted(root.rglob("*_emg.edf"))
    assert Counter(path.parts[-3] for path in written) == {f"sub-{name}": subjects.count(name) for name in subjects}
    assert all(sum(str(path) in sentence for sentence in said) == 1 for path in written), "each names its own file"
    for path in written:
        check_whole(path)
    rows = (root / "participants.tsv").read_text().splitlines()
    assert rows[0] == "participant_id" and sorted(rows[1:]) == ["sub-ada", "sub-bob", "sub-eve"]
    assert not [*root.glob(".*")] and not valid(root)


@pytest.mark.parametrize("form", ["edf", "npz", "csv"])
def test_one_of_two_exports_to_the_same_file_is_refused_and_the_other_is_whole(recorded, tmp_path, form):
    out = tmp_path / f"x.{form}"
    processes = [start(recorded, form, out) for _ in range(2)]
    said = [process.communicate()[1] for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1], said
    assert "exists already" in "".join(said)
    check_whole(out)
    assert [entry.name for entry in tmp_path.iterdir()] == [out.name]


# --- a kill --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_killed_export_leaves_nothing_or_all_and_the_next_export_cleans_up(recorded, tmp_path, form):
    root, chance = tmp_path / "out", random.Random(form)
    root.mkdir()
    out = root if form == "bids" else root / f"x.{form}"
    began_s = time.monotonic()
    assert start(recorded, form, tmp_path / f"timed.{form}").wait() == 0
    takes_s = time.monotonic() - began_s
    for _ in range(12):
        process = start(recorded, form, out)
        time.sleep(chance.uniform(0.3, 1.0) * takes_s)
        process.kill()
        process.communicate()
        for path in root.rglob("*"):
            if path.suffix in (".edf", ".npz", ".csv") and not path.name.startswith("."):
                check_whole(path)
        if form != "bids":
            out.unlink(missing_ok=True)
    last = start(recorded, form, out)
    assert last.wait() == 0, last.stderr.read()
    assert not [*root.rglob(".*")], "the drafts of the killed exports are gone"
    if form == "bids":
        runs = Counter(name.rpartition("_emg.edf")[0] for name in files_in(root) if name.endswith("_emg.edf"))
        texts = [name for name in files_in(root) if name.endswith("_emg.json")]
        assert len(texts) == len(runs) and not valid(root)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_export_says_that_nothing_was_written(tmp_path, number):
    long = long_recording(tmp_path / "r.myo", 5)
    process = start(long, "csv", tmp_path / "x.csv")
    while not [*tmp_path.glob(f"{DRAFT}*")]:
        time.sleep(0.01)
    process.send_signal(number)
    said = process.communicate()[1]
    assert (process.returncode, said) == (
        1,
        f"myobridge: The export of {long} was interrupted, so it wrote nothing; run it again.\n",
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.myo"]


def test_a_dataset_with_the_drafts_of_a_killed_program_is_still_valid_for_bids(recorded, tmp_path):
    edf = export(open_recording(recorded), "bids", tmp_path, "01")
    for name in (tmp_path / f"{DRAFT}1-1.edf", edf.with_name(f"{DRAFT}1-2.json"), tmp_path / LOCK):
        name.write_bytes(b"half")
    assert not valid(tmp_path)


# --- a dataset from other software----------------------------------------------------------------------------

TAKEN = {
    "nothing": ("", "participant_id\nsub-bob\n"),
    "blank lines": ("\n\n", "participant_id\nsub-bob\n"),
    "more columns": ("participant_id\tage\tsex\nsub-1\t30\tf\n", "+sub-bob\tn/a\tn/a\n"),
    "another order": ("age\tparticipant_id\n30\tsub-1\n", "+n/a\tsub-bob\n"),
    "CRLF": ("participant_id\tage\r\nsub-1\t3\r\n", "+sub-bob\tn/a\r\n"),
    "CR as long ago": ("participant_id\rsub-1\r", "+sub-bob\r"),
    "no end": ("participant_id\nsub-1", "+\nsub-bob\n"),
    "a byte-order mark": ("\ufeffparticipant_id\nsub-1\n", "+sub-bob\n"),
    "short rows": ("age\tparticipant_id\n30\n\n", "+n/a\tsub-bob\n"),
    "already there": ("participant_id\nsub-bob\nsub-1\n", "+"),
    "other alphabets": ("participant_id\tname\nsub-1\tŁódź\u2028x\n", "+sub-bob\tn/a\n"),
}
"""The list before and after; + stands for the list before."""
REFUSED = {
    "Latin-1": ("participant_id\tname\nsub-1\tJürgen\n".encode("latin-1"), "is not UTF-8"),
    "UTF-16": ("participant_id\nsub-1\n".encode("utf-16"), "is not UTF-8"),
    "UTF-16 without a mark": ("participant_id\nsub-1\n".encode("utf-16-le"), "no column 'participant_id'"),
    "no head": (b"sub-1\nsub-2\n", "no column 'participant_id'"),
    "another head": (b"id\tage\n1\t3\n", "no column 'participant_id'"),
    "a picture": (b"\x89PNG\r\n" + bytes(range(256)), "is not UTF-8"),
}


@pytest.fixture
def somebodys(tmp_path):
    root = tmp_path / "study"
    root.mkdir()
    (root / "dataset_description.json").write_text(json.dumps({"Name": "theirs", "BIDSVersion": "1.11.0"}))
    (root / "README.md").write_text("theirs")
    return root


@pytest.mark.parametrize("name", TAKEN)
def test_a_list_of_participants_keeps_its_contents(recorded, somebodys, name):
    before, after = TAKEN[name]
    (somebodys / "participants.tsv").write_bytes(before.encode())
    export(open_recording(recorded), "bids", somebodys, "bob")
    assert (somebodys / "participants.tsv").read_bytes().decode() == after.replace("+", before)
    assert not (somebodys / "README").exists()


@pytest.mark.parametrize("name", REFUSED)
def test_an_unreadable_list_of_participants_is_named_and_unchanged(recorded, somebodys, name):
    content, why = REFUSED[name]
    (somebodys / "participants.tsv").write_bytes(content)
    before = files_in(somebodys)
    with pytest.raises(UserError, match=why) as error:
        export(open_recording(recorded), "bids", somebodys, "bob")
    assert str(somebodys / "participants.tsv") in str(error.value)
    assert (somebodys / "participants.tsv").read_bytes() == content and files_in(somebodys) == before


def test_a_list_of_participants_that_is_a_folder_is_named(recorded, somebodys):
    (somebodys / "participants.tsv").mkdir()
    with pytest.raises(UserError, match=r"participants\.tsv cannot be read"):
        export(open_recording(recorded), "bids", somebodys, "bob")


def test_a_run_from_another_program_keeps_its_number(recorded, somebodys):
    folder = somebodys / "sub-bob" / "emg"
    folder.mkdir(parents=True)
    (folder / "sub-bob_task-poses_run-01_emg.bdf").write_bytes(b"theirs")
    (folder / "sub-bob_task-poses_run-01_emg.json").write_text("{}")
    assert export(open_recording(recorded), "bids", somebodys, "bob").name == "sub-bob_task-poses_run-02_emg.edf"
    assert (folder / "sub-bob_task-poses_run-01_emg.json").read_text() == "{}"


# --- recordings in memory ------------------------------------------------------------------------------------


def test_a_recording_is_saved_completely_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "r.npz"
    labelled().save(path)
    before = path.read_bytes()

    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="the previous file is unchanged"):
        labelled(seconds_each=1.0).save(path)
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]
    assert len(Recording.load(path).counts) == len(labelled().counts)
