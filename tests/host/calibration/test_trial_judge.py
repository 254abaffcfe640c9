"""The measures of a trial, on hands whose way is known."""

import math

import pytest

from myobridge.calibration.trial.attempt import Attempt, gap_deg
from myobridge.calibration.trial.fitts import ENTROPY_WIDTH, LEAST_WIDTH, conditions, throughput
from myobridge.calibration.trial.judge import judge, points
from myobridge.calibration.trial.session import encode
from myobridge.errors import UserError
from myobridge.recording.trial_records import Answer, Ended
from shown_hands import FIST, REST, begun, hands, still, target

NEAR_FIST = (170.0,) * 5
POINT = (180.0, 0.0, 180.0, 180.0, 180.0)


def attempt_of(*legs, goal=None):
    attempt = Attempt(goal or target(), still())
    for shown in hands(*legs):
        if attempt.take(shown):
            break
    return attempt


def test_the_target_is_reached_when_every_finger_has_stayed_in_it_for_the_dwell_time():
    attempt = attempt_of((1.0, FIST), (2.0, FIST))
    assert attempt.outcome == "reached"
    assert attempt.movement_s == pytest.approx(0.92, abs=0.001), "the last 15 of 140 degrees count as the target"
    assert attempt.over_s - attempt.entered_s == pytest.approx(1.0, abs=0.001)
    assert attempt.exits == 0


def test_one_finger_outside_of_the_tolerance_is_a_miss():
    attempt = attempt_of((1.0, (180.0, 164.0, 180.0, 180.0, 180.0)), (20.0, (180.0, 164.0, 180.0, 180.0, 180.0)))
    assert attempt.outcome == "missed"
    assert attempt.movement_s is None
    assert attempt.path_efficiency is None
    assert attempt.over_s == pytest.approx(110.0, abs=0.05), "the time of the target is over after 10 s"


def test_leaving_the_target_too_early_is_an_overshoot_and_begins_the_dwell_again():
    attempt = attempt_of((1.0, FIST), (0.2, FIST), (0.4, (120.0,) * 5), (0.4, FIST), (2.0, FIST))
    assert attempt.exits == 1
    assert attempt.outcome == "reached"
    assert attempt.movement_s > 1.6


def test_a_straight_way_has_the_efficiency_1_and_a_detour_a_smaller_one():
    assert attempt_of((1.0, FIST), (2.0, FIST)).path_efficiency == pytest.approx(1.0)
    detour = attempt_of((1.0, (40.0, 180.0, 40.0, 180.0, 40.0)), (1.0, FIST), (2.0, FIST))
    assert detour.path_efficiency == pytest.approx(1 / math.sqrt(2), abs=0.1)


def test_a_gap_in_the_hands_or_a_hand_that_does_not_follow_interrupts():
    late = Attempt(target(), still())
    assert late.take(still(at_s=101.2)) == "interrupted"
    disarmed = Attempt(target(), still())
    assert disarmed.take(still(at_s=100.04, follows=False)) == "interrupted"


def test_grip_leaves_the_index_finger_out_and_grip_and_point_takes_both():
    assert gap_deg(target(judged="grip"), POINT) == 0
    assert gap_deg(target(judged="grip and point"), POINT) == 180
    assert gap_deg(target(), NEAR_FIST) == 10


# --- Fitts's law --------------------------------------------------------------------------------------------


def moved(end, seconds, goal):
    return attempt_of((seconds, (end,) * 5), (2.0, (end,) * 5), goal=goal)


def test_throughput_is_the_mean_over_conditions_of_effective_bits_a_second():
    near = target(judged="grip", angles_deg=(100.0,) * 5, tolerance_deg=20.0, name="near")
    far = target(judged="grip", angles_deg=(160.0,) * 5, tolerance_deg=20.0, name="far")
    attempts = [moved(end, 0.8, goal) for goal, ends in ((near, (95.0, 105.0)), (far, (150.0, 170.0))) for end in ends]
    near_of, far_of = sorted(conditions(attempts, REST), key=lambda condition: condition.distance_deg)
    assert (near_of.distance_deg, near_of.width_deg) == (60.0, 40.0)
    assert near_of.id_bits == pytest.approx(math.log2(60 / 40 + 1))
    assert near_of.effective_width_deg == pytest.approx(ENTROPY_WIDTH * math.sqrt(50))
    assert near_of.effective_distance_deg == pytest.approx(60.0)
    assert near_of.throughput_bits_s == pytest.approx(
        math.log2(60 / (ENTROPY_WIDTH * math.sqrt(50)) + 1) / near_of.time_s
    )
    mean = throughput([near_of, far_of])
    both = near_of.throughput_bits_s, far_of.throughput_bits_s
    assert mean.bits_s == pytest.approx(sum(both) / 2)
    assert mean.high_bits_s - mean.bits_s == pytest.approx(12.706 * abs(both[0] - both[1]) / 2, rel=1e-3)
    assert mean.low_bits_s >= 0


def test_a_decoder_whose_poses_never_vary_does_not_have_an_endless_throughput():
    goal = target(judged="grip", tolerance_deg=10.0)
    (condition,) = conditions([moved(180.0, 0.8, goal) for _ in range(3)], REST)
    assert condition.effective_width_deg == pytest.approx(LEAST_WIDTH * 20.0)
    assert throughput([condition]).low_bits_s is None, "one condition says nothing about the confidence"


def test_a_wearer_who_does_nothing_has_no_throughput_and_a_table_of_failures():
    goals = [target(judged="grip", number=number, t_s=100.0 + 20 * number) for number in range(2)]
    records = [begun(task="fitts", targets=2)]
    for number, goal in enumerate(goals):
        records += [still(at_s=goal.t_s), goal, *hands((10.2, REST), from_s=goal.t_s)]
        records += [Answer(number, goal.t_s + 10, "missed")]
    result = judge([*records, Ended(140.0, True)])
    assert [t.outcome for t in result.targets] == ["missed", "missed"]
    assert (result.completion, result.time_s, result.throughput.bits_s) == (0.0, None, 0.0)


# --- the result ---------------------------------------------------------------------------------------------


def reached_trial(**changes):
    return [begun(**changes), still(), target(), *hands((1.0, FIST), (1.2, FIST)), Answer(0, 101.92, "reached")]


def test_the_same_records_give_the_same_result_to_the_bit():
    records = [*reached_trial(), Ended(104.0, True)]
    assert encode(judge(records)) == encode(judge(list(records)))
    assert judge(records).completion == 1.0
    assert judge(records).finished


def test_a_trial_that_was_broken_off_keeps_what_was_done():
    second = target(number=1, t_s=110.0)
    begins = [*reached_trial(targets=5), still(at_s=110.0), second, *hands((0.4, FIST), from_s=110.0)]
    stopped = judge([*begins, Answer(1, 110.4, "interrupted"), Ended(110.4, False)])
    killed = judge(begins)
    for result in (stopped, killed):
        assert (len(result.targets), result.planned, result.finished) == (1, 5, False)
    assert (stopped.interrupted, killed.interrupted) == (1, 0)


def test_an_interrupted_target_comes_again_and_only_the_second_time_counts():
    again = target(t_s=120.0)
    records = [begun(), still(), target(), still(at_s=100.04, follows=False), Answer(0, 100.04, "interrupted")]
    records += [still(at_s=120.0), again, *hands((1.0, FIST), (1.2, FIST), from_s=120.0), Answer(0, 121.92, "reached")]
    result = judge(records)
    assert [t.outcome for t in result.targets] == ["reached"]
    assert result.interrupted == 1


def test_answers_that_do_not_follow_from_the_hands_are_refused():
    with pytest.raises(UserError, match="do not follow"):
        judge([begun(), still(), target(), *hands((1.0, FIST), (1.2, FIST)), Answer(0, 101.92, "missed")])
    with pytest.raises(UserError, match="no trial"):
        judge([still()])
    with pytest.raises(UserError, match="do not follow"):
        judge([begun(), target(), *hands((1.0, FIST), (1.2, FIST))])


def test_a_target_at_rest_is_no_condition_of_fitts_law():
    home = target(angles_deg=REST, judged="grip", dwell_s=0.1)
    one = [still(), home, *hands((0.2, REST)), Answer(0, 100.12, "reached")]
    assert judge([begun(task="fitts"), *one, *one]).conditions == ()


def test_a_quiet_minute_counts_how_often_and_how_long_the_hand_left_rest():
    quiet = target(name="Rest", angles_deg=REST, depth=0.0, dwell_s=60.0, timeout_s=60.0)
    ways = ((20.0, REST), (0.2, FIST), (0.2, REST), (20.0, REST), (0.2, FIST), (0.2, REST), (25.0, REST))
    restless = judge([begun(task="rest"), still(), quiet, *hands(*ways)])
    assert restless.false_movements == 2
    assert 0.3 < restless.away_s < 0.9
    assert judge([begun(task="rest"), still(), quiet, *hands((61.0, REST))]).false_movements == 0


def test_practice_gives_points_for_targets_and_more_for_quick_ones():
    quick, slow = attempt_of((1.0, FIST), (1.5, FIST)), attempt_of((6.0, REST), (1.0, FIST), (1.5, FIST))
    assert 10 < points(slow) < points(quick) <= 20
    assert points(attempt_of((11.0, REST))) == 0
    result = judge([*reached_trial(task="practice"), Ended(104.0, True)])
    assert (result.score, result.best_score) == (19, 20)
