"""A head for today: a discriminant in three dense layers, taken where the head of the training fails."""

import numpy as np
import pytest

from headed_model import POSES, REST_DEG, SPEC
from myobridge.calibration.class_statistics import Day, statistics_of
from myobridge.calibration.discriminant import discriminant
from myobridge.calibration.fresh_head import fresh_head, has_room
from myobridge.calibration.judge import score
from myobridge.calibration.today_head import Learner, decide
from myobridge.calibration.windows import Windows
from myobridge.model.head import Head

BY_LABEL = {pose.label: pose for pose in POSES}
SIZES = ((32, 16), (16, 32), (5, 16))
PLACES = 8.0 * np.eye(5, 6)
"""Of the mean of each movement among six features."""


def layers(fill=0.0):
    return [(np.full(size, fill, np.float32), np.zeros(size[0], np.float32)) for size in SIZES]


def windows(seed, places=PLACES, count=40):
    """Windows of two holds of each movement, in order, one after another."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.tile(np.arange(len(places)), 2), count)
    hold = np.repeat(np.arange(2 * len(places)), count)
    since_s = np.tile(0.4 + 0.05 * np.arange(count), 2 * len(places))
    starts = np.diff(hold, prepend=-1) > 0
    features = places[label] + rng.standard_normal((len(label), places.shape[1]))
    return Windows(np.arange(len(label)), starts, label, hold, since_s, features, np.zeros((len(label), 5)), label)


def day_of(seen):
    return Day(seen.features, seen.label, np.ones(len(seen.label), bool))


def earlier():
    return statistics_of([day_of(windows(0))])


def fresh(seen):
    return fresh_head(earlier(), day_of(seen), BY_LABEL, REST_DEG, layers())


def accuracy(found, seen):
    table = np.array([pose.angles_deg for pose in POSES])
    decoded = np.square(decide(found, seen, SPEC)[:, None] - table).sum(axis=2).argmin(axis=1)
    return np.mean(decoded == seen.label)


def test_a_discriminant_in_three_layers_decides_on_the_poses_themselves():
    later = windows(2)
    assert accuracy(fresh(windows(1)), later) > 0.99
    angles = decide(fresh(windows(1)), later, SPEC)
    target = np.array([BY_LABEL[label].angles_deg for label in later.label.tolist()])
    assert np.median(np.abs(angles - target)) < 1


def test_halfway_between_a_pose_and_rest_the_hand_is_between_them():
    seen = windows(1)
    middle = seen._replace(features=np.tile((PLACES[0] + PLACES[2]) / 2, (len(seen.label), 1)))
    along = np.linspace(0, 1, len(seen.label))[:, None]
    line = seen._replace(features=(1 - along) * PLACES[0] + along * PLACES[2])
    rest, fist = np.array(REST_DEG), np.array(BY_LABEL[2].angles_deg)
    assert not np.isnan(decide(fresh(seen), middle, SPEC)).any()
    found = decide(fresh(seen), line, SPEC)
    assert found[0] == pytest.approx(rest, abs=1)
    assert found[-1] == pytest.approx(fist, abs=1)
    assert (np.diff(found, axis=0) * np.sign(fist - rest) > -1e-6).all(), "the way from one to the other is straight"


def test_a_head_has_room_for_so_many_movements_only():
    assert has_room(BY_LABEL, REST_DEG, layers())
    assert not has_room(BY_LABEL, REST_DEG, [(w[:15], b[:15]) for w, b in layers()])


def learner(seen, head):
    return Learner(earlier(), Head("mlp.1.weight", head, head, [False] * 3), seen, BY_LABEL, SPEC)


def test_where_the_head_of_the_training_fails_the_fresh_head_is_taken_and_elsewhere_it_is_not():
    seen, part = windows(3), np.repeat([0, 1], 200)
    failing, knowing = learner(seen, layers()), learner(seen, fresh(windows(1)))
    taken, unseen_deg = failing.best(part, fresh_too=True)
    assert accuracy(taken, windows(4)) > 0.99
    assert score(unseen_deg, seen.label, BY_LABEL).balanced_accuracy > 0.99
    kept, _ = knowing.best(part, fresh_too=True)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(kept[1:], knowing.head.layers[1:], strict=True))
    stays, _ = failing.best(part, fresh_too=False)
    assert accuracy(stays, windows(4)) < 0.5


def test_the_choice_of_a_head_believes_no_label_of_today():
    """Behind today's centre, the head of the training recognises all poses, and lying labels do not make it right."""
    seen = windows(3)
    knowing = learner(seen, fresh(windows(1)))
    assert knowing._recognised() > 0.99
    lies = seen._replace(label=(seen.label + 1) % 5, cue=(seen.label + 1) % 5)
    assert learner(lies, fresh(windows(1)))._recognised() < 0.01


def test_a_day_that_looks_like_earlier_days_keeps_much_of_their_means():
    """Today's second of a pose is off; earlier days know where the pose lies."""
    off = PLACES.copy()
    off[1, 2] = 4
    today = day_of(windows(1, places=off))
    weight, bias = discriminant(earlier(), today)
    of_today = PLACES - PLACES.mean(axis=0) + today.centre
    lead = np.diff((of_today @ weight.T + bias)[1, [2, 1]])
    elsewhere = statistics_of([day_of(windows(0, places=-PLACES))])
    other, its_bias = discriminant(elsewhere, today)
    assert lead > np.diff((of_today @ other.T + its_bias)[1, [2, 1]])


def test_windows_between_two_holds_teach_where_earlier_days_say_nothing():
    """A movement passes a place where no hold is: only windows between the holds tell to which movement it belongs."""
    elsewhere = statistics_of([day_of(windows(0, places=-PLACES))])
    seen, rng = windows(1), np.random.default_rng(5)
    way = np.tile(PLACES[2] + (0, 0, 0, 0, 0, 9), (60, 1)) + rng.standard_normal((60, 6))
    features, labels = np.concatenate([seen.features, way]), np.concatenate([seen.label, np.full(60, 3)])
    first = np.arange(len(labels)) < len(seen.label)
    for known, right in ((first, 2), (np.ones(len(labels), bool), 3)):
        weight, bias = discriminant(elsewhere, Day(features[known], labels[known], first[known]))
        assert (way @ weight.T + bias).argmax(axis=1).tolist().count(right) > 50
