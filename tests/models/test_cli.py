"""The commands say what they do, write JSON, and meet mistakes with one sentence."""

import json
import subprocess
import sys
from contextlib import nullcontext

import pytest

from labelled_recording import labelled
from myobridge_models import cli
from myobridge_models.ablation import VARIANTS
from myobridge_models.recipe import Recipe


def run(monkeypatch, capsys, *arguments):
    """(exit code, stdout, stderr) of `myobridge-models ARGUMENTS…`."""
    monkeypatch.setattr(sys, "argv", ["myobridge-models", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_describe_prints_the_notes_table_and_its_json(monkeypatch, capsys, tmp_path):
    code, out, _ = run(monkeypatch, capsys, "describe", "--fs", 2000, "--json", tmp_path / "d.json")
    assert code == 0
    for shown in ("Type IIa", "225", "802 samples = 401.0 ms", "28,245"):
        assert shown in out
    table = json.loads((tmp_path / "d.json").read_text())
    assert table["window_samples"] == 802
    assert [d["dilation"] for d in table["detectors"]] == [4, 2, 1, 1]
    assert table["warnings"] == []
    for way in ("windowed", "streaming"):
        assert 0 < table["decision_ms"][way]["p50"] <= table["decision_ms"][way]["p99"]
        assert way in out


def test_json_to_stdout_is_nothing_but_json(monkeypatch, capsys):
    _, out, err = run(monkeypatch, capsys, "describe", "--fs", 500, "--json", "-")
    assert len(json.loads(out)["warnings"]) == 2
    assert "Warning" in err


def test_synth_train_evaluate(monkeypatch, capsys, tmp_path):
    recording, model = tmp_path / "r.npz", tmp_path / "m.onnx"
    small = ("--fs", 500, "--channels", 2)
    assert run(monkeypatch, capsys, "synth", recording, "--seconds", 10, *small)[0] == 0
    assert run(monkeypatch, capsys, "train", recording, "--out", model, "--steps", 20)[0] == 0
    code, out, _ = run(monkeypatch, capsys, "evaluate", model, recording, "--json", "-")
    assert code == 0
    assert 0 < json.loads(out)["mae_deg"] < 90


def test_without_the_training_extra_it_says_what_to_install():
    program = "import sys; sys.modules['scipy'] = None; from myobridge_models.cli import main; main()"
    command = [sys.executable, "-c", program, "train", "x.npz", "--out", "y.onnx"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.strip() == "myobridge-models: scipy is not installed; run `pip install -e '.[train]'` first."


@pytest.fixture
def cued(tmp_path):
    """A recording with cues, two repetitions of two movements."""
    labelled().save(tmp_path / "r.npz")
    return tmp_path / "r.npz"


def test_a_held_out_and_a_validating_repetition_are_not_trained_on(monkeypatch, capsys, tmp_path):
    recording, model = tmp_path / "r.npz", tmp_path / "m.onnx"
    labelled(repetitions=3).save(recording)
    options = ("--hold-out", 2, "--validate", 1, "--robust", "--steps", 20, "--json", tmp_path / "t.json")
    assert run(monkeypatch, capsys, "train", recording, "--out", model, *options)[0] == 0
    report = json.loads((tmp_path / "t.json").read_text())
    assert report["repetitions"] == "0"
    assert report["copies"] == 1


def test_a_stopped_training_says_how_to_go_on_and_is_exported_as_it_stands(monkeypatch, capsys, tmp_path, cued):
    def stop(step, loss_deg):
        if step == 12:
            raise KeyboardInterrupt

    model, checkpoint = tmp_path / "m.onnx", tmp_path / "m.onnx.checkpoint"
    with monkeypatch.context() as interrupted:
        interrupted.setattr("myobridge_models.train.LOOK_STEPS", 5)
        interrupted.setattr("myobridge_models.commands.train.progress_bar", lambda *_: nullcontext(stop))
        code, _, err = run(interrupted, capsys, "train", cued, "--out", model, "--steps", 40)
    assert code == 1
    assert err.strip().endswith(f"was interrupted; give the same command again to go on from {checkpoint}.")
    assert run(monkeypatch, capsys, "export", checkpoint, "--out", tmp_path / "half.onnx")[0] == 0
    assert run(monkeypatch, capsys, "evaluate", tmp_path / "half.onnx", cued)[0] == 0
    assert run(monkeypatch, capsys, "train", cued, "--out", model, "--steps", 40)[0] == 0
    assert model.exists()
    assert not checkpoint.exists()


def test_calibrate_says_what_it_was_worth(monkeypatch, capsys, tmp_path, cued):
    base, mine = tmp_path / "base.onnx", tmp_path / "mine.onnx"
    monkeypatch.setattr("myobridge_models.calibrate.CALIBRATION", Recipe(steps=40, detector_share=0.0))
    monkeypatch.setattr("myobridge_models.calibrate.FROM_THE_START", Recipe(steps=20))
    assert run(monkeypatch, capsys, "train", cued, "--out", base, "--steps", 20)[0] == 0
    arguments = ("--model", base, "--recording", cued, "--out", mine, "--json", tmp_path / "c.json")
    code, out, _ = run(monkeypatch, capsys, "calibrate", *arguments)
    assert code == 0
    assert "before" in out
    assert "after" in out
    report = json.loads((tmp_path / "c.json").read_text())
    assert report["from_base"] in (True, False)
    assert {"mae_deg", "balanced_accuracy"} <= set(report["before"]) & set(report["after"])


@pytest.mark.slow
def test_ablate_has_a_row_for_each_choice(monkeypatch, capsys, tmp_path, cued):
    code, _, _ = run(monkeypatch, capsys, "ablate", cued, "--hold-out", 1, "--steps", 20, "--json", tmp_path / "a.json")
    assert code == 0
    rows = json.loads((tmp_path / "a.json").read_text())["rows"]
    assert [row["variant"] for row in rows] == list(VARIANTS)
    assert all(0 < row["mae_deg"] < 120 for row in rows)
