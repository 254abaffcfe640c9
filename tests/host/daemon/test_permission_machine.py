"""The rules of permission/rules.py, as host/README.md lists them, against random askers, boards and links.

The board here obeys, loses, delays and refuses as it likes; its own rules are tested elsewhere.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from myobridge.daemon.permission.rules import LIFE_S, RESET_S, Action, Permission
from myobridge.wire.messages import State

TURN_S = 0.05


class Board:
    """A hand as permission/rules.py sees it. obeys: actions reach it."""

    def __init__(self):
        self.state, self.streaming, self.decided, self.may_move, self.busy, self.refusal = (
            State.DISARMED, True, True, False, False, "",
        )  # fmt: skip
        self.acting = False
        self.under_way = None

    def explain(self):
        return f"The hand is {self.state.name}."

    def explain_withheld(self):
        return "" if self.decided else "No setpoints."

    def told(self, action):
        """Does what a session does with an action."""
        self.under_way, self.busy, self.refusal = action, True, ""
        if action not in (Action.ARM, Action.ACT):
            self.may_move = self.acting = False

    def obeys(self):
        """The answer of the board arrives."""
        match self.under_way:
            case Action.ARM | Action.ACT if self.state is State.DISARMED:
                self.state, self.may_move, self.acting = State.ARMED, True, self.under_way is Action.ACT
            case Action.ARM | Action.ACT:
                self.refusal = "the board must be disarmed first"
            case Action.DISARM | Action.WITHDRAW if self.state is not State.ESTOP:
                self.state = State.DISARMED
            case Action.ESTOP:
                self.state = State.ESTOP
            case Action.RESET:
                self.state = State.DISARMED
        self.under_way, self.busy = None, False


class Desk(RuleBasedStateMachine):
    """People ask; time passes; the line and the electrodes come and go."""

    def __init__(self):
        super().__init__()
        self.now_s = 100.0
        self.permission, self.board = Permission(), Board()
        self.asked, self.armed_s, self.answers = {}, [], []
        self.stop_said = False
        self.taken_back_s = 0.0
        self.over_s = {"arm": 0.0, "act": 0.0}

    @rule()
    def the_button_is_pressed(self):
        """The board has ended the motion by itself."""
        self.permission.pressed(self.now_s)
        self.taken_back_s = self.now_s
        if self.board and self.board.state in (State.ARMED, State.HOLD, State.RELAX):
            self.board.state, self.board.may_move, self.board.acting = State.DISARMED, False, False

    @rule(wishes=st.sampled_from([("arm",), ("arm", "act")]), age_s=st.sampled_from([0.0, 1.0, 60.0]))
    def the_situation_changes(self, wishes, age_s):
        """Another order, page or model: what waits is over, and so is what was asked for before and comes later."""
        self.permission.changed("something changed", self.now_s - age_s, *wishes)
        for wish in wishes:
            self.over_s[wish] = max(self.over_s[wish], self.now_s - age_s)
        assert not [n for n, (word, _) in self.asked.items() if word in wishes and n not in self.answered]

    @rule()
    def the_calibration_needs_the_hand_no_more(self):
        self.permission.end_act()

    @rule(under_way=st.booleans())
    def a_calibration_runs(self, under_way):
        self.permission.calibrating = under_way

    @property
    def hand(self):
        return self.board

    @rule(
        word=st.sampled_from(["arm", "disarm", "estop", "lift", "act"]),
        age_s=st.sampled_from([0.0, 1.0, 2.9, 3.0, 60.0]),
    )
    def ask(self, word, age_s):
        number = len(self.asked)
        self.asked[number] = (word, self.now_s)
        if word in ("arm", "act"):
            self.armed_s.append(self.now_s - age_s)
        if word == "disarm" and self.board:
            self.taken_back_s = max(self.taken_back_s, self.now_s - age_s)
        if word in ("estop", "lift"):
            self.stop_said = word == "estop"
        answer = lambda ok, text: self.answers.append((number, self.now_s, ok, text))  # noqa: E731
        self.permission.ask(word, answer, self.hand, self.now_s - age_s, self.now_s)

    @rule(turns=st.integers(1, 30), obeys=st.booleans())
    def time_passes(self, turns, obeys):
        for _ in range(turns):
            self.now_s += TURN_S
            if self.board is None:
                continue
            if obeys and self.board.busy:
                self.board.obeys()
            action = self.permission.attend(self.board, self.now_s)
            if action in (Action.ARM, Action.ACT):
                self.arm_is_sent("arm" if action is Action.ARM else "act")
            if action is not None and not (action is Action.ESTOP and self.board.under_way is Action.ESTOP):
                self.board.told(action)

    def arm_is_sent(self, kind):
        """Checks the predicates of an ARM, for the decoder or for a guide, at the moment when it is sent."""
        assert any(0 <= self.now_s - asked_s < LIFE_S for asked_s in self.armed_s), "nobody asked within 3 s"
        living = [n for n, (word, _) in self.asked.items() if word == kind and n not in self.answered]
        assert living, "every ARM had been answered"
        assert any(self.asked[n][1] >= self.taken_back_s for n in living), "somebody has taken it back"
        assert any(self.asked[n][1] >= self.over_s[kind] for n in living), "the situation has changed"
        assert not self.stop_said
        assert self.board.decided or kind == "act"

    @rule(decided=st.booleans())
    def electrode(self, decided):
        if self.board:
            self.board.decided = decided

    @precondition(lambda self: self.board and self.board.may_move)
    @rule(state=st.sampled_from([State.HOLD, State.RELAX, State.FAULT, State.ARMED]))
    def the_board_decides(self, state):
        self.board.state = state
        self.board.may_move &= state in (State.ARMED, State.HOLD)
        self.board.acting &= self.board.may_move

    @precondition(lambda self: self.board and self.board.under_way in (Action.ARM, Action.ACT))
    @rule()
    def an_arm_stays_unanswered(self):
        """DISARM follows, as in the session."""
        self.board.told(Action.DISARM)
        self.board.refusal = "the board did not answer"

    @precondition(lambda self: self.board)
    @rule()
    def unplug(self):
        self.board = None
        self.permission.lost()

    @precondition(lambda self: not self.board)
    @rule()
    def plug_in(self):
        self.board = Board()

    @property
    def answered(self):
        return {number for number, *_ in self.answers}

    @invariant()
    def every_command_is_answered_once_and_in_time(self):
        assert len(self.answers) == len(self.answered)
        for number, (word, asked_s) in self.asked.items():
            patience_s = (RESET_S if word == "lift" else LIFE_S) + 2 * TURN_S
            assert number in self.answered or self.now_s - asked_s <= patience_s or self.board is None
        if self.board is None:
            assert {n for n, (word, _) in self.asked.items() if word != "lift"} <= self.answered

    @invariant()
    def nobody_is_told_that_the_hand_follows_while_it_acts(self):
        for number, at_s, ok, _ in self.answers:
            if ok and self.asked[number][0] == "arm" and at_s == self.now_s and self.board:
                assert not self.board.acting

    @invariant()
    def a_stop_is_in_force_until_a_person_lifts_it(self):
        assert self.permission.estop == self.stop_said

    @invariant()
    def nobody_is_told_that_the_hand_was_armed_when_it_was_not(self):
        for number, at_s, ok, _ in self.answers:
            if ok and self.asked[number][0] == "arm" and at_s == self.now_s and self.board:
                assert self.board.state in (State.ARMED, State.HOLD) or not self.board.may_move


def test_an_act_that_waits_is_over_when_the_calibration_needs_it_no_more():
    permission, board, answers = Permission(), Board(), []
    board.streaming = False
    permission.ask("act", lambda ok, _text: answers.append(ok), board, 100.0, 100.0)
    assert permission.attend(board, 100.1) is None
    permission.end_act()
    board.streaming = True
    assert answers == [False]
    assert permission.attend(board, 100.2) is None


def test_a_hand_that_acts_is_disarmed_once_the_calibration_needs_it_no_more_and_then_armed_for_the_decoder():
    permission, board, answers = Permission(), Board(), []
    permission.ask("act", lambda ok, _text: answers.append(ok), board, 100.0, 100.0)
    permission.calibrating = True
    for expected in (Action.ACT, None):
        action = permission.attend(board, 100.1)
        assert action is expected
        if action:
            board.told(action)
            board.obeys()
    assert answers == [True] and board.acting
    permission.ask("arm", lambda ok, _text: answers.append(ok), board, 100.2, 100.2)
    assert answers == [True, False], "a calibration runs"
    permission.end_act()
    permission.calibrating = False
    permission.ask("arm", lambda ok, _text: answers.append(ok), board, 100.3, 100.3)
    for expected in (Action.DISARM, Action.ARM):
        assert permission.attend(board, 100.4) is expected
        board.told(expected)
        board.obeys()
    permission.attend(board, 100.5)
    assert answers == [True, False, True] and board.may_move and not board.acting


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
