"""`myobridge-models follow`: how well a model follows fingers, beside regressions."""

import json

import pytest
from test_models_cli import run

from labelled_recording import labelled
from myobridge.recording import Recording

MOVEMENTS = """
[[movement]]
label = 1
name = "Fist"
angles_deg = [180, 180, 180, 180, 180]
shape = "sine"
depths = [0.5, 1.0]
stroke_s = 2.0

[[movement]]
label = 2
name = "Thumb"
angles_deg = [180, 40, 40, 40, 40]
shape = "trapezoid"
depths = [1.0]
stroke_s = 4.5
"""
SMALL = ("--fs", 500, "--channels", 2)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "m.toml").write_text(MOVEMENTS)
    return tmp_path


def test_a_model_learns_from_a_shown_hand_and_is_judged_beside_three_regressions(monkeypatch, capsys, folder):
    shown, true, model = folder / "shown.npz", folder / "true.npz", folder / "m.onnx"
    follow = ("--follow", folder / "m.toml")
    assert run(monkeypatch, capsys, "synth", shown, *follow, "--shown", "--wearer", 3, *SMALL)[0] == 0
    other = ("--wearer", 3, "--fatigue", 0.3, "--seed", 2)
    assert run(monkeypatch, capsys, "synth", true, *follow, *other, *SMALL)[0] == 0
    assert Recording.load(shown).shown
    assert not Recording.load(true).shown
    code, _, err = run(monkeypatch, capsys, "train", shown, "--out", model, "--steps", 20)
    assert code == 0
    assert "shown.npz: The EMG lags the shown hand by" in err
    code, out, _ = run(monkeypatch, capsys, "follow", model, true, "--train", shown, "--json", "-")
    assert code == 0
    found = json.loads(out)
    assert [row["decoder"] for row in found["rows"]] == [
        "m", "ridge", "ridge, filtered", "forest", "forest, filtered", "svr", "svr, filtered"
    ]  # fmt: skip
    assert all(0 < row["mae_deg"] < 90 for row in found["rows"])
    assert len(found["fingers"]) == 7 * 5
    jitter = {row["decoder"]: row["held_jitter_deg_per_s"] for row in found["rows"]}
    assert all(jitter[f"{name}, filtered"] < jitter[name] for name in ("ridge", "forest", "svr"))
    assert {"r2", "delay_s", "held_jitter_deg_per_s", "crosstalk_deg"} <= set(found["rows"][0])


def test_a_recording_without_angles_is_refused(monkeypatch, capsys, folder):
    labelled().save(folder / "cues.npz")
    code, _, err = run(monkeypatch, capsys, "follow", "synth", folder / "cues.npz")
    assert code == 1
    assert "has no finger angles to follow" in err


def test_shown_angles_need_a_shown_hand(monkeypatch, capsys, folder):
    code, _, err = run(monkeypatch, capsys, "synth", folder / "s.npz", "--shown")
    assert code == 1
    assert "--shown needs --follow" in err
