"""The movements of a shown hand."""

import numpy as np
import pytest

from myobridge.model.file import REST_DEG
from myobridge.recording.movement import Movement

FIST = (180.0,) * 5


def shown(shape, depths=(0.5, 1.0), stroke_s=3.0):
    return Movement(label=1, name="Fist", angles_deg=FIST, shape=shape, depths=depths, stroke_s=stroke_s)


@pytest.mark.parametrize("shape", ["sine", "trapezoid"])
def test_a_movement_begins_and_ends_at_rest_and_reaches_each_depth(shape):
    movement = shown(shape)
    assert movement.seconds == 6.0
    middle = movement.shown_deg([1.5, 4.5])[:, 2]
    assert middle == pytest.approx([110, 180])
    for t_s in (-1.0, 0.0, 3.0, 6.0, 60.0):
        assert movement.shown_deg([t_s])[0] == pytest.approx(REST_DEG, abs=1e-9)


def test_a_trapezoid_holds_for_a_third_of_its_stroke_and_a_sine_never():
    t_s = np.arange(0, 6, 0.01)
    still = [np.mean(np.abs(np.diff(shown(shape).shown_deg(t_s)[:, 0])) < 1e-6) for shape in ("trapezoid", "sine")]
    assert still[0] == pytest.approx(1 / 3, abs=0.02)
    assert still[1] < 0.02


def test_fingers_that_stay_keep_their_rest_angle_and_open_fingers_go_the_other_way():
    movement = Movement(
        label=1, name="Point", angles_deg=(40.0, 0.0, 180.0, 40.0, 40.0), shape="sine", depths=(1.0,), stroke_s=2.0
    )
    assert movement.shown_deg([1.0])[0] == pytest.approx([40, 0, 180, 40, 40])
