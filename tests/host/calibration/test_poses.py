"""The poses file of a guided recording."""

import pytest

from myobridge.calibration.poses import load_poses
from myobridge.errors import UserError
from myobridge.model.file import REST

GOOD = """
[[pose]]
label = 0
name = "Rest"
angles_deg = [40, 40, 40, 40, 40]

[[pose]]
label = 1
name = "Fist"
angles_deg = [180, 180, 180, 180, 180]
how = "Close."
"""


def complaint(tmp_path, text):
    path = tmp_path / "poses.toml"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        load_poses(path)
    return str(raised.value).replace(str(path), "poses.toml")


def test_the_default_file_has_seven_poses_and_one_of_them_is_rest():
    poses = load_poses()
    assert len(poses) == 7
    assert [pose.label for pose in poses] == list(range(7))
    assert poses[REST].name == "Rest"
    assert all(pose.how for pose in poses)
    assert len({pose.angles_deg for pose in poses}) == 7


def test_a_file_defines_the_labels(tmp_path):
    path = tmp_path / "poses.toml"
    path.write_text(GOOD)
    rest, fist = load_poses(path)
    assert (fist.labelled.label, fist.labelled.name, fist.labelled.angles_deg) == (1, "Fist", (180,) * 5)
    assert (rest.how, fist.how) == ("", "Close.")


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (
            "angels_deg = [180",
            "angles_deg = [180",
            "line 10: unknown key 'angels_deg'; the nearest key is 'a",
        ),
        ('hwo = "C', 'how = "C', "line 11: unknown key 'hwo'; the nearest key is 'how'"),
        ("angles_deg = [181", "angles_deg = [180", "line 10: pose[1].angles_deg[0]"),
        ("angles_deg = [nan", "angles_deg = [180", "line 10: pose[1].angles_deg[0]"),
        ("angles_deg = [1, 180", "angles_deg = [180", "line 10: pose[1].angles_deg"),
        ('label = "1"', "label = 1", "line 8: pose[1].label: expected a whole number, got a text"),
        ("label = 256", "label = 1", "line 8: pose[1].label"),
        ("label = 0\nname", "label = 1\nname", "line 8: pose 1 has the label '0' already"),
        ("label = 2", "label = 0", "no pose has the label 0"),
        ('name = "Rest"', 'name = "Fist"', "line 9: pose 1 has the name 'Rest' already"),
        ("[poses]\n[[pose]]", "[[pose]]", "line 2: unknown key 'poses'; a poses file has only [[pose]] tables"),
        ('name = "\\u001b[2J"', 'name = "Fist"', "line 9: pose[1].name"),
        ("label = = 1", "label = 1", "is not valid TOML (Invalid value (at line 8, column 9))"),
    ],
)
def test_an_error_names_the_line_and_the_key(tmp_path, wrong, right, said):
    """A file in which the mistake replaces the correct text."""
    assert said in complaint(tmp_path, GOOD.replace(right, wrong, 1))


def test_the_error_about_a_missing_key_names_the_line_of_its_pose(tmp_path):
    said = complaint(tmp_path, GOOD.replace('name = "Fist"', ""))
    assert "line 7" in said
    assert "`name`" in said


def test_a_single_bracket_table_is_an_error(tmp_path):
    once = GOOD[: GOOD.index("[[pose]]", 5)].replace("[[pose]]", "[pose]")
    assert "line 2: each pose needs a table of its own" in complaint(tmp_path, once)


def test_a_file_without_poses_or_with_rest_alone_is_refused(tmp_path):
    assert "no pose has the label 0" in complaint(tmp_path, "")
    assert "nothing but rest" in complaint(tmp_path, GOOD[: GOOD.index("[[pose]]", 5)])


def test_a_missing_file_and_a_file_that_is_not_text_are_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_poses(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not valid TOML"):
        load_poses(tmp_path / "bytes.toml")
