"""`compare` ranks families by their error; `train` trains any of them."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from labelled_recording import POSES
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge_models.commands.command_line import commands
from myobridge_models.network.families.registry import DEFAULT_FAMILY

FS_HZ = 500


@pytest.fixture
def recording(tmp_path):
    """Two movements of different loudness, each cued twice."""
    rng, n = np.random.default_rng(0), 3 * FS_HZ
    label = np.concatenate([np.repeat([movement, 0], n) for movement in (1, 2) for _ in range(2)]).astype(np.uint8)
    repetition = np.repeat([0, 1, 0, 1], 2 * n).astype(np.uint8)
    loudness = 20 + 100 * np.stack([label, 2 - label], axis=1)
    counts = (loudness * rng.standard_normal((len(label), 2))).astype(np.int16)
    path = tmp_path / "r.npz"
    movement = np.repeat([0, 1], 4 * n).astype(np.uint8)
    Recording(counts, FS_HZ, 16, label, repetition, movement, poses=POSES).save(path)
    return path


def run(*arguments):
    return CliRunner().invoke(commands, [str(a) for a in arguments])


def test_compare_ranks_by_error_and_writes_what_it_shows(recording, tmp_path):
    to = tmp_path / "c.json"
    chosen = ("--families", f"mlp,{DEFAULT_FAMILY}", "--steps", 20, "--jobs", 1)
    result = run("compare", recording, "--hold-out", 1, *chosen, "--json", to)
    assert result.exit_code == 0, result.output
    summary = json.loads(to.read_text())
    rows = summary["rows"]
    assert {row["family"] for row in rows} == {"mlp", DEFAULT_FAMILY}
    assert [row["mae_deg"] for row in rows] == sorted(row["mae_deg"] for row in rows)
    assert (summary["held_out"], summary["steps"]) == (1, 20)
    mlp, default = sorted(rows, key=lambda row: row["family"] == DEFAULT_FAMILY)
    assert default["p50_ratio"] == 1
    assert 0 < mlp["p50_ms"] <= mlp["p99_ms"]
    assert mlp["streaming_kmac"] < mlp["decision_kmac"] < default["decision_kmac"]
    assert min(mlp["file_kb"], default["file_kb"]) > 4 * min(mlp["parameters"], default["parameters"]) / 1000
    assert 0 <= mlp["balanced_accuracy"] <= 1
    for shown in ("mlp", DEFAULT_FAMILY, "MAE", "hop"):
        assert shown in result.output


def test_train_takes_a_family(recording, tmp_path):
    out = tmp_path / "m.onnx"
    assert run("train", recording, "--family", "gru", "--steps", 20, "--out", out).exit_code == 0
    assert open_model(out).spec.family == "gru"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--families", "mlp,magic", "--hold-out", 1), "There is no family 'magic'; choose from cnn_mlp, "),
        (
            ("--families", "mlp", "--hold-out", 7),
            "has the repetitions [0, 1], so [7] cannot be held out; choose some of them",
        ),
    ],
)
def test_a_mistake_is_one_sentence(recording, more, sentence):
    result = run("compare", recording, *more)
    assert result.exit_code == 1
    assert sentence in result.output
