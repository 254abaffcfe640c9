"""The simulated wearer who imitates a shown hand."""

import numpy as np

from myobridge.model.file import REST_DEG
from myobridge.simulator.imitation import ImitatingScript
from myobridge.simulator.script import POSES_DEG, StepScript

SHOWN = StepScript([(5, REST_DEG), (5, POSES_DEG["fist"]), (5, REST_DEG)], move_s=1.0)
T_S = np.arange(0, 15, 0.01)


def test_the_wearer_is_late_as_people_are():
    for seed in range(5):
        moved_s = T_S[np.flatnonzero(ImitatingScript(SHOWN, seed).angles_deg(T_S)[:, 1] > 100)[0]]
        shown_s = T_S[np.flatnonzero(SHOWN.angles_deg(T_S)[:, 1] > 100)[0]]
        assert 0.0 < moved_s - shown_s < 0.5


def test_the_wearer_reaches_the_shown_depth_within_a_person_s_error():
    held_deg = ImitatingScript(SHOWN, 1).angles_deg(np.array([9.0]))[0]
    assert np.abs(held_deg - POSES_DEG["fist"]).max() < 25
    assert np.all(ImitatingScript(SHOWN, 1).angles_deg(np.array([1.0])) == REST_DEG)


def test_a_seed_determines_the_imitation():
    one, same, other = (ImitatingScript(SHOWN, seed).angles_deg(T_S) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
