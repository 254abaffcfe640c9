"""Permission to move has one owner: this module decides about every ARM, DISARM and ESTOP, whoever asks.

Pure: words, times and what is known about the hand come in; orders for the board and answers for the askers come out.
host/README.md has the rules as a table; `tests/host/daemon/test_permission_machine.py` holds them against random
askers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Literal, NamedTuple, Protocol

from myobridge.wire.messages import State

Word = Literal["arm", "disarm", "estop", "lift"]

LIFE_S: Final = 3.0
"""An ARM lives so long from its asking, and every other answer comes within this time."""
RESET_S: Final = 8.0
"""Within this time a board that was reset streams again: its boot loader takes two seconds, a slow hand a few more."""
LAUNCH_S: Final = 10.0
"""`--arm` is dropped if the first stream starts later than this after the launch: the wearer may have turned away."""
MAX_WAITING: Final = 16
"""ARMs and DISARMs that wait for their answer. ESTOP is exempt from every limit."""

LOST: Final = "The hand is not connected; myobridge is looking for it."
STOP_REMEMBERED: Final = "The hand is not connected; the emergency stop is remembered and reaches the board first."
STOPPED: Final = "The emergency stop is in force; lift it with `myobridge lift-estop`, or in the view."
NO_ANSWER: Final = "The board did not answer; switch the servo power off."
STOPPED_AGAIN: Final = "The emergency stop is in force, because it was said again; lift it once more."
OVERTAKEN: Final = "The hand was not armed, because {} was asked for after it."
TOO_MANY: Final = "Too many requests wait for an answer; ask again in a few seconds."
TOO_OLD: Final = "The hand was not armed, because the request was {:.0f} s old; ask again."
NOT_STOPPED: Final = "No emergency stop was in force."
LIFTED: Final = "The emergency stop is lifted; the hand is disarmed."
LIFTED_LOST: Final = "The emergency stop is lifted; the hand is not connected."
POWER_CYCLE: Final = "The emergency stop is lifted here; now switch the board's power off and on to reset it."


class Order(Enum):
    """What the session is told to do."""

    ARM = auto()
    DISARM = auto()
    WITHDRAW = auto()
    """Give up an ARM that was sent: DISARM until the board confirms it."""
    ESTOP = auto()
    RESET = auto()
    """Reset the board."""


class Hand(Protocol):
    """What is known about a connected hand."""

    @property
    def streaming(self) -> bool:
        """Requests can be made: the session stands."""
        ...

    @property
    def state(self) -> State | None:
        """The state that the board reported last."""
        ...

    @property
    def may_move(self) -> bool:
        """The board has granted an ARM and has not taken it back."""
        ...

    @property
    def busy(self) -> bool:
        """A request waits for the board's answer."""
        ...

    @property
    def decided(self) -> bool:
        """The newest decision may move the hand."""
        ...

    @property
    def refusal(self) -> str:
        """Why the newest ARM came to nothing; empty while it is under way, and after a success."""
        ...

    def explain(self) -> str:
        """A sentence about the state."""
        ...

    def explain_withheld(self) -> str:
        """A sentence about why decisions do not move the hand; may be empty."""
        ...


class Outcome(NamedTuple):
    """The answer to a word."""

    ok: bool
    text: str


Answer = Callable[[bool, str], None]


@dataclass(eq=False)
class _Asked:
    """A word whose answer is not known yet."""

    word: Word
    until_s: float
    answer: Answer
    sent: bool = False
    cleared: bool = False
    """Of an ARM: DISARM was sent first, because the hand had opened or has a fault."""


@dataclass
class Permission:
    """What was asked, until when, and what was answered.

    estop: an emergency stop is in force: it was said, or is remembered, and no person has lifted it.
    """

    estop: bool = False
    _waiting: list[_Asked] = field(default_factory=list)
    _taken_back_s: float = -math.inf
    """When DISARM or ESTOP was last asked for. Words may arrive in another order than they were said in."""

    def ask(self, word: Word, answer: Answer, hand: Hand | None, asked_s: float, now_s: float) -> None:
        """Takes a word of any asker, who gets exactly one answer: now, or from a later `attend`.

        asked_s: when it was asked; now_s: the time now; both of one monotonic clock.
        """
        match word:
            case "estop":
                self._taken_back_s = max(self._taken_back_s, asked_s)
                self._stop(answer, hand, now_s)
            case "lift":
                self._lift(answer, hand, now_s)
            case _ if hand is None:
                answer(False, LOST)
            case "disarm":
                self._taken_back_s = max(self._taken_back_s, asked_s)
                self._overtake("a DISARM")
                self._wait(word, answer, now_s + LIFE_S)
            case "arm":
                if self.estop:
                    answer(False, STOPPED)
                elif now_s - asked_s >= LIFE_S:
                    answer(False, TOO_OLD.format(now_s - asked_s))
                elif asked_s < self._taken_back_s:
                    answer(False, OVERTAKEN.format("a DISARM"))
                else:
                    self._wait(word, answer, asked_s + LIFE_S)

    def attend(self, hand: Hand, now_s: float) -> Order | None:
        """Each turn of the loop: gives the answers that are due, and says what the board must be told, if anything."""
        state = hand.state
        if self.estop and state is not State.ESTOP:
            self._give_up(hand, now_s)
            return Order.ESTOP
        order = None
        if self._waiting:
            order = self._answer_all(hand, state, now_s)
        if order is None and hand.streaming and not hand.busy and not hand.may_move and state in _MOVABLE:
            return Order.DISARM  # it moves, or would, and nobody here has the permission
        return order

    def lost(self) -> None:
        """The link is lost: nothing but an emergency stop, and its lifting, outlives that."""
        for asked in list(self._waiting):
            if asked.word != "lift":
                self._answer(asked, Outcome(False, STOP_REMEMBERED if asked.word == "estop" else LOST))

    def attend_without_hand(self, now_s: float) -> None:
        """Each turn without a link: a lift that waited for a board that did not come back gets its answer."""
        for asked in [asked for asked in self._waiting if now_s >= asked.until_s]:
            self._answer(asked, Outcome(True, LIFTED_LOST))

    def cannot_reset(self) -> None:
        """The board did not take Order.RESET: a person has to."""
        for asked in [asked for asked in self._waiting if asked.word == "lift"]:
            self._answer(asked, Outcome(True, POWER_CYCLE))

    # --- words --------------------------------------------------------------------------------------------

    def _stop(self, answer: Answer, hand: Hand | None, now_s: float) -> None:
        self.estop = True
        self._overtake("an emergency stop")
        for asked in [asked for asked in self._waiting if asked.word == "lift"]:
            self._answer(asked, Outcome(False, STOPPED_AGAIN))
        if hand is None:
            answer(False, STOP_REMEMBERED)
        else:
            self._waiting.append(_Asked("estop", now_s + LIFE_S, answer))

    def _lift(self, answer: Answer, hand: Hand | None, now_s: float) -> None:
        stopped, self.estop = self.estop or (hand is not None and hand.state is State.ESTOP), False
        if not stopped:
            answer(True, NOT_STOPPED)
        elif hand is None:
            answer(True, LIFTED_LOST)
        else:
            self._waiting.append(_Asked("lift", now_s + RESET_S, answer))

    def _wait(self, word: Word, answer: Answer, until_s: float) -> None:
        same = [asked for asked in self._waiting if asked.word == word]
        if len(same) < MAX_WAITING:
            self._waiting.append(_Asked(word, until_s, answer, sent=any(asked.sent for asked in same)))
        else:
            answer(False, TOO_MANY)

    def _overtake(self, by: str) -> None:
        for asked in [asked for asked in self._waiting if asked.word == "arm"]:
            self._answer(asked, Outcome(False, OVERTAKEN.format(by)))

    # --- answers ------------------------------------------------------------------------------------------

    def _answer(self, asked: _Asked, outcome: Outcome) -> None:
        self._waiting.remove(asked)
        asked.answer(*outcome)

    def _answer_all(self, hand: Hand, state: State | None, now_s: float) -> Order | None:
        withdraw, order = self._give_up(hand, now_s), None  # first: what is over leads to nothing more
        for asked in list(self._waiting):
            outcome, wanted = _RULES[asked.word](asked, hand, state)
            order = order or wanted
            if outcome is not None:
                self._answer(asked, outcome)
        return withdraw or order

    def _give_up(self, hand: Hand, now_s: float) -> Order | None:
        """Ends what has waited too long; an ARM that was sent and given up is withdrawn."""
        order = None
        for asked in [asked for asked in self._waiting if now_s >= asked.until_s]:
            if asked.word == "arm" and asked.sent and hand.busy:
                order = Order.WITHDRAW
            self._answer(asked, Outcome(asked.word == "lift", _too_late(asked.word, hand)))
        return order


_MOVABLE: Final = (State.ARMED, State.HOLD)
Step = tuple[Outcome | None, Order | None]


def _arm(asked: _Asked, hand: Hand, state: State | None) -> Step:
    outcome, order = None, None
    if state is State.ESTOP:
        outcome = Outcome(False, hand.explain())
    elif hand.busy or not hand.streaming or state is None:
        pass
    elif hand.may_move:  # ARMED, or HOLD: then it goes on or opens by the board's own rules, and this ARM is over
        outcome = Outcome(True, hand.explain())
    elif asked.sent:
        outcome = Outcome(False, f"The hand was not armed: {hand.refusal or 'the board disarmed it at once'}.")
    elif hand.decided and state is State.DISARMED:
        asked.sent, order = True, Order.ARM
    elif hand.decided and not asked.cleared:
        asked.cleared, order = True, Order.DISARM
    elif hand.decided:  # DISARM did not help: the cause of the fault is still there
        outcome = Outcome(False, hand.explain())
    return outcome, order


def _disarm(asked: _Asked, hand: Hand, state: State | None) -> Step:
    if state is State.ESTOP:
        return Outcome(False, hand.explain()), None
    if asked.sent and state is State.DISARMED and not hand.busy:
        return Outcome(True, hand.explain()), None
    if asked.sent:
        return None, None
    asked.sent = True
    return None, Order.DISARM


def _estop(_asked: _Asked, hand: Hand, state: State | None) -> Step:
    return (Outcome(True, hand.explain()) if state is State.ESTOP else None), None


def _lift(asked: _Asked, hand: Hand, state: State | None) -> Step:
    if state is State.ESTOP:
        order = None if asked.sent else Order.RESET
        asked.sent = True
        return None, order
    return (Outcome(True, LIFTED) if hand.streaming and state is State.DISARMED else None), None


_RULES: Final = {"arm": _arm, "disarm": _disarm, "estop": _estop, "lift": _lift}


def _too_late(word: Word, hand: Hand) -> str:
    if word == "arm":
        return f"The hand was not armed. {hand.refusal or hand.explain_withheld()}".strip()
    return POWER_CYCLE if word == "lift" else NO_ANSWER
