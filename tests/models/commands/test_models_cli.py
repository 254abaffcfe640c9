"""The commands report what they do, write JSON, and refuse mistakes in one sentence."""

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext

import pytest
import torch

from labelled_recording import labelled
from myobridge.errors import UserError
from myobridge.model.load import open_model
from myobridge_models import cli
from myobridge_models.commands import benchmark, days, train
from myobridge_models.data import biopatrec
from myobridge_models.experiments.ablation import VARIANTS
from myobridge_models.experiments.parallel import Workers
from myobridge_models.network.families.registry import DEFAULT_FAMILY
from myobridge_models.training.checkpoint import network_in
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.train import CHECK_STEPS, SAVE_S, _due


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
    for shown in ("Type IIa", "225", "802 samples = 401.0 ms", "38,997"):
        assert shown in out
    table = json.loads((tmp_path / "d.json").read_text())
    assert table["window_samples"] == 802
    assert [d["dilation"] for d in table["detectors"]] == [4, 2, 1, 4]
    assert table["warnings"] == []
    for way in ("windowed", "streaming"):
        assert 0 < table["decision_ms"][way]["p50"] <= table["decision_ms"][way]["p99"]
        assert way in out


def test_stdout_carries_the_json_alone(monkeypatch, capsys):
    _, out, err = run(monkeypatch, capsys, "describe", "--fs", 400, "--json", "-")
    assert len(json.loads(out)["warnings"]) == 1
    assert "Warning" in err


def test_synth_train_evaluate(monkeypatch, capsys, tmp_path):
    recording, model = tmp_path / "r.npz", tmp_path / "m.onnx"
    small = ("--fs", 500, "--channels", 2)
    assert run(monkeypatch, capsys, "synth", recording, "--seconds", 10, *small)[0] == 0
    assert run(monkeypatch, capsys, "train", recording, "--out", model, "--steps", 20)[0] == 0
    code, out, _ = run(monkeypatch, capsys, "evaluate", model, recording, "--json", "-")
    assert code == 0
    assert 0 < json.loads(out)["mae_deg"] < 90


def test_a_missing_package_is_named_with_the_command_that_installs_it():
    program = "import sys; sys.modules['scipy'] = None; from myobridge_models.cli import main; main()"
    command = [sys.executable, "-c", program, "train", "x.npz", "--out", "y.onnx"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert (
        result.stderr.strip() == "myobridge-models: scipy is not installed; run `pip install 'myobridge[train]'` first."
    )


@pytest.fixture
def cued(tmp_path):
    """A recording with cues, two repetitions of two movements."""
    labelled().save(tmp_path / "r.npz")
    return tmp_path / "r.npz"


def test_held_out_and_validation_repetitions_are_not_trained_on(monkeypatch, capsys, tmp_path):
    recording, model = tmp_path / "r.npz", tmp_path / "m.onnx"
    labelled(repetitions=3).save(recording)
    options = ("--hold-out", 2, "--validate", 1, "--robust", "--steps", 20, "--json", tmp_path / "t.json")
    assert run(monkeypatch, capsys, "train", recording, "--out", model, *options)[0] == 0
    report = json.loads((tmp_path / "t.json").read_text())
    assert report["repetitions"] == "0"
    assert report["copies"] == 1


def test_an_interrupted_training_says_how_to_resume_and_can_be_exported(monkeypatch, capsys, tmp_path, cued):
    def stop(step, loss_deg):
        if step == 12:
            raise KeyboardInterrupt

    model, checkpoint = tmp_path / "m.onnx", tmp_path / "m.onnx.checkpoint"
    with monkeypatch.context() as interrupted:
        interrupted.setattr("myobridge_models.training.train.CHECK_STEPS", 5)
        interrupted.setattr("myobridge_models.report.progress.training_progress", lambda *_: nullcontext(stop))
        code, _, err = run(interrupted, capsys, "train", cued, "--out", model, "--steps", 40)
    assert code == 1
    assert err.strip().endswith(f"was interrupted; give the same command again to resume from {checkpoint}.")
    assert run(monkeypatch, capsys, "export", checkpoint, "--out", tmp_path / "half.onnx")[0] == 0
    assert run(monkeypatch, capsys, "evaluate", tmp_path / "half.onnx", cued)[0] == 0
    assert run(monkeypatch, capsys, "train", cued, "--out", model, "--steps", 40)[0] == 0
    assert model.exists()
    assert not checkpoint.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_names_the_checkpoint_and_says_how_to_resume(tmp_path, cued, number):
    model, checkpoint = tmp_path / "m.onnx", tmp_path / "m.onnx.checkpoint"
    command = [sys.executable, "-m", "myobridge_models", "train", cued, "--out", model]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    while not checkpoint.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(number)
    stderr = process.communicate()[1]
    assert process.returncode == 1
    assert stderr.endswith(f"The training was interrupted; give the same command again to resume from {checkpoint}.\n")
    assert network_in(checkpoint)[1].name == "m"
    assert {path.name for path in tmp_path.iterdir()} == {"r.npz", checkpoint.name}


def test_a_slow_machine_saves_checkpoints_by_time(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("myobridge_models.training.train.time.monotonic", lambda: clock[0])
    assert [_due(steps, 99.0) for steps in (1, 2, CHECK_STEPS - 1, CHECK_STEPS)] == [True, False, False, True]
    clock[0] = 99.0 + SAVE_S + 1
    assert _due(2, 99.0) and SAVE_S <= 60


def test_a_full_disk_at_the_end_leaves_the_checkpoint(monkeypatch, capsys, tmp_path, cued):
    def full(_path, _data):
        raise UserError("It cannot be written.")

    monkeypatch.setattr("myobridge_models.export.export.write_bytes", full)
    code, _, err = run(monkeypatch, capsys, "train", cued, "--out", tmp_path / "m.onnx", "--steps", 20)
    assert code == 1 and err.endswith("It cannot be written.\n")
    assert (tmp_path / "m.onnx.checkpoint").exists()


def test_train_names_the_file_and_the_progress_names_its_figure(monkeypatch, capsys, tmp_path, cued):
    code, _, err = run(monkeypatch, capsys, "train", cued, "--out", tmp_path / "m.onnx", "--steps", 20)
    assert code == 0
    *bar, last = err.splitlines()
    assert re.fullmatch(rf"myobridge: Wrote {tmp_path / 'm.onnx'} \(model of [\d.]+ minutes of EMG, \d+ kB\)\.", last)
    assert any(re.search(r"error +\d+\.\d°", line) for line in bar)


def test_every_command_judges_or_trains_the_default_family():
    default = {p.name: p.default for p in train.train.params}["family"]
    assert default == DEFAULT_FAMILY
    for command in (benchmark.benchmark, days.days):
        assert DEFAULT_FAMILY in {p.name: p.default for p in command.params}["decoders"].split(",")


def test_poses_come_from_a_file_or_from_biopatrec(monkeypatch, capsys, tmp_path):
    recording, model = tmp_path / "r.npz", tmp_path / "m.onnx"
    labelled(poses=()).save(recording)
    tables = [f'[[pose]]\nlabel = {n}\nname = "p{n}"\nangles_deg = [{n}, 0, 0, 0, 0]\n' for n in range(3)]
    (tmp_path / "p.toml").write_text("".join(tables))
    for poses, names in ((tmp_path / "p.toml", ["p0", "p1", "p2"]), ("biopatrec", [p.name for p in biopatrec.POSES])):
        code, _, err = run(monkeypatch, capsys, "train", recording, "--out", model, "--steps", 20, "--poses", poses)
        assert code == 0, err
        assert [pose.name for pose in open_model(model).spec.poses] == names


def test_training_uses_one_processor_core_by_default(monkeypatch, capsys, tmp_path, cued):
    def threads(*options):
        seen = []
        monkeypatch.setattr(
            "myobridge_models.report.progress.training_progress",
            lambda *_: nullcontext(lambda *_: seen.append(torch.get_num_threads())),
        )
        assert run(monkeypatch, capsys, "train", cued, "--out", tmp_path / "m.onnx", "--steps", 20, *options)[0] == 0
        return set(seen)

    program = "import torch, myobridge_models.training.train; print(torch.get_num_threads())"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "1\n"
    assert threads("--threads", 2) == {2}
    assert [*Workers(jobs=2).spread(threads_of, [0, 1])] == [2, 2]
    assert threads() == {1}


def threads_of(_piece):
    return torch.get_num_threads()


def test_calibrate_reports_the_figures_before_and_after(monkeypatch, capsys, tmp_path, cued):
    base, mine = tmp_path / "base.onnx", tmp_path / "mine.onnx"
    monkeypatch.setattr("myobridge_models.training.calibrate.CALIBRATION", Recipe(steps=40, detector_share=0.0))
    monkeypatch.setattr("myobridge_models.training.calibrate.FROM_THE_START", Recipe(steps=20))
    (tmp_path / "c.toml").write_text("[amplifier]\ngain = 1000\nadc_range_mv = 5000\n")
    options = ("--steps", 20, "--config", tmp_path / "c.toml", "--oversampling", 2)
    assert run(monkeypatch, capsys, "train", cued, "--out", base, *options)[0] == 0
    arguments = ("--model", base, "--recording", cued, "--out", mine, "--json", tmp_path / "c.json")
    code, out, _ = run(monkeypatch, capsys, "calibrate", *arguments)
    assert code == 0
    assert "before" in out
    assert "after" in out
    report = json.loads((tmp_path / "c.json").read_text())
    assert report["from_base"] in (True, False)
    for spec in (open_model(path).spec for path in (base, mine)):
        assert (spec.skin_range_uv, spec.oversampling) == (5000, 2)
    assert {"mae_deg", "balanced_accuracy"} <= set(report["before"]) & set(report["after"])


@pytest.mark.slow
def test_ablate_has_a_row_for_each_choice(monkeypatch, capsys, cued):
    code, out, _ = run(monkeypatch, capsys, "ablate", cued, "--hold-out", 1, "--steps", 20, "--jobs", 1, "--json", "-")
    assert code == 0
    rows = json.loads(out)["rows"]
    assert [row["variant"] for row in rows] == list(VARIANTS)
    assert all(0 < row["mae_deg"] < 120 for row in rows)
