"""A checkpoint keeps an interrupted training, resumes it exactly, and keeps its format."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from labelled_recording import labelled
from myobridge.errors import UserError
from myobridge_models.data.biopatrec import POSES
from myobridge_models.evaluation.evaluate import evaluate
from myobridge_models.export.export import export
from myobridge_models.network.families.registry import FAMILIES, create
from myobridge_models.training.build import build
from myobridge_models.training.checkpoint import network_in
from myobridge_models.training.recipe import Recipe

SOURCE = Path("rec.npz")
QUICK = Recipe(steps=80, segments=8, average=0.9)


def louder(recording):
    """The same cues with a louder signal, as a recording of the same name from another day."""
    return replace(recording, counts=2 * recording.counts)


def interrupted(folder, at_step, recipe=QUICK):
    """Interrupts a training at a step."""

    def stop(step, _loss):
        if step == at_step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training(folder, recipe, stop)


def training(folder, recipe=QUICK, progress=None, family="cnn_mlp_log", on=(0,), recording=None):
    sources = [(SOURCE, recording or labelled(repetitions=3))]
    return build("t", sources, POSES, recipe, on, "cpu", progress, family, None, folder / "c")[0]


@pytest.mark.parametrize("at_step", [15, 70])
def test_a_resumed_training_gives_the_weights_of_an_uninterrupted_one(tmp_path, monkeypatch, at_step):
    monkeypatch.setattr("myobridge_models.training.train.CHECK_STEPS", 10)
    interrupted(tmp_path, at_step)
    assert (tmp_path / "c").exists()
    resumed = training(tmp_path)
    assert not (tmp_path / "c").exists()
    whole = training(tmp_path)
    for name, weight in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], weight), name


def test_an_unfinished_network_can_be_exported(tmp_path, monkeypatch):
    monkeypatch.setattr("myobridge_models.training.train.CHECK_STEPS", 10)
    interrupted(tmp_path, 70)
    export(*network_in(tmp_path / "c"), tmp_path / "m.onnx")
    assert evaluate(tmp_path / "m.onnx", labelled(), SOURCE).mae_deg < 90


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"recipe": replace(QUICK, seed=9)}, "seed: 0 instead of 9"),
        ({"family": "gru"}, "family: cnn_mlp_log instead of gru"),
        ({"on": (1,)}, "repetitions: 0 instead of 1"),
        ({"recording": louder(labelled(repetitions=3))}, "loudness: .* instead of"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, monkeypatch, change, sentence):
    monkeypatch.setattr("myobridge_models.training.train.CHECK_STEPS", 10)
    interrupted(tmp_path, 15)
    with pytest.raises(UserError, match=sentence):
        training(tmp_path, **change)


def test_a_file_that_is_not_a_checkpoint_is_refused(tmp_path):
    (tmp_path / "c").write_bytes(b"PK nonsense")
    with pytest.raises(UserError, match=r"not a whole checkpoint; .*move it away"):
        training(tmp_path)


FORMAT = {"of", "spec", "stage", "network", "steps", "torch", "numpy", "validation"}
IDENTITY = {
    *("family", "fs_hz", "channels", "window", "recordings", "repetitions", "validated on", "samples", "loudness"),
    *("steps", "detector_share", "segments", "head_segments", "unroll", "learning_rate", "weight_decay", "dropout"),
    *("follow", "random_phase", "rest_share", "probe_weight", "copies", "gain_jitter", "level_jitter"),
    *("history_noise_deg", "average", "seed"),
}
WEIGHTS = {
    "cnn_mlp": "detectors patterns mlp",
    "cnn_mlp_full": "detectors patterns mlp",
    "cnn_mlp_log": "detectors patterns mlp centre spread",
    "mlp": "frames mlp",
    "lstm": "frames memory mlp",
    "gru": "frames memory mlp",
    "tcn": "frames blocks mlp",
    "separable": "frames blocks mlp",
    "ring": "frames around placed mlp",
    "attention": "frames embed query key value mix lag_bias norm mlp",
}


def test_checkpoints_of_older_versions_can_be_resumed(tmp_path):
    """The names in the file are those of the first version."""
    interrupted(tmp_path, 15)
    state = torch.load(tmp_path / "c", weights_only=True)
    assert set(state) == FORMAT
    assert set(json.loads(state["of"])) == IDENTITY
    assert set(state["steps"]) == {"done", "optimiser", "schedule", "average", "probe"}


@pytest.mark.parametrize("family", FAMILIES)
def test_model_files_and_checkpoints_of_older_versions_hold_the_weights_by_their_names(family):
    names = create(family, 500, 2, 0.0).state_dict()
    assert {name.partition(".")[0] for name in names} == set(WEIGHTS[family].split())
