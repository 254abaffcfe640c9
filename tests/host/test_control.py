"""What people ask of a running daemon: the hand does it, and the answer says what came of it."""

import pytest

from myobridge.control import LIMIT_S, LOST_TEXT, MAX_WAITING, Control
from myobridge.feed.messages import Request
from myobridge.feed.server import Ask
from myobridge.wire import messages as m
from myobridge.wire.messages import State
from myobridge.wire.session import Phase
from virtual_hand import VirtualHand


class Desk:
    """A person with a daemon: `ready` says whether there is something to say to the hand."""

    def __init__(self, arm=False):
        self.hand = VirtualHand()
        self.told, self.answers = [], []
        self.control = Control(self.told.append, arm=arm)
        self.ready = self.plugged_in = True
        self.hand.run_until(lambda: self.hand.session.phase is Phase.STREAMING, within_s=0.5)

    # what Control sees of a connection

    @property
    def session(self):
        return self.hand.session

    def arm(self):
        if self.ready:
            self.session.request_arm()
        return self.ready

    def explain_withheld(self):
        return "" if self.ready else "No setpoints: channel 2 is flat."

    # what the test does

    def ask(self, do):
        answer = lambda ok, text: self.answers.append((do, ok, text))  # noqa: E731
        self.control.take(Ask(Request(1, do), answer), self if self.plugged_in else None, self.hand.now_s)

    def run(self, seconds):
        for _ in range(round(seconds / 0.001)):
            self.hand.step()
            self.control.attend(self, self.hand.now_s)
            if self.session.may_move:
                self.session.setpoint((4000,) * m.SERVOS, 25, self.hand.firmware.samples_taken - 1)

    def asked(self, do, seconds=0.2):
        self.ask(do)
        self.run(seconds)
        ((done, ok, text),) = self.answers
        self.answers.clear()
        assert done == do
        return ok, text


def test_arm_is_answered_when_the_hand_follows_and_disarm_when_it_does_not():
    desk = Desk()
    assert desk.asked("arm") == (True, "The hand is armed and follows.")
    assert desk.hand.state is State.ARMED
    assert desk.asked("disarm") == (True, "The hand is disarmed.")
    assert desk.hand.state is State.DISARMED


def test_a_refused_arm_is_answered_with_the_reason_and_told():
    desk = Desk()
    desk.hand.firmware.safety.supply_low = True
    desk.run(0.2)
    desk.hand.firmware.safety.disarm()
    ok, text = desk.asked("arm")
    assert not ok
    assert "the servo supply is low" in text
    assert text in desk.told
    desk.hand.firmware.safety.supply_low = False
    desk.hand.firmware.safety.disarm()
    desk.run(0.2)
    assert desk.hand.state is State.DISARMED  # a refusal is the end of it
    assert desk.asked("arm")[0]


def test_an_arm_that_cannot_be_asked_for_is_given_up_and_the_hand_does_not_arm_later():
    desk = Desk()
    desk.ready = False
    assert desk.asked("arm", LIMIT_S + 0.1) == (False, "The hand was not armed. No setpoints: channel 2 is flat.")
    desk.ready = True
    desk.run(0.5)
    assert desk.hand.state is State.DISARMED


def test_an_arm_from_the_command_line_waits_as_long_as_it_takes():
    desk = Desk(arm=True)
    desk.ready = False
    desk.run(2 * LIMIT_S)
    desk.ready = True
    desk.run(0.1)
    assert desk.hand.state is State.ARMED


def test_estop_is_answered_when_the_pulses_are_cut_and_nothing_else_helps_then():
    desk = Desk()
    desk.asked("arm")
    ok, text = desk.asked("estop")
    assert ok
    assert "reset the board" in text
    assert desk.hand.state is State.ESTOP
    for do in ("arm", "disarm"):
        ok, text = desk.asked(do)
        assert not ok
        assert "emergency stop" in text


def test_an_estop_that_the_hand_does_not_hear_is_said_and_asked_for_again_after_the_link_is_lost():
    desk = Desk()
    desk.asked("arm")
    desk.hand.lose = lambda message: isinstance(message, m.Estop)
    desk.ask("estop")
    with pytest.raises(Exception, match="stopped answering"):
        desk.run(1.0)
    desk.control.lost()
    assert desk.answers == [("estop", False, LOST_TEXT)]
    desk.hand.lose = lambda _message: False
    desk.hand.connect()
    desk.run(0.01)
    assert desk.hand.state is State.ESTOP


def test_after_a_lost_link_nothing_is_armed_by_itself():
    desk = Desk()
    desk.ready = False
    desk.ask("arm")
    desk.run(0.1)
    desk.control.lost()
    desk.hand.connect()
    desk.ready = True
    desk.run(1.0)
    assert desk.session.phase is Phase.STREAMING
    assert desk.hand.state is State.DISARMED
    assert desk.answers == [("arm", False, LOST_TEXT)]


@pytest.mark.parametrize(("do", "state"), [("arm", State.DISARMED), ("disarm", State.DISARMED), ("estop", State.ESTOP)])
def test_without_a_hand_nothing_but_an_emergency_stop_is_remembered(do, state):
    desk = Desk()
    desk.control.lost()
    desk.plugged_in = False
    desk.ask(do)
    assert desk.answers == [(do, False, LOST_TEXT)]
    desk.plugged_in = True
    desk.run(1.0)
    assert desk.hand.state is state


def test_the_signal_of_a_person_who_knows_that_it_is_lost_arms_the_hand_when_it_is_back():
    desk = Desk()
    desk.control.lost()
    desk.control.arm()
    desk.run(0.2)
    assert desk.hand.state is State.ARMED


def test_of_a_flood_of_requests_a_few_wait_and_the_hand_still_does_what_it_is_asked():
    desk = Desk()
    desk.ready = False
    for _ in range(1000):
        desk.ask("arm")
    assert len(desk.answers) == 1000 - MAX_WAITING
    desk.ask("estop")
    desk.run(0.1)
    assert desk.hand.state is State.ESTOP


def test_disarm_overtakes_an_arm_that_waits():
    desk = Desk()
    desk.ready = False
    desk.ask("arm")
    desk.run(0.1)
    desk.ask("disarm")
    desk.run(0.1)
    desk.ready = True
    desk.run(LIMIT_S)
    assert desk.hand.state is State.DISARMED
    assert [(do, ok) for do, ok, _ in desk.answers] == [("disarm", True), ("arm", False)]
