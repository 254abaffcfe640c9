"""The file of movements that a followed recording shows."""

import numpy as np
import pytest

from myobridge.calibration.movements import load_movements
from myobridge.errors import UserError

GOOD = """
[[movement]]
label = 1
name = "Fist"
angles_deg = [180, 180, 180, 180, 180]
shape = "sine"
depths = [0.5, 1.0]
stroke_s = 3.0
"""


def test_the_shipped_file_moves_each_finger_alone_and_together_at_several_speeds_and_depths():
    movements = load_movements()
    away = [tuple(np.flatnonzero(np.array(movement.angles_deg) != 40)) for movement in movements]
    assert {(finger,) for finger in range(5)} <= set(away)
    assert (0, 1, 2, 3, 4) in away
    assert {movement.shape for movement in movements} == {"sine", "trapezoid"}
    assert len({movement.stroke_s for movement in movements}) >= 3
    assert min(min(movement.depths) for movement in movements) <= 0.3
    assert sum(movement.seconds for movement in movements) < 180


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("stroke_s", "strok_s", "line 8: unknown key 'strok_s'; the nearest key is 'stroke_s'"),
        ("[0.5, 1.0]", "[0.5, 1.5]", "line 7: movement[0].depths[1]"),
        ("[0.5, 1.0]", "[]", "line 7: movement[0].depths"),
        ('"sine"', '"square"', "line 6: movement[0].shape"),
        ("label = 1", "label = 0", "line 3: movement[0].label"),
        ("[180, 180, 180, 180, 180]", "[40, 40, 40, 40, 40]", "line 5: this is the pose of rest"),
        ("[[movement]]", "[[pose]]", "line 2: unknown key 'pose'; a movements file has only [[movement]] tables"),
        (GOOD, GOOD + GOOD, "movement 1 has the label '1' already"),
        (GOOD, "", "there is no movement"),
    ],
)
def test_a_wrong_file_is_refused_with_the_line(tmp_path, right, wrong, said):
    path = tmp_path / "m.toml"
    path.write_text(GOOD.replace(right, wrong, 1))
    with pytest.raises(UserError) as error:
        load_movements(path)
    assert said in str(error.value)
    assert str(error.value).endswith(".")
