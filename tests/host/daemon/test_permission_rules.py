"""The life of a command, second by second."""

import pytest
from test_permission_machine import Board

from myobridge.daemon.permission.rules import (
    LIFE_S,
    LIFTED_LOST,
    LOST,
    NO_ANSWER,
    NOT_STOPPED,
    POWER_CYCLE,
    RESET_S,
    Action,
    Permission,
)
from myobridge.wire.messages import State


class Asker:
    def __init__(self, permission, hand):
        self.permission, self.hand, self.answers = permission, hand, []

    def ask(self, command, asked_s, now_s):
        self.permission.ask(
            command, lambda ok, text: self.answers.append((command, ok, text)), self.hand, asked_s, now_s
        )


@pytest.fixture
def board():
    return Board()


@pytest.fixture
def asker(board):
    return Asker(Permission(), board)


@pytest.mark.parametrize(("age_s", "left_s"), [(0.0, 3.0), (2.5, 0.5), (2.9, 0.1)])
def test_an_arm_expires_three_seconds_after_it_was_asked_for(asker, board, age_s, left_s):
    board.decided = False
    asker.ask("arm", 100.0 - age_s, 100.0)
    assert asker.permission.attend(board, 100.0 + left_s - 0.01) is None
    assert not asker.answers
    asker.permission.attend(board, 100.0 + left_s + 0.01)
    assert asker.answers == [("arm", False, "The hand was not armed. No setpoints.")]
    board.decided = True
    assert asker.permission.attend(board, 100.0 + left_s + 0.02) is None


def test_an_arm_that_was_sent_and_expires_without_an_answer_is_withdrawn(asker, board):
    asker.ask("arm", 100.0, 100.0)
    assert asker.permission.attend(board, 100.0) is Action.ARM
    board.told(Action.ARM)
    assert asker.permission.attend(board, 100.0 + LIFE_S) is Action.WITHDRAW
    assert [ok for _, ok, _ in asker.answers] == [False]


def test_a_hand_that_moves_without_permission_is_disarmed(asker, board):
    for state in (State.ARMED, State.HOLD):
        board.state = state
        assert asker.permission.attend(board, 100.0) is Action.DISARM


def test_an_arm_of_an_opened_hand_disarms_it_first(asker, board):
    board.state = State.RELAX
    asker.ask("arm", 100.0, 100.0)
    assert asker.permission.attend(board, 100.0) is Action.DISARM
    board.told(Action.DISARM)
    board.obeys()
    assert asker.permission.attend(board, 100.1) is Action.ARM


def test_an_estop_overtakes_an_arm_is_repeated_and_names_the_power_switch_after_three_seconds(asker, board):
    asker.ask("arm", 100.0, 100.0)
    asker.ask("estop", 100.0, 100.0)
    assert [(command, ok) for command, ok, _ in asker.answers] == [("arm", False)]
    for now_s in (100.0, 101.0, 102.9):
        assert asker.permission.attend(board, now_s) is Action.ESTOP
    assert asker.permission.attend(board, 100.0 + LIFE_S) is Action.ESTOP
    assert asker.answers[-1] == ("estop", False, NO_ANSWER)


def test_a_lift_resets_the_board_once_and_names_a_power_cycle_if_the_reset_fails(asker, board):
    asker.permission.estop, board.state = True, State.ESTOP
    asker.ask("lift", 100.0, 100.0)
    assert asker.permission.attend(board, 100.0) is Action.RESET
    assert asker.permission.attend(board, 100.1) is None
    asker.permission.attend(board, 100.0 + RESET_S)
    assert asker.answers == [("lift", True, POWER_CYCLE)]


def test_a_lift_without_a_board_is_answered_at_once(asker):
    asker.permission.estop, asker.hand = True, None
    asker.ask("lift", 100.0, 100.0)
    assert (asker.permission.estop, asker.answers) == (False, [("lift", True, LIFTED_LOST)])
    asker.ask("arm", 100.0, 100.0)
    assert asker.answers[-1] == ("arm", False, LOST)


def test_a_lifting_whose_board_does_not_come_back_is_answered(asker, board):
    board.state, asker.permission.estop = State.ESTOP, True
    asker.ask("lift", 100.0, 100.0)
    assert asker.permission.attend(board, 100.0) is Action.RESET
    asker.permission.lost()
    asker.permission.attend_without_hand(100.0 + RESET_S - 0.01)
    assert not asker.answers
    asker.permission.attend_without_hand(100.0 + RESET_S)
    assert asker.answers == [("lift", True, LIFTED_LOST)]


@pytest.mark.parametrize("state", [State.DISARMED, State.ARMED])
def test_a_lift_without_a_stop_lifts_nothing(asker, board, state):
    board.state, board.may_move = state, state is State.ARMED
    asker.ask("lift", 100.0, 100.0)
    assert asker.answers == [("lift", True, NOT_STOPPED)]
    assert asker.permission.attend(board, 100.0) is None


def test_an_arm_during_a_lasting_fault_is_refused_after_one_disarm(asker, board):
    board.state = State.FAULT
    asker.ask("arm", 100.0, 100.0)
    assert asker.permission.attend(board, 100.0) is Action.DISARM
    assert asker.permission.attend(board, 100.1) is None
    assert asker.answers == [("arm", False, "The hand is FAULT.")]


def test_an_expired_arm_is_not_sent_in_the_turn_that_answers_it(asker, board):
    """A daemon that was stopped finds the command and a good decision at once, and both are old."""
    board.decided = False
    asker.ask("arm", 100.0, 100.0)
    asker.permission.attend(board, 100.0)
    board.decided = True
    assert asker.permission.attend(board, 105.0) is None
    assert [ok for _, ok, _ in asker.answers] == [False]


@pytest.mark.parametrize("command", ["disarm", "estop"])
def test_an_arm_that_arrives_after_a_later_disarm_is_refused(asker, board, command):
    asker.ask(command, 100.01, 100.02)
    asker.ask("arm", 100.0, 100.02)
    assert asker.answers[-1][:2] == ("arm", False)
