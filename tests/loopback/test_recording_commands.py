"""A `.myo` file in place of an `.npz` file: replay, simulated hand and training; and `inspect` and `export`."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from myobridge.model.file import LabelledPose
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from myobridge_models.data.takes import design_prefilter, takes_of
from processes import myobridge, simulated_hand
from test_errors import refused
from tiny_model import write_tiny_model
from virtual_hand import board_config

IDENT = m.Ident(m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, 16, 10, 2_000_000)
POSES = (LabelledPose(0, "rest", (40,) * 5), LabelledPose(1, "fist", (180,) * 5))
SECONDS, FS_HZ = 4, 1000


@pytest.fixture
def path(tmp_path):
    """Two channels at 1 kHz: rest and a fist in turn, a second each."""
    counts = np.random.default_rng(0).integers(-100, 100, (SECONDS * FS_HZ, 2)).astype("<i2")
    config = board_config(channel_mask=0b11, sample_period_ticks=2000)
    with RecordingWriter(tmp_path / "r.myo", Header(ident=IDENT, config=config, poses=POSES)) as writer:
        for at in range(0, len(counts), 5):
            if at % FS_HZ == 0:
                writer.cue(at // FS_HZ % 2, at // FS_HZ // 2)
            frame = m.Emg(at, 5, 0).pack() + counts[at : at + 5].tobytes()
            writer.bytes(at / FS_HZ, encode(m.Emg.TYPE, at // 5 & 255, frame))
    return tmp_path / "r.myo"


@pytest.fixture
def model(tmp_path):
    return write_tiny_model(tmp_path / "tiny.onnx")


def test_replay_gives_the_same_commands_from_either_format(path, model, tmp_path):
    Recording.load(path).save(tmp_path / "r.npz")
    for name in ("r.myo", "r.npz"):
        result = myobridge(
            "replay", tmp_path / name, "--model", model, "--out", tmp_path / f"{name}.out", "--json", "-"
        )
        assert json.loads(result.stdout)["mae_deg"] is not None, result.stderr
    with np.load(tmp_path / "r.myo.out.npz") as one, np.load(tmp_path / "r.npz.out.npz") as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files)


def test_the_simulated_hand_plays_a_recording(path, model, tmp_path):
    with simulated_hand(tmp_path, "--source", path, "--loop") as hand:
        result = myobridge("run", "--port", hand.port, "--model", model, "--seconds", 1, "--json", "-")
    assert json.loads(result.stdout)["frames_received"] > 0, result.stderr


def test_training_reads_a_recording_with_its_own_poses(path):
    recording = Recording.load(path)
    (take,) = takes_of(recording, path, design_prefilter(FS_HZ), recording.poses)
    assert set(take.movement) == {0, 1} and set(take.repetition) == {0, 1}
    assert take.target_deg[1500].tolist() == [180] * 5


def test_inspect_prints_text_and_writes_json(path, tmp_path):
    result = myobridge("inspect", path, "--json", tmp_path / "s.json", "--plots", tmp_path / "plots")
    assert "4.0 s of 2 channels at 1000 Hz" in result.stdout and "Missing: nothing." in result.stdout
    assert json.loads((tmp_path / "s.json").read_text())["log"]["cues"] == 4
    assert "r-amplitudes.png" in result.stderr
    assert json.loads(myobridge("inspect", path, "--json", "-").stdout)["samples"] == SECONDS * FS_HZ


@pytest.mark.parametrize("form", ["bids", "edf", "npz", "csv"])
def test_export_reports_the_files_that_it_wrote(path, form):
    result = myobridge("export", path, "--to", form)
    assert result.returncode == 0, result.stderr
    said = re.fullmatch(r"myobridge: Wrote (.*) \(4\.0 s of EMG, \d+(\.\d)? kB\)\.\n", result.stderr)
    assert said and Path(said[1]).stat().st_size > 1000


def test_foreign_truncated_and_empty_files_get_a_sentence(path, tmp_path):
    content = path.read_bytes()
    for name, bad in (("empty", b""), ("foreign", b"\x89PNG" + bytes(999)), ("truncated", content[:300])):
        (tmp_path / f"{name}.myo").write_bytes(bad)
        refused("inspect", tmp_path / f"{name}.myo", words=["not a .myo recording"])
    refused("export", tmp_path / "empty.myo", "--to", "bids", words=["not a .myo recording"])
    RecordingWriter(tmp_path / "begun.myo", Header(ident=IDENT, config=board_config())).close()
    refused("inspect", tmp_path / "begun.myo", words=["no sample"])
    refused("inspect", tmp_path / "none.myo", words=["No such file", "check the path"])
    (tmp_path / "half.myo").write_bytes(content[: len(content) // 2])
    assert "the file has no end" in myobridge("inspect", tmp_path / "half.myo").stdout
