"""Commands to a running daemon: the hand obeys, and the answer reports the result."""

import threading
import time
from typing import get_args

import pytest

from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.daemon.permission.requests import FROZEN_S, NOT_STORED, SETTLE_S, STORED_S, Requests
from myobridge.daemon.permission.rules import LAUNCH_S, LIFE_S, LOST, MAX_WAITING, STOP_REMEMBERED, STOPPED
from myobridge.feed.messages import LEASE_S, Command, Request
from myobridge.feed.server import OpenRequest
from myobridge.wire import messages as m
from myobridge.wire.handshake import Phase, SessionBroken
from myobridge.wire.messages import State
from virtual_hand import VirtualHand

COMMANDS = get_args(Command)
POLL_EVERY = 20
"""Milliseconds in a step."""


class Desk:
    """A person with a daemon. decided: a setpoint may be sent."""

    streaming = property(lambda self: self.session.phase is Phase.STREAMING)
    state = property(lambda self: None if self.session.status is None else State(self.session.status.state))
    may_move = property(lambda self: self.session.may_move)
    acting = property(lambda self: self.session.acting)
    busy = property(lambda self: self.session.busy)
    refusal = property(lambda self: self.session.arm_refusal)
    session = property(lambda self: self.hand.session)

    def __init__(self, port, launched_s=None):
        self.hand = VirtualHand()
        self.hand.session._handshake.waits_in_estop = True
        self.told, self.answers = [], []
        self.control = Requests(str(port), self.told.append, launched_s=launched_s)
        self.decided = self.plugged_in = self.can_reset = self.disk_works = True
        self.control.connected()
        self.run(0.3)

    def explain(self):
        return f"The hand is {self.state.name}."

    def explain_withheld(self):
        return "" if self.decided else "No setpoints: channel 2 is flat."

    def reset_board(self):
        if self.can_reset:
            self.hand = self.board_that_was_reset()
        return self.can_reset

    # what the test does

    def signalled(self, word):
        self.control._signalled.append((word, self.hand.now_s))

    def ask(self, do, asked_s=0.0, page=None):
        """page: the page of a view that has control, as the view says with each order."""
        answer = lambda ok, text: self.answers.append((do, ok, text))  # noqa: E731
        ask = OpenRequest(Request(1, do, asked_s=asked_s, control=None if page is None else ("view", page)), answer)
        if self.control.admits(ask, self.hand.now_s) and do in COMMANDS:
            self.control.take(ask, self if self.plugged_in else None, self.hand.now_s)

    def run(self, seconds):
        for step in range(round(seconds / 0.001)):
            self.hand.step(host=self.plugged_in)
            if step % POLL_EVERY == 0:
                self.until_stored()
                self.control.poll(self if self.plugged_in else None, self.hand.now_s)
            if self.plugged_in:
                try:
                    self.control.attend(self, self.hand.now_s)
                except SessionBroken:
                    self.unplug()
                    self.plug_in()
                if self.decided and self.session.may_move:
                    self.session.setpoint((4000,) * m.SERVOS, 25, self.hand.firmware.samples_taken - 1)

    def asked(self, do, seconds=0.3):
        self.ask(do)
        self.run(seconds)
        ((done, ok, text),) = self.answers
        self.answers.clear()
        assert done == do
        return ok, text

    def lift(self):
        """A person lifts the stop and waits for the answer; the disk takes real time."""
        self.ask("lift")
        until_s = time.monotonic() + 10
        while not self.answers:
            assert time.monotonic() < until_s
            time.sleep(0.001)
            self.run(0.1)
        self.until_remembered(False)

    def unplug(self):
        self.plugged_in = False
        self.control.lost()

    def plug_in(self):
        self.hand.connect()
        self.hand.session._handshake.waits_in_estop = True
        self.plugged_in = True
        self.control.connected()

    def board_that_was_reset(self):
        hand = VirtualHand()
        hand.now_s = self.hand.now_s
        return hand

    def plug_in_a_board_that_was_reset(self):
        self.hand = self.board_that_was_reset()
        self.plug_in()

    def until_stored(self):
        """The disk takes real time, which is nothing in the time of this test, unless the disk is stuck."""
        until_s = time.monotonic() + 10
        while self.disk_works and not self.control._writer.stored(self.control._writer._stops):
            assert time.monotonic() < until_s
            time.sleep(0.001)

    def until_remembered(self, said):
        """Waits until the writer's thread has written to the disk."""
        until_s = time.monotonic() + 10
        while EstopMemory(self.control._port).said is not said:
            assert time.monotonic() < until_s
            time.sleep(0.001)


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path / "port")
    yield desk
    desk.control.close()


def test_arm_is_answered_when_the_hand_follows_and_disarm_when_it_has_stopped(desk):
    assert desk.asked("arm") == (True, "The hand is ARMED.")
    assert desk.hand.state is State.ARMED
    assert desk.asked("disarm") == (True, "The hand is DISARMED.")
    assert desk.hand.state is State.DISARMED


@pytest.fixture
def stuck(desk, monkeypatch):
    """A disk that takes nothing until this event is set."""
    works, remember = threading.Event(), EstopMemory.remember
    monkeypatch.setattr(EstopMemory, "remember", lambda memory: works.wait(20) and remember(memory))
    desk.disk_works = False
    yield works
    works.set()


def test_a_stop_without_a_hand_is_answered_once_the_disk_has_it(desk, stuck):
    desk.unplug()
    desk.ask("estop")
    desk.run(0.4)
    assert not desk.answers, "a daemon that was killed now would have forgotten the stop"
    stuck.set()
    desk.until_remembered(True)
    desk.disk_works = True
    desk.run(0.1)
    assert desk.answers == [("estop", False, STOP_REMEMBERED)]


def test_a_disk_that_is_stuck_delays_the_answer_and_not_the_stop(desk, stuck):
    desk.ask("estop")
    desk.run(0.1)
    assert desk.hand.state is State.ESTOP
    desk.run(STORED_S)
    assert desk.answers == [("estop", True, "The hand is ESTOP.")]


def test_a_disk_that_is_stuck_is_told_where_the_disk_alone_would_keep_the_stop(desk, stuck):
    desk.unplug()
    assert desk.asked("estop", STORED_S + 0.1) == (False, NOT_STORED)


def test_a_refused_arm_is_answered_with_the_reason_and_expires(desk):
    desk.hand.firmware.safety.supply_low = True
    desk.run(0.2)
    desk.hand.firmware.safety.disarm()
    ok, text = desk.asked("arm")
    assert not ok
    assert "the servo supply is low" in text
    desk.hand.firmware.safety.supply_low = False
    desk.hand.firmware.safety.disarm()
    desk.run(0.2)
    assert desk.hand.state is State.DISARMED
    assert desk.asked("arm")[0]


def test_an_arm_that_cannot_be_sent_expires_and_does_not_arm_the_hand_later(desk):
    desk.decided = False
    assert desk.asked("arm", LIFE_S + 0.1) == (False, "The hand was not armed. No setpoints: channel 2 is flat.")
    desk.decided = True
    desk.run(0.5)
    assert desk.hand.state is State.DISARMED


@pytest.mark.parametrize("asker", ["feed", "signal"])
def test_an_arm_that_was_answered_during_hold_does_not_arm_when_the_electrode_is_back_a_minute_later(desk, asker):
    desk.asked("arm")
    desk.decided = False
    desk.run(0.3)
    assert desk.hand.state is State.HOLD
    if asker == "feed":
        assert desk.asked("arm") == (True, "The hand is HOLD.")
    else:
        desk.signalled("arm")
    desk.run(60.0)
    assert desk.hand.state is State.RELAX
    desk.decided = True
    desk.run(1.0)
    assert desk.hand.state is State.RELAX


def test_a_signal_while_an_electrode_is_off_does_not_arm_twenty_seconds_later_and_says_so(desk):
    desk.decided = False
    desk.signalled("arm")
    desk.run(20.0)
    assert desk.told == ["The hand was not armed. No setpoints: channel 2 is flat."]
    desk.decided = True
    desk.run(1.0)
    assert desk.hand.state is State.DISARMED


def test_a_signal_without_a_hand_is_answered_and_forgotten(desk):
    desk.unplug()
    desk.signalled("arm")
    desk.run(0.1)
    assert desk.told == [LOST]
    desk.plug_in()
    desk.run(1.0)
    assert desk.hand.state is State.DISARMED


@pytest.mark.parametrize("frozen_s", [0.1, 0.3, 0.5])
def test_a_hand_that_freezes_during_an_arm_is_armed_before_the_answer_or_never(desk, frozen_s):
    """An expired ARM does not stay on the line: DISARM follows until the board confirms it."""
    desk.ask("arm")
    heard, desk.hand.firmware.receive = desk.hand.firmware.receive, lambda data, _now_s: late.append(data)
    late = []
    desk.run(frozen_s)
    desk.hand.firmware.receive = heard
    heard(b"".join(late), desk.hand.now_s)
    desk.run(0.5)
    ((_, ok, _),) = desk.answers
    assert (desk.hand.state, desk.session.may_move) == ((State.ARMED, True) if ok else (State.DISARMED, False))


def test_an_arm_from_the_command_line_counts_from_the_first_stream(tmp_path):
    desk = Desk(tmp_path / "port", launched_s=-LAUNCH_S + 1)
    desk.run(0.1)
    assert desk.hand.state is State.ARMED


def test_an_arm_from_the_command_line_expires_if_the_stream_starts_late(tmp_path):
    desk = Desk(tmp_path / "port", launched_s=-LAUNCH_S)
    desk.run(LIFE_S)
    assert desk.hand.state is State.DISARMED
    assert [text for text in desk.told if "--arm expired" in text]


def test_an_arm_from_the_command_line_ends_with_a_first_stream_that_is_lost_during_the_models_trial(tmp_path):
    desk = Desk(tmp_path / "port")
    desk.control._launched_s = desk.hand.now_s
    Desk.streaming, streaming = property(lambda _self: False), Desk.streaming
    try:
        desk.run(0.1)
    finally:
        Desk.streaming = streaming
    desk.unplug()
    desk.plug_in()
    desk.run(1.0)
    assert desk.hand.state is State.DISARMED
    assert desk.told == [LOST]


def test_an_arm_from_the_command_line_also_expires_after_three_seconds(tmp_path):
    desk = Desk(tmp_path / "port", launched_s=0.0)
    desk.asked("disarm")
    desk = Desk(tmp_path / "other")
    desk.decided = False
    desk.control._launched_s = desk.hand.now_s
    desk.run(LIFE_S + 0.1)
    desk.decided = True
    desk.run(1.0)
    assert desk.hand.state is State.DISARMED
    assert desk.told == ["The hand was not armed. No setpoints: channel 2 is flat."]


def test_a_request_that_waited_too_long_in_a_socket_is_refused(desk):
    desk.run(LIFE_S + 1)
    desk.ask("arm", asked_s=desk.hand.now_s - LIFE_S)
    desk.run(0.5)
    ((_, ok, text),) = desk.answers
    assert not ok
    assert "3 s old" in text
    assert desk.hand.state is State.DISARMED


def test_a_daemon_that_was_stopped_refuses_the_arm_that_it_finds_but_not_the_next_arm(desk):
    desk.hand.run(FROZEN_S + 0.1, host=False)
    desk.control.poll(desk, desk.hand.now_s)
    assert desk.asked("arm") == (False, "The hand was not armed: myobridge stood still for 0.6 s and cannot tell how "
                                        "old the request is; try again.")  # fmt: skip
    desk.run(SETTLE_S)
    assert desk.asked("arm")[0]


def test_estop_is_answered_when_the_pulses_are_cut_and_only_a_lift_ends_it(desk):
    desk.asked("arm")
    assert desk.asked("estop") == (True, "The hand is ESTOP.")
    assert desk.hand.state is State.ESTOP
    assert desk.asked("arm") == (False, STOPPED)
    assert desk.asked("disarm") == (False, "The hand is ESTOP.")


def test_an_estop_that_the_board_misses_is_reported_and_repeated_until_the_board_hears_it(desk):
    desk.asked("arm")
    desk.hand.lose = lambda message: isinstance(message, m.Estop)
    ok, text = desk.asked("estop", LIFE_S + 0.1)
    assert not ok
    assert "switch the servo power off" in text
    desk.unplug()
    desk.hand.lose = lambda _message: False
    desk.plug_in()
    desk.run(0.15)  # the board's first STATUS, and the answer to it
    assert desk.hand.state is State.ESTOP


def test_the_hand_does_not_arm_by_itself_after_a_lost_link(desk):
    desk.decided = False
    desk.ask("arm")
    desk.run(0.1)
    desk.unplug()
    desk.plug_in()
    desk.decided = True
    desk.run(1.0)
    assert desk.session.phase is Phase.STREAMING
    assert desk.hand.state is State.DISARMED
    assert desk.answers == [("arm", False, LOST)]


@pytest.mark.parametrize(
    ("do", "state", "text"),
    [
        ("arm", State.DISARMED, LOST),
        ("disarm", State.DISARMED, LOST),
        ("estop", State.ESTOP, STOP_REMEMBERED),
    ],
)
def test_without_a_hand_only_an_emergency_stop_is_remembered(desk, do, state, text):
    desk.unplug()
    desk.ask(do)
    desk.run(0.05)
    assert desk.answers == [(do, False, text)]
    desk.plug_in()
    desk.run(1.0)
    assert desk.hand.state is state


def test_a_board_that_forgets_its_estop_when_its_port_is_opened_is_stopped_again(desk):
    desk.asked("estop")
    for _ in range(3):
        desk.unplug()
        desk.plug_in_a_board_that_was_reset()
        desk.run(0.5)
        assert desk.hand.state is State.ESTOP


def test_a_restarted_daemon_remembers_the_estop_of_its_board(desk):
    desk.asked("estop")
    desk.until_remembered(True)
    again = Desk(desk.control._port)
    assert again.hand.state is State.ESTOP
    again.run(20.0)  # nobody lifts the stop
    assert again.asked("arm") == (False, STOPPED)


def test_an_estop_that_another_program_sent_to_the_board_is_remembered(desk):
    desk.hand.firmware.safety.estop()
    desk.run(0.1)
    assert desk.control.estop
    desk.until_remembered(True)


def test_a_lift_resets_the_board_and_never_arms(desk):
    desk.asked("arm")
    desk.asked("estop")
    desk.until_remembered(True)
    desk.lift()
    assert desk.answers == [("lift", True, "The emergency stop is lifted; the hand is disarmed.")]
    desk.run(5.0)
    assert desk.hand.state is State.DISARMED
    assert not desk.control.estop
    desk.answers.clear()
    assert desk.asked("arm")[0]


def test_on_a_port_that_cannot_reset_the_board_a_lift_names_a_power_cycle_and_ends_disarmed(desk):
    desk.asked("estop")
    desk.until_remembered(True)
    desk.can_reset = False
    desk.lift()
    assert desk.answers == [
        ("lift", True, "The emergency stop is lifted here; now switch the board's power off and on to reset the board.")
    ]
    assert desk.hand.state is State.ESTOP
    desk.run(1.0)
    assert not desk.control.estop  # the board still reports the stop that was lifted
    desk.unplug()
    desk.plug_in_a_board_that_was_reset()
    desk.run(1.0)
    assert desk.hand.state is State.DISARMED


def test_few_requests_of_a_flood_wait_and_no_estop_does(desk):
    desk.decided = False
    for _ in range(1000):
        desk.ask("arm")
    assert len(desk.answers) == 1000 - MAX_WAITING
    desk.ask("estop")
    desk.run(0.1)
    assert desk.hand.state is State.ESTOP
    assert ("estop", True, "The hand is ESTOP.") in desk.answers
    assert len(desk.answers) == 1001


def test_disarm_overtakes_a_waiting_arm(desk):
    desk.decided = False
    desk.ask("arm")
    desk.run(0.1)
    desk.ask("disarm")
    desk.run(0.1)
    desk.decided = True
    desk.run(LIFE_S)
    assert desk.hand.state is State.DISARMED
    assert [(do, ok) for do, ok, _ in desk.answers] == [("arm", False), ("disarm", True)]


def test_a_press_withdraws_an_arm_that_is_still_on_its_way(desk):
    desk.ask("arm")
    desk.control.attend(desk, desk.hand.now_s)
    assert desk.session.arming
    desk.control.pressed(desk.hand.now_s)
    assert [(do, ok) for do, ok, _ in desk.answers] == [("arm", False)]
    desk.run(0.5)
    assert desk.state is State.DISARMED
    assert not desk.may_move


# --- a request dies with the situation in which it was made -------------------------------------------------


@pytest.fixture
def now(desk, monkeypatch):
    """The time of the hand is the time of this computer."""
    monkeypatch.setattr("myobridge.daemon.permission.requests.time.monotonic", lambda: desk.hand.now_s)


def a_calibration_begins_and_is_stopped(desk):
    desk.ask("calibrate")
    desk.control.calibrating = True
    desk.control.act(lambda _ok, _text: None, desk, desk.hand.now_s, desk.hand.now_s)
    desk.run(0.5)
    desk.ask("stop")
    desk.control.end_act()
    desk.control.calibrating = False


def the_supply_fails_and_comes_back(desk):
    desk.hand.firmware.safety.supply_low = True
    desk.run(0.3)
    assert desk.state is State.FAULT
    desk.hand.firmware.safety.supply_low = False


CHANGES = {
    "a calibration begins and is stopped": a_calibration_begins_and_is_stopped,
    "stop": lambda desk: desk.ask("stop"),
    "pause": lambda desk: desk.ask("pause"),
    "undo": lambda desk: desk.ask("undo"),
    "another model is asked for": lambda desk: desk.ask("model"),
    "another model is in force": lambda desk: desk.control.changed("the model changed"),
    "a page takes control": lambda desk: desk.ask("control", page="1"),
    "the button is pressed": lambda desk: desk.control.pressed(desk.hand.now_s),
    "DISARM": lambda desk: desk.ask("disarm"),
    "the hand has a fault": the_supply_fails_and_comes_back,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_arm_that_waits_is_over_with_any_change(desk, now, change):
    desk.decided = False
    desk.ask("arm")
    desk.run(0.1)
    change(desk)
    desk.decided = True
    desk.run(LIFE_S)
    assert desk.hand.state in (State.DISARMED, State.FAULT)
    assert [(do, ok) for do, ok, _ in desk.answers if do == "arm"] == [("arm", False)]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_arm_that_was_asked_for_before_a_change_and_comes_after_it_is_refused(desk, now, change):
    before_s = desk.hand.now_s
    desk.run(0.1)
    change(desk)
    desk.run(0.1)
    desk.ask("arm", asked_s=before_s)
    desk.run(0.5)
    assert desk.hand.state in (State.DISARMED, State.FAULT)
    assert ("arm", False) in [(do, ok) for do, ok, _ in desk.answers]


@pytest.mark.parametrize("change", ["undo", "another model is in force", "a page takes control"])
def test_an_arm_on_its_way_to_the_board_is_withdrawn_with_a_change(desk, now, change):
    desk.ask("arm")
    desk.control.attend(desk, desk.hand.now_s)
    assert desk.session.arming
    CHANGES[change](desk)
    desk.run(0.5)
    assert desk.state is State.DISARMED
    assert not desk.may_move


@pytest.mark.parametrize("change", [*CHANGES, "lift"])
def test_an_arm_of_the_launch_is_over_with_any_order_or_change(tmp_path, monkeypatch, change):
    desk = Desk(tmp_path / "port")
    monkeypatch.setattr("myobridge.daemon.permission.requests.time.monotonic", lambda: desk.hand.now_s)
    desk.control._launched_s = desk.hand.now_s
    if change == "lift":
        desk.ask("lift")
    elif change != "the hand has a fault":  # a fault at the launch waits for --arm as for any ARM of now
        CHANGES[change](desk)
    else:
        desk.ask("disarm")
    desk.run(0.5)
    assert not desk.may_move
    desk.control.close()


def test_a_hand_that_is_armed_stays_armed_when_control_goes_to_another_page(desk, now):
    desk.ask("arm", page="1")
    desk.run(0.3)
    desk.ask("control", page="2")
    desk.run(1.0)
    assert desk.state is State.ARMED


def test_the_first_arm_of_a_page_takes_control_and_arms(desk, now):
    seen_s = desk.hand.now_s
    desk.run(0.2)
    desk.ask("arm", asked_s=seen_s, page="1")
    desk.run(0.3)
    assert desk.state is State.ARMED


@pytest.mark.parametrize("do", ["undo", "model", "calibrate", "redo"])
def test_an_old_order_is_refused(desk, now, do):
    asked_s = desk.hand.now_s
    desk.run(LIFE_S)
    desk.ask(do, asked_s=asked_s)
    ((_, ok, text),) = desk.answers
    assert not ok and "old; try again" in text


def test_an_undo_that_was_asked_for_before_the_model_changed_is_refused(desk, now):
    asked_s = desk.hand.now_s
    desk.run(0.1)
    desk.control.changed("the model changed")
    desk.ask("undo", asked_s=asked_s)
    assert [ok for _, ok, _ in desk.answers] == [False]


def test_a_lift_that_is_older_than_the_newest_stop_lifts_nothing(desk, now):
    seen_s = desk.hand.now_s
    desk.run(0.1)
    desk.ask("estop")
    desk.run(0.2)
    desk.ask("lift", asked_s=seen_s)
    desk.run(0.3)
    assert desk.state is State.ESTOP and desk.control.estop
    desk.until_remembered(True)
    assert [(do, ok) for do, ok, _ in desk.answers] == [("estop", True), ("lift", False)]


def test_an_old_lift_lifts_nothing(desk, now):
    desk.ask("estop")
    desk.run(0.2)
    seen_s = desk.hand.now_s
    desk.run(LIFE_S)
    desk.ask("lift", asked_s=seen_s)
    assert desk.control.estop and "old; lift it again" in desk.answers[-1][2]


# --- a view whose page has control ---------------------------------------------------------------------------


def renewed(desk, seconds, page="1"):
    for _ in range(round(seconds / 0.5)):
        desk.ask("control", page=page)
        desk.run(0.5)


def test_a_view_that_is_gone_while_a_page_has_control_disarms_the_hand(desk, now):
    desk.ask("arm", page="1")
    renewed(desk, 2 * LEASE_S)
    assert desk.state is State.ARMED
    desk.run(LEASE_S)
    assert desk.state is State.DISARMED
    assert any("gone for 2 s" in said for said in desk.told)


def test_a_view_whose_page_gave_up_control_may_go_while_the_hand_stays_armed(desk, now):
    desk.ask("arm", page="1")
    renewed(desk, 1.0)
    desk.ask("control", page="")
    desk.run(2 * LEASE_S)
    assert desk.state is State.ARMED


def test_a_lost_view_also_ends_an_arm_that_waits(desk, now):
    desk.ask("control", page="1")
    desk.run(LEASE_S - 0.5)
    desk.decided = False
    desk.ask("arm", page=None)
    desk.run(1.0)
    desk.decided = True
    desk.run(LIFE_S)
    assert desk.state is State.DISARMED
