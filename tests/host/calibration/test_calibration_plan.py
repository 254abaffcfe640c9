"""The schedule of a guided recording, and the walk through it, without a clock, a terminal or a board."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myobridge.calibration.plan import COUNTS, IDLE, Cue, Discard, Held, Stage, Timing, Walk, schedule
from myobridge.calibration.poses import load_poses

POSES = load_poses()
TIMING = Timing(repetitions=2, hold_s=3, rest_s=2, ready_s=4)
STEP_S = 0.25


def walk(repetitions=2, seed=0):
    w = Walk(schedule(POSES, repetitions, seed), TIMING)
    assert w.stage is Stage.PAUSED
    assert w.resume(0) == [Cue(0, IDLE)]
    return w


def until(walk, stage, now_s):
    """Runs the walk until this stage; the time then, and the events on the way."""
    noted = []
    while walk.stage is not stage:
        now_s += STEP_S
        noted += walk.tick(now_s)
    return now_s, noted


def kept(noted):
    """How many times each (label, repetition) was held to its end and not discarded afterwards."""
    held = Counter()
    for event in noted:
        if isinstance(event, Held):
            held[event.hold.pose.label, event.hold.repetition] += 1
        elif isinstance(event, Discard):
            held[event.label, event.repetition] = 0
    return +held


# The schedule


def test_each_repetition_holds_every_pose_once_and_never_rest():
    holds = schedule(POSES, 3, seed=1)
    for repetition in range(3):
        labels = [hold.pose.label for hold in holds if hold.repetition == repetition]
        assert sorted(labels) == [1, 2, 3, 4, 5, 6]
    assert [hold.repetition for hold in holds] == [0] * 6 + [1] * 6 + [2] * 6


def test_the_order_comes_from_the_seed():
    assert schedule(POSES, 3, seed=1) == schedule(POSES, 3, seed=1)
    assert schedule(POSES, 3, seed=1) != schedule(POSES, 3, seed=2)


@given(st.integers(0, 1000), st.integers(2, 7))
def test_no_pose_follows_itself(seed, poses):
    labels = [hold.pose.label for hold in schedule(POSES[:poses], 4, seed)]
    if poses > 2:
        assert all(a != b for a, b in zip(labels, labels[1:], strict=False))
    else:
        assert labels == [1] * 4


def test_the_duration_is_known_beforehand():
    w = walk()
    assert w.left_s(0) == 4 + 12 * (2 + 3) + 2
    assert TIMING.recorded_s(12) == 62
    assert until(w, Stage.DONE, 0)[0] == pytest.approx(66)


# The walk, undisturbed


def test_the_walk_counts_down_rests_holds_and_ends_with_rest():
    w = walk(repetitions=1)
    first, second = (hold.pose.label for hold in schedule(POSES, 1, 0)[:2])
    assert (w.stage, w.stage_left_s(1), w.tick(3.9)) == (Stage.READY, 3, [])
    assert w.tick(4) == [Discard(0, IDLE), Cue(0, 0)], "samples before READY ends do not count"
    assert w.tick(6) == [Cue(first, 0)]
    held, rest = w.tick(9)
    assert (held.hold.pose.label, rest) == (first, Cue(0, 0))
    assert w.tick(11) == [Cue(second, 0)]
    now_s, noted = until(w, Stage.DONE, 11)
    assert noted[-1] == Cue(0, 0), "the release is recorded too"
    assert w.tick(now_s + 100) == []


def test_rest_belongs_to_the_repetition_of_the_pose_that_follows():
    w = walk()
    _, noted = until(w, Stage.DONE, 0)
    cues = [event for event in noted if isinstance(event, Cue) and event.repetition != IDLE]
    for rest, hold in zip(cues[::2], cues[1::2], strict=False):
        assert (rest.label, rest.repetition) == (0, hold.repetition)
    assert cues[-1] == Cue(0, 1)


def test_progress_rises_from_0_to_1_and_the_time_left_falls_to_0():
    w, seen = walk(), []
    for tick in range(4 * 70):
        w.tick(tick / 4)
        seen.append((w.progress(tick / 4), w.left_s(tick / 4)))
    progress, left_s = zip(*seen, strict=True)
    assert (progress[0], progress[-1], left_s[-1]) == (0, 1, 0)
    assert list(progress) == sorted(progress)
    assert all(a - b == pytest.approx(0.25) for a, b in zip(left_s, left_s[1:], strict=False) if b)


# Redo, pause, stop


def test_redo_while_holding_repeats_the_current_pose():
    w = walk()
    now_s, noted = until(w, Stage.HOLD, 0)
    label, repetition = noted[-1]
    assert w.redo(now_s + 1) == [Discard(label, repetition), Cue(0, 0)]
    _, noted = until(w, Stage.HOLD, now_s + 1)
    assert noted == [Cue(label, repetition)]


def test_redo_while_resting_repeats_the_last_pose_after_a_whole_rest():
    w = walk()
    now_s, noted = until(w, Stage.HOLD, 0)
    label, repetition = noted[-1]
    now_s, _ = until(w, Stage.REST, now_s)
    assert w.redo(now_s + 1.5) == [Discard(label, repetition)]
    assert w.stage_left_s(now_s + 1.5) == 2
    assert w.redo(now_s + 1.5) == [], "a second press does nothing"
    _, noted = until(w, Stage.HOLD, now_s + 1.5)
    assert noted == [Cue(label, repetition)]


def test_the_last_hold_can_be_repeated_and_the_first_rest_has_nothing_to_repeat():
    w = walk(repetitions=1)
    assert w.redo(1) == []
    now_s, _ = until(w, Stage.REST, 0)
    assert w.redo(now_s) == []
    while w.holds_left:
        now_s += STEP_S
        w.tick(now_s)
    assert w.stage is Stage.REST
    assert len(w.redo(now_s)) == 1
    assert w.holds_left == 1
    assert until(w, Stage.DONE, now_s)[1]


def test_an_interrupted_pose_is_repeated_after_the_pause_and_a_countdown():
    w = walk()
    now_s, noted = until(w, Stage.HOLD, 0)
    label, repetition = noted[-1]
    assert w.pause() == [Discard(label, repetition), Cue(0, IDLE)]
    assert (w.stage, w.tick(now_s + 1000), w.pause(), w.redo(now_s)) == (Stage.PAUSED, [], [], [])
    assert w.resume(now_s + 1000) == [Cue(0, IDLE)]
    assert (w.stage, w.stage_left_s(now_s + 1000)) == (Stage.READY, 4)
    assert until(w, Stage.HOLD, now_s + 1000)[1] == [Discard(0, IDLE), Cue(0, 0), Cue(label, repetition)]


def test_a_pause_in_rest_costs_nothing():
    w = walk()
    until(w, Stage.REST, 0)
    assert w.pause() == [Cue(0, IDLE)]


def test_stop_ends_at_once():
    w = walk()
    until(w, Stage.HOLD, 0)
    assert w.stop() == []
    assert (w.stage, w.left_s(1), w.tick(1e9), w.redo(1), w.pause()) == (Stage.DONE, 0, [], [], [])


def test_samples_after_the_last_cue_do_not_count_when_a_pause_is_stopped():
    w = walk()
    assert w.stop() == [Discard(0, IDLE)]


@given(st.lists(st.sampled_from(["tick", "redo", "pause", "resume"]), max_size=300), st.integers(0, 9))
def test_whatever_keys_are_pressed_every_pose_is_kept_once_per_repetition(presses, seed):
    w, now_s, noted = walk(seed=seed), 0.0, []
    for press in presses:
        now_s += 0.7
        noted += {"tick": w.tick, "redo": w.redo, "pause": lambda _t: w.pause(), "resume": w.resume}[press](now_s)
    noted += w.resume(now_s)
    noted += until(w, Stage.DONE, now_s)[1]
    assert kept(noted) == {(label, repetition): 1 for label in range(1, 7) for repetition in range(2)}
    assert w.stage not in COUNTS
