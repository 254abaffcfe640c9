"""Calibration in seconds: better on data that it has not learnt from, or the old model stays."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from headed_model import CHANNELS, POSES, SPEC, held, write_headed_model
from myobridge.calibration import quick
from myobridge.calibration.calibrate import Score
from myobridge.calibration.judge import PoseScore, words
from myobridge.calibration.plan import schedule
from myobridge.calibration.poses import load_poses
from myobridge.calibration.quick import TIMING, base_of, calibrated
from myobridge.calibration.windows import CUE_S, windows_of
from myobridge.commands.calibrate import calibrate
from myobridge.decoder.pipeline import Pipeline
from myobridge.errors import UserError
from myobridge.model.load import open_model
from myobridge.recording.replay import replay
from myobridge.settings import Settings
from tiny_model import write_tiny_model

TURNED = np.roll(np.eye(CHANNELS), 1, axis=1)
"""The ring turned by one electrode."""
MIXED = 0.55 * np.eye(CHANNELS) + 0.45 * TURNED


@pytest.fixture
def model(tmp_path):
    """A model with the class statistics of two earlier days."""
    return write_headed_model(tmp_path / "base.onnx", [held(1, repetitions=2), held(2, repetitions=2)])


def base(path):
    found = base_of(path)
    assert found is not None
    return found


def calibrate_on(model, recording):
    return calibrated(base(model), recording, model.with_name("r.npz"), "mine")


def accuracy(path, recording):
    """Balanced accuracy in the daemon's pipeline, where the hand has had time to move."""
    found = replay(recording, Pipeline(open_model(path), Settings(), recording.adc_bits))
    windows = windows_of(path.read_bytes(), SPEC, recording, path)
    settled = windows.row[windows.hold >= 0]
    at = np.searchsorted(found.sample, settled)
    table = np.array([pose.angles_deg for pose in POSES])
    decoded = np.square(found.raw_deg[at][:, None] - table).sum(axis=2).argmin(axis=1)
    true = recording.label[settled]
    return np.mean([np.mean(decoded[true == label] == label) for label in np.unique(true)])


@pytest.mark.parametrize("cue_s", [CUE_S, 2 * SPEC.window_samples / SPEC.fs_hz])
def test_the_cue_of_each_window_is_one_of_its_own_samples_however_short_the_window_is(model, monkeypatch, cue_s):
    monkeypatch.setattr("myobridge.calibration.windows.CUE_S", cue_s)
    recording = held(3)
    recording.label[-SPEC.window_samples :] = 3  # which no window at the start has
    windows = windows_of(model.read_bytes(), SPEC, recording, model)
    within = [recording.label[row - SPEC.window_samples + 1 : row + 1] for row in windows.row]
    assert all(cue in labels for cue, labels in zip(windows.cue, within, strict=True))


def test_after_a_shift_of_the_electrodes_two_seconds_of_each_pose_bring_the_model_back(model, tmp_path):
    found = calibrate_on(model, held(3, mix=MIXED))
    assert found.scores.before.balanced_accuracy < 0.9
    assert found.scores.after.balanced_accuracy > 0.95
    assert found.scores.better
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(found.model)
    later = held(4, mix=MIXED, repetitions=2)
    assert accuracy(model, later) < 0.9
    assert accuracy(mine, later) > 0.95


def test_a_model_for_this_morning_is_calibrated_again_tomorrow_from_what_it_learnt_in_training(model, tmp_path):
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(calibrate_on(model, held(3, mix=MIXED)).model)
    again, straight = (calibrate_on(path, held(5, mix=TURNED)).model for path in (mine, model))
    mine.write_bytes(again)
    other = tmp_path / "other.onnx"
    other.write_bytes(straight)
    tomorrow = held(6, mix=TURNED)
    assert accuracy(mine, tomorrow) > 0.95
    assert np.array_equal(
        *(windows_of(path.read_bytes(), SPEC, tomorrow, path).angles_deg for path in (mine, other))
    ), "no error adds up from day to day"


def test_a_ring_turned_by_one_electrode_is_no_lie_of_the_labels(model):
    """Earlier days recognise all poses clearly, and each as another one; a wearer who is a pose late looks alike."""
    found = calibrate_on(model, held(3, mix=TURNED))
    assert found.scores.after.balanced_accuracy > 0.95
    [doubt] = found.doubts
    assert "for each other" in doubt and "calibrate again" in doubt


def test_three_poses_in_another_order_are_doubted(model):
    cycle = {1: 2, 2: 3, 3: 1}
    [doubt] = calibrate_on(model, held(3, act=lambda label: cycle.get(label, label))).doubts
    assert doubt.startswith("The old model takes Open, Fist, Point for each other")


def test_a_score_is_judged_on_windows_that_share_no_sample_with_those_that_were_learnt(model):
    for recording in (held(3), held(3, repetitions=2), held(3, hold_s=4.0)):
        windows = windows_of(model.read_bytes(), SPEC, recording, model)
        part = quick._parts(windows, SPEC.window_ms / 1000)
        for label in range(len(POSES)):
            one, other = (windows.row[(part == half) & (windows.label == label)] for half in (0, 1))
            assert len(one) and len(other)
            assert np.abs(one[:, None] - other).min() >= SPEC.window_samples


def test_noise_as_a_pose_has_no_good_score_although_a_calibration_has_learnt_from_it(model):
    """A model that knew its judges would look perfect here."""
    rng = np.random.default_rng(0)
    recording = held(3)
    noise = dataclasses.replace(recording, counts=rng.integers(-100, 100, recording.counts.shape).astype(np.int16))
    with pytest.raises(UserError, match="the old model is kept"):
        calibrate_on(model, noise)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ({3: 0}, "Point looks like rest"),
        ({3: 2}, "Fist looks like Point|Point looks like Fist"),
    ],
    ids=["equal to rest", "two poses alike"],
)
def test_poses_that_cannot_be_told_apart_are_named_and_the_old_model_stays(model, act, said):
    with pytest.raises(UserError, match=said):
        calibrate_on(model, held(3, act=lambda label: act.get(label, label)))


def test_labels_that_lie_are_named_and_the_old_model_stays(model):
    exchanged = {2: 3, 3: 2}
    with pytest.raises(UserError, match="The poses Fist, Point look exchanged"):
        calibrate_on(model, held(3, act=lambda label: exchanged.get(label, label)))


def test_a_session_that_lacks_a_pose_leaves_this_pose_as_it_was(model, tmp_path):
    found = calibrate_on(model, held(3, labels=(0, 1, 2, 4)))
    assert [pose.name for pose in found.poses] == ["Rest", "Open", "Fist", "Pinch"]
    assert found.doubts == ["Not recorded, so not judged: Point."]
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(found.model)
    assert accuracy(mine, held(4)) > 0.9


@pytest.mark.parametrize(
    ("recording", "said"),
    [
        (held(3, hold_s=1.0), "holds Open too briefly"),
        (held(3, hold_s=0.02, rest_s=0.01), "holds Rest too briefly"),
        (dataclasses.replace(held(3), label=None), "has no cues"),
        (dataclasses.replace(held(3), counts=held(3).counts * np.int16([1, 0, 1, 0])), "Channel 2, 4 of .* is flat"),
        (held(3, labels=(0,)), "holds one pose only"),
        (dataclasses.replace(held(3), fs_hz=500.0), "channels at 500 Hz"),
        (dataclasses.replace(held(3), counts=held(3).counts[:, :3]), "has 3 channels"),
    ],
    ids=["too short", "far too short", "no cues", "flat", "rest alone", "another rate", "a channel less"],
)
def test_a_recording_that_does_not_suffice_is_refused_in_a_sentence(model, recording, said):
    with pytest.raises(UserError, match=said):
        calibrate_on(model, recording)


def test_a_pose_that_the_model_does_not_know_needs_training(model):
    recording = held(3)
    other = tuple(of_another_hand(pose) for pose in recording.poses)
    with pytest.raises(UserError, match="does not know the poses Fist of"):
        calibrate_on(model, dataclasses.replace(recording, poses=other))


def of_another_hand(pose):
    """The fist of another hand."""
    return type(pose)(pose.label, pose.name, (90.0,) * 5) if pose.name == "Fist" else pose


def test_the_score_is_said_in_words():
    said = words([PoseScore("Fist", 9), PoseScore("Point", 6)])
    assert said == "Recognised now: Fist 9 of 10, Point 6 of 10 (hold it firmer, or leave it out)."


def test_a_short_plan_suffices_for_the_windows_and_takes_less_than_half_a_minute():
    assert TIMING.ready_s + TIMING.recorded_s(len(schedule(load_poses(), TIMING.repetitions, 0))) < 30


class Bench:
    """The command on files of one folder."""

    def __init__(self, folder, model):
        self.folder, self.model, self.mine = folder, model, folder / "mine.onnx"

    def __call__(self, recording, *arguments, model=None):
        path = self.folder / "r.npz"
        recording.save(path)
        given = ["--model", model or self.model, "--recording", path, "--out", self.mine, "--yes", *arguments]
        result = CliRunner().invoke(calibrate, [*map(str, given)])
        if result.exception and not isinstance(result.exception, UserError | SystemExit):
            raise result.exception
        return result


@pytest.fixture
def command(tmp_path, model):
    return Bench(tmp_path, model)


def test_the_command_shows_before_and_after_installs_the_model_and_undoes_it(command, tmp_path):
    result = command(held(3, mix=MIXED), "--json", tmp_path / "c.json")
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "c.json").read_text())
    assert summary["taken"]
    assert summary["before"]["balanced_accuracy"] < summary["after"]["balanced_accuracy"]
    assert {pose["name"]: pose["of_ten"] for pose in summary["poses"]}["Fist"] >= 9
    assert "Recognised now: Rest 10 of 10" in result.stderr
    assert open_model(command.mine).spec.name == "mine"
    assert CliRunner().invoke(calibrate, ["--undo", "--out", str(command.mine)]).exit_code == 0
    assert open_model(command.mine).spec.name == "headed"


def test_a_model_that_is_not_better_is_not_written(command, monkeypatch):
    monkeypatch.setattr(quick, "score", lambda *_: Score(5.0, 0.95))
    result = command(held(3))
    assert "not better, so" in str(result.exception)
    assert not command.mine.exists()


@pytest.mark.parametrize(
    ("act", "said"),
    [({3: 0}, "Point looks like rest"), ({3: 2}, "Fist looks like Point"), ({1: 2, 3: 2}, "Open looks like")],
)
def test_a_better_model_that_cannot_tell_poses_apart_is_left_to_the_wearer(command, act, said):
    recording = held(3, mix=TURNED, act=lambda label: act.get(label, label))
    result = command(recording)
    assert "is better than" in result.stderr
    assert said in result.stderr
    assert "cannot tell these poses apart" in str(result.exception)
    assert "leave --yes out" in str(result.exception)
    assert not command.mine.exists()


def test_a_channel_at_its_limits_is_named_with_the_poses(command):
    recording = held(3, mix=MIXED)
    recording.counts[np.isin(recording.label, (1, 2)), 2] = 511
    assert "Open, Fist: Channel 3 is saturated" in command(recording).stderr


def test_the_command_says_why_it_trains_although_seconds_would_do(command, monkeypatch):
    monkeypatch.setattr("myobridge.calibration.calibrate.can_train", lambda: False)
    result = command(dataclasses.replace(held(3), fs_hz=500.0))
    assert "r.npz holds 4 channels at 500 Hz, and headed needs 4 at 1000 Hz, so seconds do not suffice" in result.stderr


def test_a_model_without_class_statistics_is_trained(command, tmp_path, monkeypatch):
    monkeypatch.setattr("myobridge.calibration.calibrate.can_train", lambda: False)
    result = command(held(3), model=write_headed_model(tmp_path / "old.onnx"))
    assert "Training needs PyTorch" in str(result.exception)
    result = command(held(3), model=write_tiny_model(tmp_path / "tiny.onnx"))
    assert "Training needs PyTorch" in str(result.exception)


def test_long_trains_although_seconds_would_do(command, monkeypatch):
    monkeypatch.setattr("myobridge.calibration.calibrate.can_train", lambda: False)
    assert "Training needs PyTorch" in str(command(held(3), "--long").exception)


def test_nothing_of_the_training_side_is_imported(command, tmp_path):
    held(3, mix=MIXED).save(tmp_path / "r.npz")
    program = (
        "import sys; from myobridge.cli import main\n"
        "try: main()\n"
        "finally: print([name for name in ('torch', 'onnx', 'scipy', 'myobridge_models') if name in sys.modules])"
    )
    arguments = [
        "calibrate",
        "--model",
        command.model,
        "--recording",
        tmp_path / "r.npz",
        "--out",
        command.mine,
        "--yes",
    ]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert command.mine.exists(), done.stderr
    assert done.stdout.strip() == "[]"
