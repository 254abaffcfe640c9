"""A last step for this morning: means of today, the covariance of earlier days, in numpy alone."""

import numpy as np
import pytest

from myobridge.calibration.class_statistics import TODAY, alike, last_step, statistics_of

POSES = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6]], float)


def day(seed, shift=0.0, poses=POSES, count=40):
    """Features of each pose around its mean, all moved by `shift`; and the labels 0 to 3."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(poses)), count)
    return poses[labels] + shift + rng.standard_normal((len(labels), 3)), labels


@pytest.fixture
def earlier():
    features, labels = day(0, count=400)
    return statistics_of(features - features.mean(axis=0), labels)


def accuracy(step, features, labels):
    return np.mean(step(features) == labels)


def test_the_statistics_are_means_and_the_covariance_within_a_pose(earlier):
    assert earlier.means + POSES.mean(axis=0) == pytest.approx(POSES, abs=0.2)
    assert earlier.covariance == pytest.approx(np.eye(3), abs=0.15)


def test_what_has_changed_for_all_poses_alike_changes_nothing(earlier):
    seen, _ = day(1, shift=20)
    assert accuracy(last_step(earlier, seen), *day(2, shift=20)) > 0.97


def test_a_pose_that_has_changed_needs_its_label(earlier):
    moved = POSES.copy()
    moved[1] = (2, 0, 0)
    seen, labels = day(1, poses=moved)
    without, with_labels = last_step(earlier, seen), last_step(earlier, seen, labels)
    later = day(2, poses=moved, count=400)
    assert accuracy(with_labels, *later) > accuracy(without, *later)


def test_today_has_its_share_of_the_means_and_a_new_label_has_its_own(earlier):
    seen, labels = day(1)
    labels = np.where(labels == 3, 9, labels)
    step = last_step(earlier, seen, labels)
    assert step.labels.tolist() == [0, 1, 2, 3, 9]
    today = (seen - seen.mean(axis=0))[labels == 1].mean(axis=0)
    expected = (1 - TODAY) * earlier.means[1] + TODAY * today
    assert earlier.covariance @ step.weights[:, 1] == pytest.approx(expected)


def test_poses_that_were_performed_well_do_not_look_alike(earlier):
    seen, labels = day(1)
    assert alike(last_step(earlier, seen, labels), seen, labels) == []


@pytest.mark.parametrize(("label", "like"), [(1, 0), (2, 3)], ids=["equal to rest", "two poses alike"])
def test_a_pose_performed_like_another_is_named(earlier, label, like):
    poses = POSES.copy()
    poses[label] = poses[like]
    seen, labels = day(1, poses=poses)
    assert alike(last_step(earlier, seen, labels), seen, labels) == [(label, like)]


def test_a_feature_that_never_changes_does_no_harm():
    features, labels = day(0)
    features = np.column_stack([features, np.ones(len(features))])
    step = last_step(statistics_of(features - features.mean(axis=0), labels), features, labels)
    assert np.isfinite(step.weights).all()
    assert accuracy(step, features, labels) > 0.97
