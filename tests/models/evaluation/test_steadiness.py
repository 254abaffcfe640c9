"""False activations, onset delay and jitter of commands written by hand."""

import numpy as np
import pytest

from myobridge_models.evaluation.steadiness import Hold, excursions, steadiness

POSE_OF = {
    label: np.full(5, angle, np.float32)
    for label, angle in {0: 40, 1: 0, 2: 180, 3: 40}.items()  # 3 moves the wrist; the fingers stay at rest
}
STEP_S = 0.1


def hold(label, *angles, from_s=0.0, step_s=STEP_S):
    """All five servos at these angles, one decision every `step_s`."""
    at_s = from_s + step_s * np.arange(1, len(angles) + 1)
    angles_deg = np.repeat(np.array(angles, np.float32)[:, None], 5, axis=1)
    return Hold(label, from_s, float(at_s[-1]), at_s, angles_deg)


def figures(*holds):
    return steadiness(holds, POSE_OF)


class TestFalseActivations:
    def test_a_hand_at_rest_has_no_false_activation(self):
        found = figures(hold(0, *[40] * 30))
        assert found.false_activations_per_hour == 0
        assert found.late_releases_per_hour == 0

    def test_leaving_rest_by_more_than_20_degrees_counts_per_hour_of_rest(self):
        # The first second of rest is not judged; in the other two the hand leaves rest twice.
        found = figures(hold(0, *[180] * 9, *[40] * 5, *[61] * 3, *[40] * 5, *[19] * 3, *[40] * 5))
        assert found.false_activations_per_hour == pytest.approx(2 * 3600 / 2)
        assert found.late_releases_per_hour == 0

    def test_20_degrees_are_still_rest(self):
        assert figures(hold(0, *[60] * 30)).false_activations_per_hour == 0

    def test_a_hand_that_returns_after_more_than_a_second_is_a_late_release(self):
        found = figures(hold(0, *[180] * 15, *[40] * 15))
        assert found.late_releases_per_hour == pytest.approx(3600 / 2)
        assert found.false_activations_per_hour == 0

    def test_an_activation_that_lasts_to_the_next_cue_is_early_too(self):
        found = figures(hold(0, *[40] * 14, *[80] * 3, *[40] * 10, *[80] * 3))
        assert found.false_activations_per_hour == pytest.approx(2 * 3600 / 2)
        assert found.early_movements_per_hour == pytest.approx(3600 / 2)
        late = figures(hold(0, *[80] * 30))
        assert (late.false_activations_per_hour, late.early_movements_per_hour) == (0, 0)

    def test_seconds_away_count_per_hour_of_rest_until_the_hand_is_back_within_10_degrees(self):
        # Two judged seconds: away for 0.3 s at 61°, and for 0.2 s on the way back at 55°, which is still away.
        found = figures(hold(0, *[40] * 9, *[40] * 5, *[61] * 3, *[55] * 2, *[40] * 11))
        assert found.away_s_per_hour == pytest.approx(3600 * 0.5 / 2)

    def test_a_late_release_is_away_until_it_is_back(self):
        assert figures(hold(0, *[180] * 15, *[40] * 15)).away_s_per_hour == pytest.approx(3600 * 0.6 / 2)

    def test_a_hand_that_never_leaves_rest_is_no_second_away(self):
        assert figures(hold(0, *[60] * 30)).away_s_per_hour == 0

    def test_one_servo_suffices(self):
        still = hold(0, *[40] * 30)
        still.angles_deg[20, 3] = 90
        assert figures(still).false_activations_per_hour > 0

    @pytest.mark.parametrize(
        ("away_deg", "count"),
        [([], 0), ([0, 30, 0], 1), ([30, 15, 30], 1), ([30, 9, 30], 2), ([0, 20, 0], 0), ([0, 21, 19, 21, 5], 1)],
    )
    def test_an_excursion_ends_when_all_servos_are_back_within_10_degrees(self, away_deg, count):
        assert excursions(np.array(away_deg, float)) == count

    def test_wrist_movements_are_not_rest(self):
        assert figures(hold(3, *[90] * 30)).false_activations_per_hour is None


class TestOnset:
    def test_onset_delay_ends_at_the_first_decision_nearest_to_the_pose(self):
        assert figures(hold(2, 40, 40, 109, 111, 180)).onset_delay_s == pytest.approx(0.4)

    def test_median_and_90th_percentile_of_all_cues(self):
        holds = [hold(1, *[40] * late, *[0] * (20 - late)) for late in range(10)]
        found = figures(*holds)
        assert found.onset_delay_s == pytest.approx(0.55)
        assert found.onset_delay_p90_s == pytest.approx(0.91)

    def test_a_missed_onset_counts_with_the_length_of_its_hold(self):
        found = figures(hold(1, *[40] * 20), hold(2, *[180] * 20))
        assert found.missed_onsets == 0.5
        assert found.onset_delay_s == pytest.approx((2.0 + 0.1) / 2)

    def test_wrist_movements_rest_and_cues_before_the_judged_part_have_no_onset(self):
        assert figures(hold(3, 40), hold(0, 40), hold(1, 0, from_s=1.0)).onset_delay_s is None


class TestJitter:
    def test_a_still_pose_has_no_jitter_however_wrong_it_is(self):
        assert figures(hold(1, *[90] * 30)).jitter_deg_per_s == 0

    def test_root_mean_square_speed_of_the_settled_part(self):
        # The first 0.7 s and the last 0.2 s of 3 s are not judged.
        wild, trembling = [0, 180, 0, 180, 0, 180], [50, 53] * 11
        found = figures(hold(1, *wild, *trembling, 0, 180))
        assert found.jitter_deg_per_s == pytest.approx(30, rel=1e-4)

    def test_jitter_does_not_depend_on_the_time_between_decisions(self):
        slope = 40 + 10 * np.arange(0, 3, 0.05)
        assert figures(hold(1, *slope, step_s=0.05)).jitter_deg_per_s == pytest.approx(10, rel=1e-3)
        assert figures(hold(1, *slope[::2], step_s=0.1)).jitter_deg_per_s == pytest.approx(10, rel=1e-3)


def test_without_holds_there_are_no_figures():
    assert set(steadiness([], POSE_OF)) == {None}


def test_a_hold_without_decisions_is_a_missed_onset():
    nothing = Hold(1, 0.0, 3.0, np.empty(0), np.empty((0, 5), np.float32))
    assert figures(nothing).missed_onsets == 1
