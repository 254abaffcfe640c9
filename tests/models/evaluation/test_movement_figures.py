"""Figures of a decoder that follows fingers: errors, fit, delay, steadiness of a held depth, cross-talk."""

from dataclasses import replace

import numpy as np
import pytest

from myobridge.recording import Recording
from myobridge_models.evaluation.decisions import Decisions
from myobridge_models.evaluation.movement import movement_figures

FS_HZ = 500
REST = np.full(5, 40, np.float32)
T_S = np.arange(0, 20, 1 / FS_HZ)


def recording():
    """The index finger follows a sine for 10 s and then holds 110°; the label changes with that."""
    angles_deg = np.full((len(T_S), 5), 40.0, np.float32)
    angles_deg[:, 1] = 40 + np.where(T_S < 10, 70 * np.sin(np.pi * T_S / 2) ** 2, 70 * np.clip(T_S - 11, 0, 1))
    label = (1 + (T_S >= 10)).astype(np.uint8)
    return Recording(np.zeros((len(T_S), 2), np.int16), FS_HZ, 10, label, angles_deg=angles_deg)


def decided(angles_deg, hop_s=0.01):
    rows = np.arange(0, len(T_S), round(hop_s * FS_HZ))
    return Decisions(rows, angles_deg[rows].astype(np.float32))


def test_a_perfect_decoder_has_no_error_and_no_delay():
    found = movement_figures(decided(recording().angles_deg), recording(), REST)
    assert found.mae_deg == pytest.approx(0, abs=0.5)
    assert found.r2_worst > 0.999
    assert found.delay_s == pytest.approx(0, abs=0.01)
    assert found.held_jitter_deg_per_s == pytest.approx(0, abs=0.01)
    assert found.crosstalk_deg == 0


@pytest.mark.parametrize("late_s", [0.06, 0.15, 0.3])
def test_the_delay_is_found_between_two_instants(late_s):
    late = np.roll(recording().angles_deg, round(late_s * FS_HZ), axis=0)
    found = movement_figures(decided(late), recording(), REST)
    assert found.delay_s == pytest.approx(late_s, abs=0.02)
    assert found.correlation < 1


def test_errors_of_moved_and_of_still_fingers_are_told_apart():
    angles_deg = recording().angles_deg.copy()
    angles_deg[:, 1] += 8
    angles_deg[:, 3] += 3
    found = movement_figures(decided(angles_deg), recording(), REST)
    assert found.moved_mae_deg == pytest.approx(8, abs=0.5)
    assert found.crosstalk_deg == pytest.approx(3 / 4, abs=0.1), "one of four still fingers is 3° off"
    assert [one.finger for one in found.fingers if one.r2 is not None] == ["index"]
    assert found.mae_deg == pytest.approx(11 / 5, abs=0.2)


def test_jitter_is_judged_while_the_fingers_hold_a_depth():
    angles_deg = recording().angles_deg.copy()
    angles_deg[T_S < 10, 1] += 20 * np.sin(60 * T_S[T_S < 10])
    assert movement_figures(decided(angles_deg), recording(), REST).held_jitter_deg_per_s < 0.5
    angles_deg[T_S > 13, 1] += np.where(np.arange((T_S > 13).sum()) // 5 % 2, 1.0, -1.0)
    found = movement_figures(decided(angles_deg), recording(), REST).held_jitter_deg_per_s
    assert found == pytest.approx(200 / np.sqrt(5), rel=0.2), "one of five servos moves 2° in each 10 ms"


def test_a_first_take_that_is_shorter_than_the_settling_holds_nothing():
    run = (T_S >= 0.4).astype(np.uint8)
    short = replace(recording(), run=run)
    found = movement_figures(decided(short.angles_deg), short, REST)
    assert found.held_jitter_deg_per_s == pytest.approx(0, abs=0.01)


def test_a_recording_without_cues_is_judged_in_pieces():
    bare = replace(recording(), label=None)
    found = movement_figures(decided(bare.angles_deg), bare, REST)
    assert found.r2_worst > 0.999


def test_what_a_recording_does_not_have_is_left_empty():
    still = replace(recording(), angles_deg=np.full((len(T_S), 5), 40, np.float32))
    found = movement_figures(decided(still.angles_deg), still, REST)
    assert (found.r2, found.delay_s, found.held_jitter_deg_per_s, found.crosstalk_deg) == (None, None, None, None)
