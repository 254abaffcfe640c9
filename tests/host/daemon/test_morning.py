"""The wearer's morning in the running daemon, with the simulated hand, in lock-step."""

import shutil

import pytest

from morning import POSES, write_morning_model
from morning_run import MorningRun, held_out
from myobridge.model.generations import Generations

NAMES = [pose.name for pose in POSES]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return write_morning_model(tmp_path_factory.mktemp("morning") / "mine.onnx")


@pytest.fixture
def morning(trained, tmp_path, monkeypatch):
    """Makes runs of a daemon in a folder of its own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def make(**options):
        model = tmp_path / "mine.onnx"
        if not model.exists():
            shutil.copy(trained, model)
        return MorningRun(model, tmp_path, **options)

    return make


def test_a_long_press_lets_the_hand_act_the_poses_and_then_follow_a_shifted_ring(morning):
    run = morning(seed=11, seat=3)
    run.wearer.own = held_out(3)
    run.when_streaming.append(lambda: run.press(1.0, 2.5))
    run.run(60.0)
    released_s = run.streams_s + 3.5
    print(run.said, run.acted())
    first_s = next(row.t_s for row in run.rows if row.calibration.step == "acting")
    assert first_s - released_s <= 1.0
    assert set(run.acted()) == set(NAMES)
    assert run.followed_s - released_s <= 35.0
    accuracy = run.balanced_accuracy()
    state = run.calibration
    print(f"before {state.before}, after {state.after}, on the hand {accuracy:.3f}")
    assert state.before < 0.6 <= 0.9 <= accuracy
    assert [one.pose for one in state.scores] == NAMES
    assert len(Generations(run.model).kept()) == 2
