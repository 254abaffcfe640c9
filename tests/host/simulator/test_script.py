"""Finger scripts: minimum-jerk moves between poses that are held."""

import numpy as np
import pytest

from myobridge.errors import UserError
from myobridge.model.file import REST_DEG
from myobridge.simulator.script import POSES_DEG, RandomScript, StepScript

FIST, OPEN = POSES_DEG["fist"], POSES_DEG["open hand"]


def test_every_pose_is_possible():
    assert all(len(pose) == 5 and 0 <= min(pose) <= max(pose) <= 180 for pose in POSES_DEG.values())
    assert len(set(POSES_DEG.values())) == len(POSES_DEG)


def test_steps_start_from_rest_move_and_hold():
    script = StepScript([(1.0, FIST), (2.0, OPEN)], move_s=0.4)
    times_s = [0.0, 0.2, 0.4, 1.0, 1.2, 1.4, 3.0, 1e6]
    expected_deg = [40, 110, 180, 180, 90, 0, 0, 0]
    assert np.allclose(script.angles_deg(times_s), np.array(expected_deg)[:, None] * np.ones(5))


def test_a_step_shorter_than_its_move_still_arrives():
    script = StepScript([(0.2, FIST), (1.0, REST_DEG)], move_s=0.5)
    assert np.allclose(script.angles_deg([0.1, 0.19, 0.2]), 180)


def test_a_last_step_may_last_for_ever():
    assert np.allclose(StepScript([(1, FIST), (float("inf"), OPEN)]).angles_deg([5.0]), 0)


def test_moves_are_smooth_and_bell_shaped():
    """Minimum jerk: peak speed 1.875 times the mean, no speed at either end (Flash and Hogan 1985)."""
    script = StepScript([(1.0, FIST)], move_s=0.5)
    speed_deg_s = np.diff(script.angles_deg(np.linspace(0, 0.5, 5001))[:, 0]) / 1e-4
    assert speed_deg_s.max() == pytest.approx(1.875 * 140 / 0.5, rel=1e-3)
    assert speed_deg_s[[0, -1]] == pytest.approx([0, 0], abs=0.1)


@pytest.mark.parametrize(
    "steps", [[], [(0.0, FIST)], [(-1.0, FIST)], [(float("nan"), FIST)], [(1.0, (0, 0, 0, 0, 181))], [(1.0, (-1,) * 5)]]
)
def test_impossible_steps_are_refused(steps):
    with pytest.raises(UserError):
        StepScript(steps)


def test_a_random_script_depends_on_its_seed_alone():
    times_s = np.arange(0, 600, 0.1)
    whole = RandomScript(3).angles_deg(times_s)
    piecewise = RandomScript(3)
    assert np.array_equal(whole, np.concatenate([piecewise.angles_deg(t) for t in times_s.reshape(-1, 50)]))
    backwards = RandomScript(3)
    assert np.array_equal(whole[::-1], np.concatenate([backwards.angles_deg([t]) for t in times_s[::-1]]))
    assert not np.array_equal(whole, RandomScript(4).angles_deg(times_s))


def test_a_random_script_holds_1_to_3_s_moves_in_at_most_0_8_s_and_rests_often():
    angles_deg = RandomScript(1).angles_deg(np.arange(0, 1200, 0.01))
    assert 0 <= angles_deg.min() < 10
    assert 170 < angles_deg.max() <= 180
    still = np.all(np.diff(angles_deg, axis=0) == 0, axis=1)
    edges = np.flatnonzero(np.diff(still))
    lengths_s = np.diff(edges) * 0.01
    holds_s, moves_s = (lengths_s[i::2] for i in ((0, 1) if still[edges[0] + 1] else (1, 0)))
    assert holds_s.min() == pytest.approx(1, abs=0.1)
    assert holds_s.max() == pytest.approx(3, abs=0.1)
    assert moves_s.min() == pytest.approx(0.3, abs=0.1)
    assert moves_s.max() == pytest.approx(0.8, abs=0.1)
    at_rest = np.all(angles_deg == 40, axis=1).mean()
    assert 0.2 < at_rest < 0.5


def test_a_random_script_starts_at_rest_and_moves_every_finger_alone_and_together():
    angles_deg = RandomScript(2).angles_deg(np.arange(0, 1200, 0.1))
    assert np.allclose(angles_deg[:10], 40)
    away = np.abs(angles_deg - 40) > 30
    patterns = {tuple(row) for row in away}
    assert {tuple(i == finger for i in range(5)) for finger in range(5)} <= patterns
    assert (True,) * 5 in patterns
