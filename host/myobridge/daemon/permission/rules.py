"""Permission to move has one owner: this module decides on every ARM, DISARM and ESTOP, whoever asks.

Pure: commands, times and the hand's state come in; actions for the board and answers for the askers come out.
host/README.md lists the rules as a table; `tests/host/daemon/test_permission_machine.py` checks them with random
askers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from myobridge.daemon.permission.hand import Action, Hand
from myobridge.feed.messages import Command
from myobridge.wire.messages import State

LIFE_S: Final = 3.0
"""An ARM expires this long after it was asked for; every other answer comes within this time."""
RESET_S: Final = 8.0
"""A board streams again this soon after a reset: its boot loader takes two seconds, a slow hand a few more."""
LAUNCH_S: Final = 10.0
"""`--arm` expires if the first stream starts later than this after the launch: the wearer may have turned away."""
MAX_WAITING: Final = 16
"""How many ARMs, and how many DISARMs, may await their answer. No limit applies to ESTOP."""

LOST: Final = "The hand is not connected; myobridge is looking for it."
STOP_REMEMBERED: Final = (
    "The hand is not connected; the emergency stop is remembered, and the board gets it when it connects."
)
LIFT_IT: Final = "lift it in the view or with `myobridge lift-estop`."
STOPPED: Final = f"The emergency stop is in force; {LIFT_IT}"
NO_ANSWER: Final = "The board did not answer; switch the servo power off."
STOPPED_AGAIN: Final = "The emergency stop is in force, because another one came before it was lifted; lift it again."
OVERTAKEN: Final = "The hand was not armed, because {} after the request."
TOO_MANY: Final = "Too many requests are waiting for an answer; try again in a few seconds."
TOO_OLD: Final = "The hand was not armed, because the request was {:.0f} s old; try again."
OUTDATED: Final = "Nothing was changed, because {}; try again."
LIFT_TOO_OLD: Final = "The emergency stop is in force, because the request to lift it was {:.0f} s old; lift it again."
NOT_STOPPED: Final = "No emergency stop was in force."
LIFTED: Final = "The emergency stop is lifted; the hand is disarmed."
LIFTED_LOST: Final = "The emergency stop is lifted; the hand is not connected."
CALIBRATING: Final = "A calibration runs; stop it, or wait until it ends, then arm the hand."
ARMED_ALREADY: Final = "The hand is armed; disarm it first, then calibrate."
POWER_CYCLE: Final = "The emergency stop is lifted here; now switch the board's power off and on to reset the board."


class Outcome(NamedTuple):
    """The answer to a command."""

    ok: bool
    text: str


Answer = Callable[[bool, str], None]
Wish = Literal[Command, "act"]
"""A command, or a calibration that wants the hand to show poses. A calibration asks as the person who ordered it."""


@dataclass(eq=False)
class _Open:
    """A command that is not answered yet."""

    command: Wish
    until_s: float
    answer: Answer
    sent: bool = False
    cleared: bool = False
    """An ARM sent DISARM first, because the hand had opened or has a fault."""


class _Over(NamedTuple):
    """When the situation last changed, and how, as a clause."""

    at_s: float = -math.inf
    why: str = ""


@dataclass
class Permission:
    """The open commands, and the permission that follows from them.

    estop: an emergency stop is in force: somebody asked for it or it is remembered, and no person has lifted it.
    """

    estop: bool = False
    calibrating: bool = False
    """A calibration is under way, also while the hand does not act."""
    _may_act: bool = False  # the calibration still wants the hand to act
    _waiting: list[_Open] = field(default_factory=list)
    _over: dict[Wish, _Over] = field(default_factory=lambda: {"arm": _Over(), "act": _Over()})
    """What was asked for before this is over. Commands may arrive out of order."""
    _withdraws: bool = False  # an ARM that the board may still obey is over
    _state: State | None = None  # of the hand, when it was last known
    _stopped_s: float = -math.inf  # when somebody last asked for ESTOP
    times_taken_back: int = 0
    """How many DISARMs, ESTOPs and presses of the button have arrived, however old they were."""

    def ask(self, command: Wish, answer: Answer, hand: Hand | None, asked_s: float, now_s: float) -> None:
        """Takes a command; its asker gets exactly one answer, now or from a later `attend`.

        asked_s: when the person asked; now_s: the time now; both on one monotonic clock.
        """
        if hand is not None:
            self._look(hand.state, now_s)
        match command:
            case "estop":
                self._stop(answer, hand, asked_s, now_s)
            case "lift":
                self._lift(answer, hand, now_s)
            case _ if hand is None:
                answer(False, LOST)
            case "disarm":
                self._overtake("a DISARM came", asked_s)
                self._wait(command, answer, now_s + LIFE_S)
            case "arm" | "act":
                over = self._over[command]
                if self.estop:
                    answer(False, STOPPED)
                elif command == "arm" and self.calibrating:
                    answer(False, CALIBRATING)
                elif now_s - asked_s >= LIFE_S:
                    answer(False, TOO_OLD.format(now_s - asked_s))
                elif asked_s < over.at_s:
                    answer(False, OVERTAKEN.format(over.why))
                else:
                    self._may_act = self._may_act or command == "act"
                    self._wait(command, answer, asked_s + LIFE_S)

    def outdated(self, asked_s: float, now_s: float) -> str:
        """Why a wish about the model comes too late, as a sentence; empty: it is about the present situation."""
        over = self._over["act"]
        if now_s - asked_s >= LIFE_S:
            return OUTDATED.format(f"the request was {now_s - asked_s:.0f} s old")
        return OUTDATED.format(f"{over.why} after the request") if asked_s < over.at_s else ""

    def outdated_lift(self, asked_s: float, now_s: float) -> str:
        """Why a request to lift the stop comes too late, as a sentence; empty: the person has seen this stop."""
        if now_s - asked_s >= LIFE_S:
            return LIFT_TOO_OLD.format(now_s - asked_s)
        return STOPPED_AGAIN if asked_s < self._stopped_s else ""

    def changed(self, why: str, at_s: float, *wishes: Wish) -> None:
        """The situation is another one from `at_s` on: what was wished before is over. why: a clause."""
        for wish in wishes:
            if at_s >= self._over[wish].at_s:
                self._over[wish] = _Over(at_s, why)
        for asked in [asked for asked in self._waiting if asked.command in wishes]:
            self._withdraws |= asked.sent
            self._answer(asked, Outcome(False, OVERTAKEN.format(why)))

    def pressed(self, now_s: float) -> None:
        """The button on the hand was pressed: the board has ended every motion, and all that was asked for is over."""
        self._overtake("the button was pressed", now_s)

    def end_act(self) -> None:
        """The calibration no longer wants the hand to act; an act that was sent is disarmed when it is granted."""
        self._may_act = False
        for asked in [asked for asked in self._waiting if asked.command == "act" and not asked.sent]:
            self._answer(asked, Outcome(False, OVERTAKEN.format("the calibration paused or ended")))

    def attend(self, hand: Hand, now_s: float) -> Action | None:
        """Gives the answers that are due, and returns the action for the board, if any; called on each turn."""
        state = hand.state
        self._look(state, now_s)
        withdraws, self._withdraws = self._withdraws, False
        if self.estop and state is not State.ESTOP:
            self._give_up(hand, now_s)
            return Action.ESTOP
        action = Action.WITHDRAW if withdraws else None
        if action is None and self._waiting:
            action = self._answer_all(hand, state, now_s)
        wanted = hand.may_move and (self._may_act or not hand.acting)
        if action is None and hand.streaming and not hand.busy and not wanted and state in _MOVABLE:
            return Action.DISARM  # it moves or may move, and this daemon has no permission, or needs none any more
        return action

    def lost(self) -> None:
        """Ends every open command but a lift, because the link is lost. An emergency stop stays in force."""
        self._withdraws, self._state = False, None
        for asked in list(self._waiting):
            if asked.command != "lift":
                self._answer(asked, Outcome(False, STOP_REMEMBERED if asked.command == "estop" else LOST))

    def attend_without_hand(self, now_s: float) -> None:
        """Answers a lift whose board did not come back in time; called while no hand is connected."""
        for asked in [asked for asked in self._waiting if now_s >= asked.until_s]:
            self._answer(asked, Outcome(True, LIFTED_LOST))

    def cannot_reset(self) -> None:
        """Answers a lift whose reset is impossible from here: a person has to switch the power."""
        for asked in [asked for asked in self._waiting if asked.command == "lift"]:
            self._answer(asked, Outcome(True, POWER_CYCLE))

    # --- commands -----------------------------------------------------------------------------------------

    def _stop(self, answer: Answer, hand: Hand | None, asked_s: float, now_s: float) -> None:
        self.estop = True
        self._stopped_s = max(self._stopped_s, asked_s)
        self._overtake("an emergency stop came", asked_s)
        for asked in [asked for asked in self._waiting if asked.command == "lift"]:
            self._answer(asked, Outcome(False, STOPPED_AGAIN))
        if hand is None:
            answer(False, STOP_REMEMBERED)
        else:
            self._waiting.append(_Open("estop", now_s + LIFE_S, answer))

    def _lift(self, answer: Answer, hand: Hand | None, now_s: float) -> None:
        stopped, self.estop = self.estop or (hand is not None and hand.state is State.ESTOP), False
        if not stopped:
            answer(True, NOT_STOPPED)
        elif hand is None:
            answer(True, LIFTED_LOST)
        else:
            self._waiting.append(_Open("lift", now_s + RESET_S, answer))

    def _wait(self, command: Wish, answer: Answer, until_s: float) -> None:
        same = [asked for asked in self._waiting if asked.command == command]
        if len(same) < MAX_WAITING:
            self._waiting.append(_Open(command, until_s, answer, sent=any(asked.sent for asked in same)))
        else:
            answer(False, TOO_MANY)

    def _overtake(self, why: str, asked_s: float) -> None:
        self.times_taken_back += 1
        self._may_act = False
        self.changed(why, asked_s, "arm", "act")

    def _look(self, state: State | None, now_s: float) -> None:
        """Notes the state of the hand: an ARM that was asked for before a fault, or before the hand opened, is over."""
        before, self._state = self._state, self._state if state is None else state
        if before is not None and state in _TROUBLE and state is not before:
            self.changed(f"the hand's state became {state.name}", now_s, "arm", "act")

    # --- answers ------------------------------------------------------------------------------------------

    def _answer(self, asked: _Open, outcome: Outcome) -> None:
        self._waiting.remove(asked)
        asked.answer(*outcome)

    def _answer_all(self, hand: Hand, state: State | None, now_s: float) -> Action | None:
        withdraw, action = self._give_up(hand, now_s), None  # first: an expired command must not lead to an action
        for asked in list(self._waiting):
            outcome, wanted = _RULES[asked.command](asked, hand, state)
            action = action or wanted
            if outcome is not None:
                self._answer(asked, outcome)
        return withdraw or action

    def _give_up(self, hand: Hand, now_s: float) -> Action | None:
        """Answers expired commands; an expired ARM that was sent is withdrawn."""
        action = None
        for asked in [asked for asked in self._waiting if now_s >= asked.until_s]:
            if asked.command in ("arm", "act") and asked.sent and hand.busy:
                action = Action.WITHDRAW
            self._answer(asked, Outcome(asked.command == "lift", _too_late(asked.command, hand)))
        return action


_MOVABLE: Final = (State.ARMED, State.HOLD)
_TROUBLE: Final = (State.RELAX, State.FAULT)
Step = tuple[Outcome | None, Action | None]


def _arm(asked: _Open, hand: Hand, state: State | None) -> Step:
    outcome, action = None, None
    if state is State.ESTOP:
        outcome = Outcome(False, hand.explain())
    elif hand.busy or not hand.streaming or state is None or hand.acting:
        pass
    elif hand.may_move:  # ARMED, or HOLD, which the board ends by its own rules; either way this ARM is over
        outcome = Outcome(True, hand.explain())
    elif asked.sent:
        outcome = Outcome(False, f"The hand was not armed: {hand.refusal or 'the board disarmed it at once'}.")
    elif hand.decided and state is State.DISARMED:
        asked.sent, action = True, Action.ARM
    elif hand.decided and not asked.cleared:
        asked.cleared, action = True, Action.DISARM
    elif hand.decided:  # DISARM did not help: the cause of the fault persists
        outcome = Outcome(False, hand.explain())
    return outcome, action


def _act(asked: _Open, hand: Hand, state: State | None) -> Step:
    """As ARM, but the poses come from a guide, so no decision is needed, and a hand that follows goes on following."""
    outcome, action = None, None
    if state is State.ESTOP:
        outcome = Outcome(False, hand.explain())
    elif hand.busy or not hand.streaming or state is None:
        pass
    elif hand.may_move:
        outcome = Outcome(True, hand.explain()) if hand.acting else Outcome(False, ARMED_ALREADY)
    elif asked.sent:
        outcome = Outcome(False, f"The hand cannot show the poses: {hand.refusal or 'the board disarmed it at once'}.")
    elif state is State.DISARMED:
        asked.sent, action = True, Action.ACT
    elif not asked.cleared:
        asked.cleared, action = True, Action.DISARM
    else:  # DISARM did not help: the cause of the fault persists
        outcome = Outcome(False, hand.explain())
    return outcome, action


def _disarm(asked: _Open, hand: Hand, state: State | None) -> Step:
    if state is State.ESTOP:
        return Outcome(False, hand.explain()), None
    if asked.sent and state is State.DISARMED and not hand.busy:
        return Outcome(True, hand.explain()), None
    if asked.sent:
        return None, None
    asked.sent = True
    return None, Action.DISARM


def _estop(_asked: _Open, hand: Hand, state: State | None) -> Step:
    return (Outcome(True, hand.explain()) if state is State.ESTOP else None), None


def _lift(asked: _Open, hand: Hand, state: State | None) -> Step:
    if state is State.ESTOP:
        action = None if asked.sent else Action.RESET
        asked.sent = True
        return None, action
    return (Outcome(True, LIFTED) if hand.streaming and state is State.DISARMED else None), None


_RULES: Final = {"arm": _arm, "act": _act, "disarm": _disarm, "estop": _estop, "lift": _lift}


def _too_late(command: Wish, hand: Hand) -> str:
    if command == "act":
        return f"The hand did not show the poses. {hand.refusal}".strip()
    if command == "arm":
        return f"The hand was not armed. {hand.refusal or hand.explain_withheld()}".strip()
    return POWER_CYCLE if command == "lift" else NO_ANSWER
