"""The targets of a trial and its course."""

import signal
from types import SimpleNamespace

import msgspec
import pytest
from msgspec.structs import replace
from test_feed import LOOK

from myobridge.calibration.screen import LineScreen
from myobridge.calibration.trial.course import MOST_REST_S, READY_S, REST_S, Course, Stage
from myobridge.calibration.trial.judge import judge
from myobridge.calibration.trial.look import look_at
from myobridge.calibration.trial.session import LiveTrial, _Runner
from myobridge.calibration.trial.targets import CLEAR, DEPTHS, Rules, check_range, choose
from myobridge.calibration.trial.words import limits_of, sentences
from myobridge.errors import UserError
from myobridge.feed import Chunk
from myobridge.model.file import LabelledPose
from myobridge.recording.trial_records import Answer, Ended, Target
from shown_hands import FIST, REST, begun, hands, still
from virtual_hand import board_config

POINT = (180.0, 0.0, 180.0, 180.0, 180.0)
POSES = (LabelledPose(0, "Rest", REST), LabelledPose(1, "Fist", FIST), LabelledPose(2, "Point", POINT))
RULES = Rules()


def chosen(task="reach", seed=1, targets=20, *, poses=POSES, proportional=True, freedoms=1, rules=RULES):
    return choose(task, poses, REST, seed, targets=targets, rules=rules, proportional=proportional, freedoms=freedoms)


def records_of(course, shown):
    return [record for hand in shown for record in course.take(hand)]


# --- the targets --------------------------------------------------------------------------------------------


def test_a_seed_determines_the_targets():
    assert chosen(seed=3) == chosen(seed=3)
    assert chosen(seed=3) != chosen(seed=4)


def test_targets_ask_for_partial_closings_of_a_proportional_model_only():
    assert len({target.depth for target in chosen()}) > 3
    assert {target.depth for target in chosen()} <= set(DEPTHS)
    assert {target.depth for target in chosen(proportional=False)} == {1.0}


def test_a_resting_hand_reaches_no_target_and_no_pose_follows_itself():
    targets = chosen(targets=60)
    away = [max(abs(a - r) for a, r in zip(target.angles_deg, REST, strict=True)) for target in targets]
    assert min(away) > CLEAR * RULES.tolerance_deg
    assert all(a.name != b.name for a, b in zip(targets, targets[1:], strict=False))
    assert "Rest" not in {target.name for target in targets}


def test_poses_of_one_name_follow_each_other():
    twins = tuple(LabelledPose(label, "Fist", (180.0,) * 5) for label in (1, 2))
    assert {target.name for target in chosen(poses=twins)} == {"Fist"}


def test_poses_that_all_lie_near_rest_are_refused():
    with pytest.raises(UserError, match="No pose of the model lies more than 30°"):
        chosen(poses=(LabelledPose(1, "Twitch", (60.0,) * 5),))


def test_a_target_outside_of_the_servo_range_is_refused_by_name():
    narrow = board_config(servo_min_cdeg=(0, 1500, 0, 0, 0))
    with pytest.raises(UserError, match="'Point' at 100% needs the index at 0°, and the servo range is 15° to 180°"):
        check_range(chosen(proportional=False), narrow)
    check_range(chosen(proportional=False), board_config())


def test_fitts_targets_have_each_direction_distance_and_width_equally_often():
    for freedoms, kinds in ((1, 4), (2, 8)):
        targets = chosen("fitts", targets=20, freedoms=freedoms)
        counts = {}
        for target in targets:
            key = target.name, target.angles_deg, target.tolerance_deg
            counts[key] = counts.get(key, 0) + 1
        assert len(counts) == kinds
        assert len(set(counts.values())) == 1
        assert min(counts.values()) >= 2


# --- the course ---------------------------------------------------------------------------------------------


def test_the_course_counts_down_asks_and_rests():
    targets = chosen(targets=2, proportional=False, seed=2)
    course = Course(targets, REST)
    shown = hands((READY_S + 0.2, REST), from_s=0.0)
    (first,) = records_of(course, shown)
    assert (first.number, course.stage) == (0, Stage.TARGET)
    assert first.t_s == pytest.approx(READY_S, abs=0.1)
    at_s = shown[-1].t_s
    go = hands((0.5, first.angles_deg), (1.2, first.angles_deg), (0.5, REST), (REST_S, REST), from_s=at_s)
    answer, second = records_of(course, go)
    assert answer == Answer(0, answer.t_s, "reached")
    assert (second.number, course.done) == (1, 1)
    rest = hands((20.0, REST), from_s=go[-1].t_s)
    assert [type(record) for record in records_of(course, rest)] == [Answer, Ended]
    assert course.stage is Stage.DONE


def test_a_hand_that_does_not_come_back_to_rest_does_not_stop_the_trial():
    course = Course(chosen(targets=2, proportional=False), REST)
    shown = hands((READY_S + 0.2, REST), (20.0, (100.0,) * 5), (MOST_REST_S, (100.0,) * 5), from_s=0.0)
    kinds = [type(record) for record in records_of(course, shown)]
    assert kinds == [Target, Answer, Target]


def test_a_hand_that_does_not_follow_interrupts_and_the_target_comes_again():
    course = Course(chosen(targets=1, proportional=False), REST)
    shown = hands((READY_S + 0.2, REST), from_s=0.0)
    (first,) = records_of(course, shown)
    (answer,) = course.take(still(at_s=shown[-1].t_s + 0.04, follows=False))
    assert answer.outcome == "interrupted"
    assert course.stage is Stage.WAITING
    again = records_of(course, hands((READY_S + 0.2, REST), from_s=shown[-1].t_s + 5))
    assert again == [replace(first, t_s=again[0].t_s)]


def test_a_trial_that_is_broken_off_says_so_in_its_records():
    course = Course(chosen(targets=3), REST)
    records_of(course, hands((READY_S + 0.2, REST), from_s=0.0))
    answer, ended = course.stop()
    assert (answer.outcome, ended.finished, course.stop()) == ("interrupted", False, [])


# --- on the feed ---------------------------------------------------------------------------------------------


class Written:
    """What a trial writes."""

    def __init__(self):
        self.records, self.data = [], b""

    def trial(self, record):
        self.records.append(record)

    def bytes(self, _t_s, data):
        self.data += data


def looks(shown, **changes):
    return [
        msgspec.structs.replace(LOOK, at_s=hand.t_s, predicted_deg=hand.angles_deg, applied_deg=list(FIST), **changes)
        for hand in shown
    ]


def test_the_live_trial_writes_the_bytes_the_hands_and_what_follows_from_them():
    written = Written()
    live = LiveTrial(begun(), chosen(targets=1, proportional=False), written)
    live.take(Chunk(0.0, b"wire"))
    for look in looks(hands((READY_S + 0.2, REST), from_s=0.0)):
        live.take(look)
    assert written.data == b"wire"
    assert [type(record) for record in written.records].count(Target) == 1
    assert live.look().here_deg == REST, "the hand is the commanded one"
    live.stop()
    assert not live.result().finished


def test_an_armed_hand_is_judged_as_applied_and_does_not_follow_when_it_is_disarmed():
    written = Written()
    live = LiveTrial(begun(measured="applied"), chosen(targets=1), written)
    for look in (*looks(hands((0.04, REST))), *looks(hands((0.04, REST), from_s=101.0), state="DISARMED")):
        live.take(look)
    assert [(hand.follows, tuple(hand.angles_deg)) for hand in written.records[1:]] == [(True, FIST), (False, FIST)]


def test_another_model_breaks_the_trial_off():
    live = LiveTrial(begun(), chosen(targets=1), Written())
    with pytest.raises(UserError, match="runs the model other now instead of tiny; what was done is kept"):
        live.take(looks([still()], model="other")[0])
    assert live.course.stage is Stage.DONE


def test_a_trial_ends_before_its_records_are_more_than_a_reader_takes(monkeypatch):
    monkeypatch.setattr("myobridge.calibration.trial.session.MAX_EVENTS", 100)
    written = Written()
    live = LiveTrial(begun(), chosen(targets=1), written)
    with pytest.raises(UserError, match="has lasted for an hour, and a recording holds no more; what was done is kept"):
        for look in looks(hands((READY_S + 5, REST), from_s=0.0)):
            live.take(look)
    assert len(written.records) <= 100
    assert judge(written.records) == live.result()
    assert (live.result().interrupted, live.result().finished) == (1, False)


class Queue:
    """A feed whose messages wait; a function among them is called when its turn comes."""

    def __init__(self, *messages):
        self._waiting = list(messages)

    def receive(self, _timeout_s):
        while self._waiting and callable(self._waiting[0]):
            self._waiting.pop(0)()
        return self._waiting.pop(0) if self._waiting else None


def test_hands_that_queue_up_while_the_process_is_stopped_are_not_judged_and_the_target_comes_again(monkeypatch):
    now_s = 100.0
    clock = SimpleNamespace(monotonic=lambda: now_s)
    monkeypatch.setattr("myobridge.calibration.trial.session.time", clock)
    (goal,) = targets = chosen(targets=1, proportional=False)
    written = Written()

    def stopped_and_continued():
        nonlocal now_s
        now_s = 190.0
        signal.raise_signal(signal.SIGCONT)

    before = looks(hands((READY_S + 0.2, REST)))
    queued = looks(hands((5.0, goal.angles_deg), from_s=before[-1].at_s))
    again = looks(hands((READY_S + 0.2, REST), (0.2, goal.angles_deg), (2.0, goal.angles_deg), from_s=190.0))
    rest = looks(hands((REST_S + 0.2, REST), from_s=again[-1].at_s))
    live = LiveTrial(begun(), targets, written)
    feed = Queue(*before, stopped_and_continued, *queued, Chunk(189.0, b"wire"), *again, *rest)
    audience = SimpleNamespace(tell=lambda _prompt: None, leave=lambda: None)
    assert _Runner(feed, live, LineScreen(lambda _text: None), audience).run() == ""

    result = live.result()
    assert (result.finished, result.interrupted, [one.outcome for one in result.targets]) == (True, 1, ["reached"])
    assert not any(before[-1].at_s < one.t_s < 190.0 for one in written.records[1:])
    assert written.data == b"wire", "the EMG of the break is kept"
    assert judge(written.records) == result


# --- what is said -------------------------------------------------------------------------------------------


def test_a_trial_of_a_model_without_proportional_training_says_what_it_measures():
    result = judge([begun(proportional=False, model="synth")])
    assert "synth has not learned partial closings" in limits_of(result)[1]
    assert len(limits_of(judge([begun()]))) == 1
    assert sentences(result) == ("The trial ended without a finished target, so there is no result.",)


def test_every_moment_of_a_trial_has_a_card_for_the_page_and_a_line():
    course = Course(chosen(targets=1, proportional=False), REST)
    lines = []
    for shown in hands((READY_S + 0.2, REST), (14.0, FIST), (8.0, REST), from_s=0.0):
        course.take(shown)
        look = look_at(begun(), course, shown.angles_deg)
        assert look.prompt.trial.stage == course.stage.name.lower()
        if look.line not in lines:
            lines.append(look.line)
    assert [line.partition(".")[0] for line in lines] == ["Get ready", course.finished[0].target.name, "Rest", "Done"]
