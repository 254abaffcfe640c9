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
