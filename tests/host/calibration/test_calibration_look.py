"""The display of a guided recording."""

import io

import pytest
from rich.console import Console

from myobridge.calibration.look import Look, clock, hand, look_at, render
from myobridge.calibration.plan import Timing, Walk, schedule
from myobridge.calibration.poses import load_poses
from myobridge.calibration.screen import LineScreen

POSES = load_poses()
REST = POSES[0]
HOLDS = schedule(POSES, 3, seed=1)
TIMING = Timing(hold_s=3, rest_s=2, ready_s=3)


def walk():
    w = Walk(HOLDS, TIMING)
    w.resume(0)
    return w


def look(w, now_s, waiting=False, notes=()):
    return look_at(w, REST, len(HOLDS), now_s, waiting=waiting, notes=notes)


def in_terminal(seen: Look, columns=80) -> list[str]:
    console = Console(width=columns, force_terminal=True, file=io.StringIO(), color_system=None)
    console.print(render(seen))
    return console.file.getvalue().splitlines()


def heights(angles_deg):
    """Number of rows that each finger fills."""
    rows = hand(angles_deg, "green").plain.splitlines()
    return [sum(row[4 * finger + 1 : 4 * finger + 2].strip() != "" for row in rows) for finger in range(5)]


def test_a_finger_is_drawn_longer_the_more_it_is_stretched():
    opened, half, closed = (heights((angle,) * 5) for angle in (0, 90, 180))
    assert all(a > b > c for a, b, c in zip(opened, half, closed, strict=True))


def test_every_pose_looks_different():
    pictures = {hand(pose.angles_deg, "green").plain for pose in POSES}
    assert len(pictures) == len(POSES)


@pytest.mark.parametrize("pose", POSES, ids=lambda pose: pose.name)
def test_a_stretched_finger_is_taller_than_bent_ones(pose):
    if len(set(pose.angles_deg)) > 1:
        bend = [reached / most for reached, most in zip(heights(pose.angles_deg), heights((0,) * 5), strict=True)]
        straightest, most_bent = (
            pose.angles_deg.index(min(pose.angles_deg)),
            pose.angles_deg.index(max(pose.angles_deg)),
        )
        assert bend[straightest] > bend[most_bent]


def test_the_picture_fits_into_a_terminal_of_80_by_24():
    w = walk()
    notes = ("Channel 3 is flat: press its electrode on and check its plug.",) * 5
    for now_s in (1, 3, 5, 8):
        w.tick(now_s)
        lines = in_terminal(look(w, now_s, notes=notes))
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80


def test_the_picture_shows_the_pose_its_instruction_and_the_time_left():
    w = walk()
    w.tick(3), w.tick(5)
    text = "\n".join(in_terminal(look(w, 6.2)))
    for expected in (
        HOLDS[0].pose.name,
        HOLDS[0].pose.how,
        "1.8 s",
        "0 of 18",
        "1:29 left",
        "r  repeat",
        "p  pause",
        "q  stop",
    ):
        assert expected in text


def test_the_next_pose_is_drawn_before_its_cue():
    seen = look(walk(), 1)
    assert (seen.title, seen.coming_deg) == ("Get ready", HOLDS[0].pose.angles_deg)
    assert seen.angles_deg == REST.angles_deg
    assert HOLDS[0].pose.name in seen.text


def test_a_lost_board_and_a_pause_look_different():
    w = walk()
    w.pause()
    assert look(w, 1).title == "Paused"
    assert "check the cable" in look(w, 1, waiting=True).text


def test_the_browsers_prompt_has_the_newest_remark():
    prompt = look(walk(), 1, notes=("First.", "Second.")).prompt
    assert prompt.text.endswith("Second.")
    assert (prompt.title, prompt.seconds_left, prompt.progress) == ("Get ready", 2, 0)


def test_without_a_terminal_each_step_prints_one_line():
    said = []
    w, screen = walk(), LineScreen(said.append)
    for tick in range(1, 8 * 10):
        w.tick(tick / 10)
        screen.show(look(w, tick / 10))
    pose = HOLDS[0].pose
    assert said == [
        f"Get ready. Relax. Next: {pose.name}. {pose.how}",
        f"Rest. Next: {pose.name}. {pose.how}",
        f"{pose.name}. {pose.how}",
    ]
    screen.show(look(w, 8, notes=("Channel 3 is flat.",)))
    screen.show(look(w, 8, notes=("Channel 3 is flat.",)))
    assert said[3:] == ["Channel 3 is flat."]


def test_times_are_rounded_to_the_second():
    assert [clock(s) for s in (0, 0.4, 59.6, 89.4, 3600)] == ["0:00", "0:00", "1:00", "1:29", "60:00"]
