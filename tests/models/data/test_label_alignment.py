"""Labels are aligned with the contraction of the muscle."""

import numpy as np
import pytest

from myobridge_models.data.label_alignment import aligned
from myobridge_models.data.takes import Take

FS_HZ = 1000


@pytest.mark.parametrize("rest_after_s", [0, 0.05, 3])
def test_a_take_may_end_in_a_contraction_or_just_after_it(rest_after_s):
    """The recording stopped there, or its samples were lost."""
    label = np.repeat([0, 1, 0], [2 * FS_HZ, 3 * FS_HZ, round(rest_after_s * FS_HZ)])
    loud = np.where(np.roll(label, FS_HZ // 3) == 1, 10.0, 1.0)
    emg = (np.random.default_rng(1).standard_normal((2, len(label))) * loud).astype(np.float32)
    target_deg = np.where(label == 1, 180.0, 40.0)[:, None].repeat(5, axis=1).astype(np.float32)
    take = Take(emg, target_deg, label.astype(np.int64), np.zeros(len(label), np.int64), np.ones(len(label), bool))
    movement = aligned(take, FS_HZ).movement
    begin = np.flatnonzero(movement)[0] / FS_HZ
    assert begin == pytest.approx(2.33, abs=0.15)
    assert movement[5 * FS_HZ - 1] == 1


def take_of(begins_s=0.3, ends_s=0.5, loud=8.0):
    """3 s of rest, a cue of 3 s that the muscle follows late, and 3 s of rest."""
    rng, n = np.random.default_rng(0), 9 * FS_HZ
    t = np.arange(n) / FS_HZ
    active = (t >= 3 + begins_s) & (t < 6 + ends_s)
    emg = rng.standard_normal((2, n)).astype(np.float32) * np.where(active, loud, 1.0).astype(np.float32)
    cue = ((t >= 3) & (t < 6)).astype(np.int64) * 2
    target = np.where(cue[:, None] > 0, 180.0, 40.0).repeat(5, axis=1).astype(np.float32)
    return Take(emg, target, cue, np.zeros(n, np.int64), np.zeros(n, bool))


@pytest.mark.parametrize(("begins_s", "ends_s"), [(0.1, 0.2), (0.4, 0.6), (0.7, 0.3)])
def test_labels_begin_and_end_with_the_muscle(begins_s, ends_s):
    found = aligned(take_of(begins_s, ends_s), FS_HZ)
    seconds = np.flatnonzero(found.movement == 2) / FS_HZ
    assert seconds[0] == pytest.approx(3 + begins_s, abs=0.06)  # half the envelope
    assert seconds[-1] == pytest.approx(6 + ends_s, abs=0.06)
    assert np.array_equal(found.target_deg[:, 0] == 180, found.movement == 2)
    assert found.usable.all()


def test_an_invisible_contraction_gets_the_usual_delay():
    found = aligned(take_of(loud=1.1), FS_HZ)
    seconds = np.flatnonzero(found.movement == 2) / FS_HZ
    assert seconds[0] == pytest.approx(3.4, abs=0.01)
    assert seconds[-1] == pytest.approx(6.4, abs=0.01)
