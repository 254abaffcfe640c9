"""One network learns angles of a shown hand, and poses of cues."""

from pathlib import Path

import numpy as np
import pytest
import torch

from labelled_recording import FS_HZ, POSES, labelled
from myobridge.calibration.movements import load_movements
from myobridge.calibration.quick import base_of
from myobridge.model.file import REST_DEG
from myobridge.recording.following import MUSCLE_S
from myobridge.simulator.synth import SynthOptions
from myobridge_models.data.labels import poses_of
from myobridge_models.data.synthetic import as_shown, record_following
from myobridge_models.data.takes import design_prefilter
from myobridge_models.data.training_set import load_source, training_takes
from myobridge_models.export.export import export
from myobridge_models.export.postprocess import ANGLES_GATE
from myobridge_models.network.families.registry import create
from myobridge_models.network.log_cnn_mlp import LogCnnMlp
from myobridge_models.network.shape import Shape
from myobridge_models.training.build import build
from myobridge_models.training.earlier_days import add_statistics
from myobridge_models.training.loss import angle_loss
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.segments import Segments
from myobridge_models.training.stage import Training

MOVEMENTS = load_movements()[:3]
QUICK = Recipe(steps=24, segments=4, head_segments=4)


@pytest.fixture(scope="module")
def followed_file(tmp_path_factory):
    """A recording as `record --follow` makes it, of a simulated wearer."""
    path = tmp_path_factory.mktemp("follow") / "f.npz"
    true = record_following(SynthOptions(fs_hz=FS_HZ, channels=2, adc_bits=16, seed=4), MOVEMENTS)
    as_shown(true, MOVEMENTS).save(path)
    return path


@pytest.fixture
def sources(followed_file):
    return [(Path("poses.npz"), labelled()), load_source(followed_file)]


def test_a_followed_recording_is_learned_without_the_wearer_s_delay(followed_file):
    said = []
    _, recording = load_source(followed_file, said.append)
    true = record_following(SynthOptions(fs_hz=FS_HZ, channels=2, adc_bits=16, seed=4), MOVEMENTS)
    assert "The EMG lags the shown hand by 0." in said[-1]
    assert np.abs(recording.angles_deg - true.angles_deg).mean() < 3
    shown_deg = as_shown(true, MOVEMENTS).angles_deg
    assert np.abs(shown_deg - true.angles_deg).mean() > 2 * np.abs(recording.angles_deg - true.angles_deg).mean()
    assert MUSCLE_S > 0


def test_the_poses_are_those_of_the_recordings_with_cues(sources):
    assert poses_of(sources) == POSES
    assert poses_of(sources[1:]) == ()


def test_angles_have_their_share_of_the_segments_and_poses_keep_theirs(sources):
    takes = training_takes(sources, POSES, design_prefilter(FS_HZ))
    segments = Segments(takes, Shape(FS_HZ, 2), Recipe(unroll=1, angles_share=0.4, rest_share=0.5))
    movement = segments.draw(2000, np.random.default_rng(0)).movement[:, 0].numpy()
    assert segments.movements == 3
    assert [np.mean(movement == m) for m in (-1, 0)] == pytest.approx([0.4, 0.3], abs=0.04)
    assert np.mean(movement == 1) == pytest.approx(np.mean(movement == 2), abs=0.04)


def test_only_segments_of_poses_are_shifted_while_the_head_learns(sources, monkeypatch):
    """The level of a map drifts between days, but beside angles it tells the depth of a movement."""
    monkeypatch.setattr(LogCnnMlp, "shifted", lambda _, features: torch.full_like(features, 7.0))
    takes = training_takes(sources, POSES, design_prefilter(FS_HZ))
    training = Training(takes, create("cnn_mlp_log", FS_HZ, 2, 0.0), QUICK, "cpu")
    *_, of_the_head = training.stages()
    drawn = training.segments.draw(60, np.random.default_rng(0))
    shifted = (of_the_head._features(drawn) == 7.0).all(dim=2).all(dim=1)
    assert shifted.tolist() == (drawn.movement[:, 0] >= 0).tolist()
    assert 0 < shifted.sum() < 60


def test_a_pose_may_be_missed_a_little_only_beside_takes_with_angles(sources):
    """A wearer who is asked for a fist makes most of a fist; only takes with angles tell how much."""
    takes = training_takes(sources, POSES, design_prefilter(FS_HZ))
    network = create("cnn_mlp_log", FS_HZ, 2, 0.0)
    assert Training(takes, network, QUICK, "cpu").pose_slack_deg == QUICK.pose_slack_deg > 0
    poses_alone = training_takes(sources[:1], POSES, design_prefilter(FS_HZ))
    assert Training(poses_alone, network, QUICK, "cpu").pose_slack_deg == 0
    counts, pose = torch.ones(1, 1), torch.zeros(1, 1, dtype=torch.long)
    losses = [
        180 * angle_loss(torch.full((1, 1, 5), 180 - e), torch.full((1, 1, 5), 180.0), counts, pose, 25.0).item()
        for e in (0.0, 20.0, 40.0)
    ]
    assert losses == pytest.approx([0, 0, 15])


def test_a_model_of_both_kinds_lets_small_movements_through_and_calibrates_in_seconds(sources, tmp_path):
    network, spec = build("both", sources, poses_of(sources), QUICK)
    assert spec.proportional
    assert spec.poses == POSES
    assert spec.rest_gate == ANGLES_GATE
    smallest_deg = min(abs(a - r) for a, r in zip(MOVEMENTS[0].shown_deg([0.5])[0], REST_DEG, strict=True))
    assert smallest_deg > spec.rest_gate.leave_deg
    export(network, spec, tmp_path / "both.onnx")
    assert add_statistics(tmp_path / "both.onnx", sources)
    assert base_of(tmp_path / "both.onnx").poses == POSES


def test_a_model_of_poses_alone_is_not_proportional():
    _, spec = build("poses", [(Path("poses.npz"), labelled())], POSES, QUICK)
    assert not spec.proportional
