"""A trained model carries the class statistics of its recordings, so that a calibration in seconds needs no PyTorch."""

import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from labelled_recording import labelled
from myobridge.calibration import quick
from myobridge.calibration.quick import base_of, calibrated
from myobridge.decoder.pipeline import Pipeline
from myobridge.model.check import statistics_in
from myobridge.model.file import LabelledPose
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge.recording.replay import replay
from myobridge.settings import Settings
from myobridge_models.data import biopatrec
from myobridge_models.experiments.untrained import write_untrained
from myobridge_models.export.export import export
from myobridge_models.export.restore import restore
from myobridge_models.network.families.registry import FAMILIES, create
from myobridge_models.training.build import build
from myobridge_models.training.earlier_days import add_statistics
from myobridge_models.training.recipe import Recipe

POSES = biopatrec.POSES
SOURCE = Path("rec.npz")
QUICK = Recipe(steps=80, segments=8, average=0.9)


def take_any_poses(monkeypatch):
    for check in ("held_alike", "check_order"):
        monkeypatch.setattr(quick, check, lambda *_: [])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A short training of the default family, and its statistics."""
    path = tmp_path_factory.mktemp("trained") / "base.onnx"
    sources = [(SOURCE, labelled())]
    export(*build("base", sources, POSES, replace(QUICK, steps=400)), path)
    assert add_statistics(path, sources)
    return path


def test_the_statistics_are_of_the_features_that_the_head_reads(trained):
    found = statistics_in(trained.read_bytes())
    network, _ = restore(trained, 0.0)
    assert len(found.spread) == network.shape.feature_values
    assert found.labels.tolist() == np.unique(labelled().label).tolist()


def test_a_model_calibrated_in_seconds_decides_alike_in_both_graphs(trained, tmp_path):
    recording = labelled()
    turned = replace(recording, counts=np.ascontiguousarray(recording.counts[:, ::-1]))
    found = calibrated(base_of(trained), turned, SOURCE, "mine")
    assert found.scores.after.balanced_accuracy > found.scores.before.balanced_accuracy
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(found.model)
    streaming, windowed = (
        replay(turned, Pipeline(open_model(mine, windowed=w), Settings(), turned.adc_bits)) for w in (False, True)
    )
    assert streaming.raw_deg == pytest.approx(windowed.raw_deg, abs=0.01)
    restore(mine, 0.0)  # a long training can go on from it


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gets_statistics_or_stays_as_it_is(tmp_path, monkeypatch, family):
    """Ten steps train nobody, so the checks of the poses are off."""
    take_any_poses(monkeypatch)
    sources, path = [(SOURCE, labelled())], tmp_path / "m.onnx"
    torch.manual_seed(0)
    export(*build("m", sources, POSES, replace(QUICK, steps=10), family=family), path)
    before = path.read_bytes()
    if add_statistics(path, sources):
        calibrated(base_of(path), labelled(), SOURCE, "mine")
    else:
        assert path.read_bytes() == before
    open_model(path)


def test_a_recording_of_angles_has_no_statistics(trained, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(trained.read_bytes())
    recording = labelled()
    angles_deg = np.zeros((len(recording.counts), 5), np.float32)
    assert not add_statistics(path, [(SOURCE, replace(recording, label=None, angles_deg=angles_deg))])


def test_held_out_repetitions_do_not_enter_the_statistics(tmp_path):
    recording, found = labelled(), []
    network, spec = build("base", [(SOURCE, recording)], POSES, replace(QUICK, steps=10))
    for counts in (recording.counts, np.where((recording.repetition == 1)[:, None], 0, recording.counts)):
        path = tmp_path / "m.onnx"
        export(network, spec, path)
        assert add_statistics(path, [(SOURCE, replace(recording, counts=counts.astype(np.int16)))], [0])
        found.append(statistics_in(path.read_bytes()))
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def guided(seed):
    """Seven poses of two seconds, 8 channels at 2 kHz, as the short plan records them."""
    rng, fs_hz = np.random.default_rng(seed), 2000
    cues = [(0, 1.6), *(cue for pose in range(1, 7) for cue in ((pose, 2.0), (0, 1.6)))]
    label = np.concatenate([np.full(round(s * fs_hz), one, np.uint8) for one, s in cues])
    loudness = 30 + 3000 * np.random.default_rng(0).random((7, 8)) * (np.arange(7) > 0)[:, None]
    counts = (loudness[label] * rng.standard_normal((len(label), 8))).astype(np.int16)
    return Recording(counts, fs_hz, 16, label, np.zeros(len(label), np.uint8))


def test_the_arithmetic_of_seven_poses_on_eight_channels_is_timed(tmp_path, monkeypatch):
    """`pytest -s` prints the time; an untrained network takes as long as a trained one."""
    path = tmp_path / "m.onnx"
    torch.manual_seed(0)
    network = create("cnn_mlp_log", 2000, 8, 0.0)
    write_untrained(network, path, "cnn_mlp_log")
    spec = msgspec.structs.replace(
        open_model(path).spec, poses=tuple(LabelledPose(n, str(n), (20 * n,) * 5) for n in range(7))
    )
    export(network, spec, path)
    assert add_statistics(path, [(SOURCE, guided(1))])
    take_any_poses(monkeypatch)
    began_s = time.process_time()
    found = calibrated(base_of(path), guided(2), SOURCE, "mine")
    print(f"7 poses of 2 s, 8 channels at 2 kHz: {time.process_time() - began_s:.2f} s of one core")
    assert len(found.poses) == 7
