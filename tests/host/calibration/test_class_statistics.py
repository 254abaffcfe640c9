"""Translation of today's features into those of earlier days: centres, means and the trust in either."""

import numpy as np
import pytest

from myobridge.calibration.class_statistics import Day, centre_of, distance, statistics_of, translation

POSES = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6]], float)


def day(seed, shift=0.0, poses=POSES, count=40):
    """Features of each pose around its mean, all moved by `shift`; and the labels 0 to 3."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(poses)), count)
    return poses[labels] + shift + rng.standard_normal((len(labels), 3)), labels


@pytest.fixture
def earlier():
    return statistics_of([Day(*day(seed, shift=seed, count=200), np.ones(800, bool)) for seed in (0, 2)])


def decode(features):
    """What a head of earlier days decides, whose days had the centres POSES.mean and POSES.mean + 2."""
    return np.square(features[:, None] - POSES - 1).sum(axis=2).argmin(axis=1)


def accuracy(move, features, labels):
    return np.mean(decode(move(features)) == labels)


def test_the_statistics_are_means_and_the_covariance_within_a_pose_from_the_centres_of_the_days(earlier):
    assert earlier.centre == pytest.approx(POSES.mean(axis=0) + 1, abs=0.2)
    assert earlier.means + POSES.mean(axis=0) == pytest.approx(POSES, abs=0.2)
    assert earlier.covariance == pytest.approx(np.eye(3), abs=0.15)


def test_a_centre_weighs_all_movements_alike_however_long_they_last():
    features, labels = day(0)
    more = np.concatenate([features, features[labels == 1]]), np.concatenate([labels, labels[labels == 1]])
    assert centre_of(*more) == pytest.approx(centre_of(features, labels))


def test_what_has_changed_for_all_poses_alike_changes_nothing(earlier):
    seen, labels = day(1, shift=20)
    for move in (translation(earlier, seen), translation(earlier, seen, labels)):
        assert accuracy(move, *day(2, shift=20)) > 0.97


def test_a_pose_that_has_changed_needs_its_label(earlier):
    moved = POSES.copy()
    moved[1] = (2, 0, 0)
    seen, labels = day(1, poses=moved)
    later = day(2, poses=moved, count=400)
    assert accuracy(translation(earlier, seen, labels), *later) > accuracy(translation(earlier, seen), *later)


def test_after_a_shift_of_the_electrodes_todays_labels_decide(earlier):
    elsewhere = POSES[[0, 2, 3, 1]]
    seen, labels = day(1, poses=elsewhere)
    later = day(2, poses=elsewhere, count=400)
    assert accuracy(translation(earlier, seen), *later) < 0.5
    assert accuracy(translation(earlier, seen, labels), *later) > 0.95


def test_the_distance_is_small_on_another_day_and_large_elsewhere(earlier):
    assert distance(earlier, earlier.means, 1.1 * earlier.means) < 0.2
    assert distance(earlier, earlier.means, earlier.means[[0, 2, 3, 1]]) > 1


def test_a_pose_that_is_missing_today_moves_no_other_pose(earlier):
    seen, labels = day(1, shift=5)
    here = labels != 3
    move = translation(earlier, seen[here], labels[here])
    assert accuracy(move, *day(2, shift=5)) > 0.95


def test_a_label_that_earlier_days_do_not_know_is_not_learnt_from(earlier):
    seen, labels = day(1)
    strange = np.concatenate([seen, seen + 50]), np.concatenate([labels, labels + 9])
    for one, other in zip(translation(earlier, seen, labels), translation(earlier, *strange), strict=True):
        assert one == pytest.approx(other)


def test_the_first_dense_layer_takes_the_translation_over(earlier):
    seen, labels = day(1, shift=3)
    move = translation(earlier, seen, labels)
    rng = np.random.default_rng(0)
    weight, bias, history = rng.standard_normal((5, 7)), rng.standard_normal(5), rng.standard_normal((len(seen), 4))
    turned, moved = move.before(weight, bias)
    expected = np.hstack([move(seen), history]) @ weight.T + bias
    assert np.hstack([seen, history]) @ turned.T + moved == pytest.approx(expected)


def test_a_feature_that_never_changes_does_no_harm():
    features, labels = day(0)
    features = np.column_stack([features, np.ones(len(features))])
    found = statistics_of([Day(features, labels, np.ones(len(labels), bool))])
    assert np.isfinite(translation(found, features, labels)(features)).all()


def test_labels_that_earlier_days_do_not_know_at_all_move_the_centre_only(earlier):
    seen, labels = day(1, shift=5)
    for one, other in zip(translation(earlier, seen, labels + 9), translation(earlier, seen), strict=True):
        assert np.array_equal(one, other)


def test_an_hour_of_windows_is_thinned_out(earlier):
    seen, labels = day(1, shift=5, count=5000)
    move = translation(earlier, seen, labels)
    assert move.toward.shape[1] <= 1000
    assert accuracy(move, *day(2, shift=5)) > 0.97
