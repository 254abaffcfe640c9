"""Replay: the same recording gives identical setpoints, and each take starts from rest."""

import numpy as np
import pytest

from myobridge.decoder.pipeline import Pipeline
from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge.recording.replay import replay, replay_summary, true_angles
from myobridge.settings import AcquisitionSettings, Settings
from tiny_model import tiny_spec, write_tiny_model

FS = tiny_spec().fs_hz


@pytest.fixture
def model(tmp_path):
    return open_model(write_tiny_model(tmp_path / "tiny.onnx"))


def recording(samples=600, **fields):
    counts = np.random.default_rng(0).integers(-90, 90, (samples, 2)).astype(np.int16)
    return Recording(counts, FS, adc_bits=10, **fields)


def test_two_replays_are_identical_to_the_bit(model):
    first, second = (replay(recording(), Pipeline(model, Settings(), 10)) for _ in range(2))
    for name, values in vars(first).items():
        assert values.tobytes() == vars(second)[name].tobytes()


def test_each_take_is_replayed_from_rest_and_no_window_crosses_takes(model):
    runs = np.repeat(np.array([1, 2], np.uint8), 300)
    both = replay(recording(run=runs), Pipeline(model, Settings(), 10))
    assert both.sample.min() == 39
    assert not ((both.sample >= 300) & (both.sample < 339)).any()
    second = Recording(recording().counts[300:], FS, adc_bits=10)
    alone = replay(second, Pipeline(model, Settings(), 10))
    assert alone.raw_deg.tobytes() == both.raw_deg[both.sample >= 300].tobytes()


def test_true_angles_come_from_the_recording_or_from_the_poses_of_its_labels(model):
    labels = np.repeat(np.array([0, 1], np.uint8), 300)
    assert true_angles(recording(label=labels), model.spec)[[0, 599]].tolist() == [[40.0] * 5, [180.0] * 5]
    assert true_angles(recording(label=labels + 7), model.spec) is None
    own = (LabelledPose(0, "rest", (10.0,) * 5), LabelledPose(1, "open", (0.0,) * 5))
    assert true_angles(recording(label=labels, poses=own), model.spec)[[0, 599]].tolist() == [[10.0] * 5, [0.0] * 5]
    assert true_angles(recording(), model.spec) is None
    angles = np.ones((600, 5), np.float32)
    assert true_angles(recording(angles_deg=angles, label=labels), model.spec) is angles


def test_the_summary_has_the_keys_that_run_and_demo_write(model, tmp_path):
    summary, _ = replay_summary(recording(label=np.zeros(600, np.uint8)), model, Settings(), tmp_path)
    assert summary["decisions"] == summary["commands_sent"] == (600 - 40) // 5 + 1
    assert summary["samples_lost"] == 0
    assert summary["mae_deg"] > 0


@pytest.mark.parametrize(
    ("bad", "config", "word"),
    [
        (Recording(np.zeros((600, 3), np.int16), FS), Settings(), "3 channels"),
        (Recording(np.zeros((600, 2), np.int16), 500.0), Settings(), "500 Hz"),
        (Recording(np.zeros((39, 2), np.int16), FS), Settings(), "record for longer"),
        (Recording(np.zeros((600, 2), np.int16), FS), Settings(acquisition=AcquisitionSettings(fs_hz=500.0)), "fs_hz"),
    ],
)
def test_a_recording_that_does_not_fit_is_refused(model, tmp_path, bad, config, word):
    with pytest.raises(UserError, match=word):
        replay_summary(bad, model, config, tmp_path)
