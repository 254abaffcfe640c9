"""Every decoder is judged in one place: at the same instants, on the angles that the hand holds then."""

import numpy as np
import pytest

from myobridge.errors import UserError
from myobridge.recording import Recording
from myobridge_models.data import biopatrec
from myobridge_models.evaluation.decisions import Decisions, held_at, holds_of, instants
from myobridge_models.evaluation.evaluate import balanced_accuracy, distinct_poses, figures, rest_of

FS_HZ = 500
POSES = biopatrec.POSES
REST = rest_of(POSES)


def recording(fs_hz=FS_HZ, labels=((1, 2.0), (0, 2.0)), repetitions=2, takes=2) -> Recording:
    """Two takes; each repetition holds every label once."""
    once = np.concatenate([np.full(round(s * fs_hz), label, np.uint8) for label, s in labels])
    label = np.tile(once, repetitions * takes)
    repetition = np.tile(np.repeat(np.arange(repetitions, dtype=np.uint8), len(once)), takes)
    run = np.repeat(np.arange(takes, dtype=np.uint8), len(once) * repetitions)
    return Recording(np.zeros((len(label), 2), np.int16), fs_hz, 16, label, repetition, run)


def truth(one: Recording):
    table = np.array([pose.angles_deg for pose in POSES], np.float32)
    return table[one.label]


class TestInstants:
    @pytest.mark.parametrize("fs_hz", [500, 1000, 1111, 2000])
    def test_instants_are_50_ms_apart_and_begin_450_ms_into_each_take(self, fs_hz):
        one = recording(fs_hz)
        rows = instants(one)
        for take in one.takes():
            at = rows[(rows >= take.start) & (rows < take.stop)] - take.start + 1
            assert at[0] == round(0.45 * fs_hz)
            assert set(np.diff(at)) == {round(0.05 * fs_hz)}

    def test_instants_of_one_repetition(self):
        one = recording()
        assert set(one.repetition[instants(one, 1)]) == {1}

    def test_a_missing_repetition_is_refused(self):
        with pytest.raises(UserError, match="has no repetition 9"):
            instants(recording(), 9)


class TestHeld:
    def decisions(self, *rows):
        return Decisions(np.array(rows), np.repeat(np.array(rows, np.float32)[:, None], 5, axis=1))

    def test_a_decision_holds_until_the_next(self):
        held = held_at(np.array([10, 11, 19, 20]), self.decisions(10, 20), recording(), REST)
        assert held[:, 0].tolist() == [10, 10, 10, 20]

    def test_before_the_first_decision_of_a_take_the_hand_rests(self):
        second = recording().counts.shape[0] // 2
        held = held_at(np.array([5, 30, second + 5, second + 30]), self.decisions(10, second + 10), recording(), REST)
        assert held[:, 0].tolist() == [40, 10, 40, second + 10]

    def test_a_decoder_without_decisions_rests(self):
        nothing = Decisions(np.empty(0, np.int64), np.empty((0, 5), np.float32))
        assert np.array_equal(held_at(np.array([7]), nothing, recording(), REST), REST[None])


class TestHolds:
    def test_each_cue_of_the_repetition_has_a_hold_with_times_from_the_cue(self):
        one = recording()
        rows = np.arange(9, len(one.counts), 10)
        holds = holds_of(Decisions(rows, truth(one)[rows]), one, 1)
        assert [hold.label for hold in holds] == [1, 0, 1, 0]
        for hold in holds:
            assert (hold.from_s, hold.to_s) == (0, 2)
            assert hold.at_s[0] == pytest.approx(0.02)
            assert hold.at_s[-1] == pytest.approx(2.0)
            assert len(hold.angles_deg) == 100

    def test_a_cue_that_began_in_another_repetition_keeps_its_time(self):
        one = recording(labels=((0, 1.0),))
        rows = np.arange(len(one.counts))
        [hold, _] = holds_of(Decisions(rows, truth(one)[rows]), one, 1)
        assert (hold.from_s, hold.to_s) == (1, 2)
        assert hold.at_s[0] == pytest.approx(1.0, abs=0.01)

    def test_a_recording_without_labels_has_no_holds(self):
        bare = Recording(np.zeros((1000, 2), np.int16), FS_HZ)
        assert holds_of(Decisions(np.empty(0, np.int64), np.empty((0, 5), np.float32)), bare) == []


class TestFigures:
    def test_biopatrec_has_seven_distinct_poses(self):
        assert distinct_poses(POSES).shape == (7, 5)

    def test_balanced_accuracy_of_perfect_and_constant_decisions(self):
        poses = distinct_poses(POSES)
        assert balanced_accuracy(poses, poses, poses) == 1
        constant = np.full((7, 5), 40, np.float32)
        assert balanced_accuracy(constant, poses, poses) == pytest.approx(1 / 7)

    def test_a_perfect_decoder_has_perfect_figures(self):
        one = recording()
        rows = np.arange(len(one.counts))
        found = figures(Decisions(rows, truth(one)), one, truth(one), POSES)
        assert found.mae_deg == 0
        assert found.balanced_accuracy == 1
        assert found.false_activations_per_hour == 0
        assert found.onset_delay_s == pytest.approx(1 / FS_HZ)
        assert found.missed_onsets == 0
        assert found.jitter_deg_per_s == 0

    def test_a_hand_that_only_rests_is_right_half_of_the_time(self):
        one = recording()
        nothing = Decisions(np.empty(0, np.int64), np.empty((0, 5), np.float32))
        found = figures(nothing, one, truth(one), POSES, 1)
        assert found.mae_deg == pytest.approx(20)
        assert found.balanced_accuracy == 0.5
        assert found.missed_onsets == 1

    def test_too_short_a_recording_is_refused(self):
        one = recording(labels=((1, 0.1),))
        nothing = Decisions(np.empty(0, np.int64), np.empty((0, 5), np.float32))
        with pytest.raises(UserError, match=r"shorter than 0\.45 s"):
            figures(nothing, one, truth(one), POSES)

    def test_without_poses_only_the_error_is_known(self):
        one = recording()
        found = figures(Decisions(np.arange(len(one.counts)), truth(one)), one, truth(one), ())
        assert found.mae_deg == 0
        assert set(found[1:]) == {None}
