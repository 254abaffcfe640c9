"""How a wearer followed a shown hand: the delay, and the stretches that are left out."""

from pathlib import Path

import numpy as np
import pytest

from myobridge.errors import UserError
from myobridge.model.file import REST_DEG
from myobridge.recording import Recording
from myobridge.recording.following import MUSCLE_S, followed, judge, sentences
from myobridge.recording.movement import Movement

FS_HZ = 500
SOURCE = Path("f.myo")
REST_S = 3.0
FIST, PINCH = (180.0,) * 5, (180.0, 180.0, 40.0, 40.0, 40.0)
MOVEMENTS = (
    Movement(label=1, name="Fist", angles_deg=FIST, shape="sine", depths=(0.4, 1.0), stroke_s=3.0),
    Movement(label=2, name="Pinch", angles_deg=PINCH, shape="trapezoid", depths=(0.5, 1.0), stroke_s=4.5),
    Movement(label=3, name="Open", angles_deg=(0.0,) * 5, shape="sine", depths=(1.0, 0.6), stroke_s=2.5),
)


def session(follow=lambda _number, effort: effort, late_s=0.2, later_s=(0, 0, 0)):
    """A recording of noise as loud as the shown hand was bent `late_s` ago, in each movement still later.

    `follow` changes the effort of a movement.
    """
    starts = np.cumsum([round(FS_HZ * REST_S), *(round(FS_HZ * (m.seconds + REST_S)) for m in MOVEMENTS)])
    label = np.zeros(starts[-1], np.uint8)
    angles_deg = np.tile(np.array(REST_DEG, np.float32), (len(label), 1))
    effort = np.zeros(len(label) + 4 * FS_HZ)
    for number, (start, movement) in enumerate(zip(starts[:-1], MOVEMENTS, strict=True)):
        rows = slice(start, start + round(FS_HZ * movement.seconds))
        label[rows] = movement.label
        angles_deg[rows] = movement.shown_deg(np.arange(rows.stop - start) / FS_HZ)
        at = start + round(FS_HZ * (late_s + later_s[number]))
        away = np.abs(angles_deg[rows] - REST_DEG).max(axis=1)
        effort[at : at + len(away)] += follow(number, away / away.max())
    noise = np.random.default_rng(1).standard_normal((len(label), 2))
    counts = np.rint((3 + 60 * effort[: len(label), None]) * noise).astype(np.int16)
    return Recording(counts, FS_HZ, 10, label, angles_deg=angles_deg, shown=True)


@pytest.mark.parametrize("late_s", [0.0, 0.2, 0.5, 0.9])
def test_the_wearer_s_delay_is_estimated_from_the_emg_and_taken_out(late_s):
    recording = session(late_s=late_s)
    whole, following = followed(recording, SOURCE)
    assert following.delay_s == pytest.approx(late_s, abs=0.06)
    assert not following.left_out
    later = round((following.delay_s + MUSCLE_S) * FS_HZ)
    assert np.array_equal(whole.angles_deg[later:], recording.angles_deg[:-later])
    assert not whole.shown, "these are the wearer's fingers now"


def test_a_movement_that_the_wearer_does_not_make_is_left_out_and_reported():
    whole, following = followed(session(lambda number, effort: effort * (number != 1)), SOURCE)
    [out] = following.left_out
    assert (out.label, out.reason) == (2, "no muscle worked")
    assert out.stop_s - out.start_s == pytest.approx(MOVEMENTS[1].seconds, abs=0.3)
    assert 2 not in whole.label[np.abs(whole.angles_deg - REST_DEG).max(axis=1) > 50]
    assert len(list(whole.takes())) == 2, "nothing is learned across the gap"
    assert sentences(following, {2: "Pinch"})[0].endswith("(Pinch): no muscle worked, so this stretch is left out.")


def test_a_wearer_who_is_late_by_seconds_is_told_by_how_much():
    [out] = judge(session(later_s=(0, 2, 0))).left_out
    assert out.label == 2
    assert out.reason == "you were late by 2.2 s"


def test_a_wearer_who_lets_go_loses_that_stretch_only():
    def lets_go(number, effort):
        kept = effort.copy()
        if number == 1:
            kept[round(6.2 * FS_HZ) : round(7.4 * FS_HZ)] = 0
        return kept

    [out] = judge(session(lets_go)).left_out
    assert out.reason == "you let go"
    assert 0.9 < out.stop_s - out.start_s < 2.5


def test_a_wearer_who_moves_otherwise_does_not_follow():
    def otherwise(number, effort):
        return np.abs(np.sin(np.arange(len(effort)) / 60)) if number == 0 else effort

    assert [out.reason for out in judge(session(otherwise)).left_out] == ["you moved in another way"]


def test_a_wearer_who_does_nothing_is_told_what_to_do():
    with pytest.raises(UserError, match=r"f\.myo followed none of the 3 movements .*no muscle worked.*record again\.$"):
        followed(session(lambda _number, effort: 0 * effort), SOURCE)


@pytest.mark.parametrize("samples", [0, 1, 60])
def test_a_recording_of_a_moment_shows_no_movement(samples):
    whole = session()
    label, angles_deg = whole.label[:samples], whole.angles_deg[:samples]
    moment = Recording(whole.counts[:samples], FS_HZ, 10, label, angles_deg=angles_deg, shown=True)
    with pytest.raises(UserError, match=r"none of the 0 movements \(it shows none\)"):
        followed(moment, SOURCE)


def test_of_a_recording_that_is_broken_off_the_part_until_then_counts():
    recording = session()
    second_s = REST_S + MOVEMENTS[0].seconds + REST_S
    for after_s, kept_s in ((5.0, 5.0), (0.1, 0.0)):
        end = round((second_s + after_s) * FS_HZ)
        label, angles_deg = recording.label[:end], recording.angles_deg[:end]
        whole, following = followed(Recording(recording.counts[:end], FS_HZ, 10, label, angles_deg=angles_deg), SOURCE)
        assert following.movements == 2
        assert len(whole.counts) == round((second_s + kept_s) * FS_HZ)
