"""What must hold at all times, whatever happens: named predicates over what is said, done and seen.

A scene tells a `Watch` what happens as it happens; the first predicate that does not hold raises `Violated`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from myobridge.daemon.permission.rules import LOST
from myobridge.wire.messages import Reason, State

ARM_LIVES_S: Final = 3.0
LAUNCH_S: Final = 10.0
"""`--arm` is a word at the first stream, if that begins within this time of the launch."""
ESTOP_ARRIVES_S: Final = 0.5
FOUND_S: Final = 3.5
"""A daemon has noticed by then that a link is dead, and has opened the port again."""
STUCK_S: Final = 2.2
"""A decision is given up after 2 s; until then the loop answers nobody."""
ANSWERED_S: Final = {"arm": 4.0 + STUCK_S, "disarm": 4.0 + STUCK_S, "estop": 4.0, "lift": 9.0 + STUCK_S, "model": 12.0}
"""To lift a stop is to reset the board, which takes a while to start; a model is checked before it is taken."""
UNDER_WAY_S: Final = 0.1
"""Between a word and the board, or the board and an answer."""
STOOD_STILL_S: Final = 6.0
"""A simulated hand stands still for 5 s at most, and then obeys what its line holds: an ARM, and the DISARM behind it.
A board does not: its watchdog resets it after 0.12 s."""
STATUS_AGE_S: Final = 1.5
"""A daemon that hears nothing for a second gives the link up: no answer rests on older knowledge."""
COMMAND: Final = "command"
"""Who says something while no daemon runs."""


class Predicate(StrEnum):
    """The names."""

    ARMED_BY_A_WORD = "the hand is armed only within 3 s of a word for it"
    ESTOP_ARRIVES = "an ESTOP that was said is at the board within 0.5 s of the link being there"
    ESTOP_STAYS = "an ESTOP is lifted by a person alone"
    NO_PULSE_FOR_NOTHING = "no pulse without an accepted setpoint for longer than HOLD and RELAX allow"
    NO_OLD_SETPOINT = "no accepted setpoint is older than its bound"
    NO_BAD_ELECTRODE = "no accepted setpoint rests on a bad electrode"
    WITHIN_THE_SLEW = "no step exceeds the slew"
    NO_SWAP_IN_MOTION = "no swap happens under a moving hand"
    THE_DAEMON_LIVES = "the daemon lives, or ends only by what may end it"
    ORDERS_ARE_ANSWERED = "every order is answered"
    ANSWERS_ARE_TRUE = "no answer is untrue"


class Violated(BaseException):
    """No `except Exception` of the daemon's may take it."""

    def __init__(self, predicate: Predicate, how: str) -> None:
        super().__init__(f"{predicate.name}: {predicate.value}. {how}")
        self.predicate = predicate


@dataclass(eq=False)
class Word:
    """Somebody asked for something. awake_s: how long daemons had run by then."""

    t_s: float
    do: str
    by: str
    awake_s: float
    answered_s: float | None = None
    withdrawn: bool = False
    """Of an ARM that the board did not answer: DISARM has followed it on the line."""

    def __str__(self) -> str:
        answered = "" if self.answered_s is None else f", answered at {self.answered_s:.3f} s"
        return f"{self.do} by {self.by} at {self.t_s:.3f} s{answered}"


@dataclass
class Watch:
    """What has been said and seen so far."""

    now_s: float = 0.0
    awake_s: float = 0.0
    words: list[Word] = field(default_factory=list)
    estop: Word | None = None
    """The one that stands."""
    state: State = State.BOOT
    last_s: dict[State, float] = field(default_factory=dict)
    """When (in awake time) the hand was last in a state."""
    _waiting: list[Word] = field(default_factory=list)
    _lifting: Word | None = None
    """What stood before a person asked to lift it."""

    # --- what people say --------------------------------------------------------------------------------

    def word(self, do: str, by: str, *, answerable: bool = False) -> Word:
        """Somebody asks the daemon for something."""
        word = Word(self.now_s, do, by, self.awake_s)
        self.words = [*self.words[-40:], word]
        if answerable:
            self._waiting.append(word)
        if do == "estop" and self.estop is None:
            self.estop = word
        if do == "lift":
            self._lifting, self.estop = (self.estop or self._lifting) if answerable else None, None
        return word

    def unheard(self, word: Word) -> None:
        """The daemon was not reached: nothing was said."""
        self.unanswerable(word)
        if self.estop is word:
            self.estop = None

    def unanswerable(self, word: Word) -> None:
        """The asker has gone. Nobody learns whether a lift was granted, so the stop counts as lifted."""
        if word in self._waiting:
            self._waiting.remove(word)
        if word.do == "lift":
            self._lifting = None

    def answered(self, word: Word, ok: bool, text: str) -> None:
        """The daemon answers."""
        if word in self._waiting:
            self._waiting.remove(word)
        word.answered_s = self.now_s
        word.withdrawn = not ok and ("did not answer" in text or text == LOST)
        if word.do == "lift":
            self._lift_answered(ok)
        wanted = {"arm": (State.ARMED, State.HOLD), "disarm": (State.DISARMED,), "estop": (State.ESTOP,)}.get(word.do)
        if ok and wanted:
            seen_s = max(self.last_s.get(state, float("-inf")) for state in wanted)
            if self.awake_s - seen_s > STATUS_AGE_S:
                raise Violated(Predicate.ANSWERS_ARE_TRUE, f"{word}: {text!r}, and the hand is {self.state.name}")

    def _lift_answered(self, ok: bool) -> None:
        """A refused lift leaves the stop in force, unless another lift is still on its way."""
        if ok:
            self._lifting = None
        elif not any(word.do == "lift" for word in self._waiting):
            self.estop, self._lifting = self.estop or self._lifting, None

    def daemon_ended(self) -> None:
        """Nobody is left who would answer; what it may not have read was not said."""
        self._waiting.clear()
        word = self.estop
        if word is None or word.answered_s is not None or word.by == COMMAND:
            return
        if self.awake_s - word.awake_s < UNDER_WAY_S:
            self.estop = None

    # --- what is seen -----------------------------------------------------------------------------------

    def passed(
        self, now_s: float, *, awake: bool, linked_since_s: float | None, in_order_since_s: float | None
    ) -> None:
        """Time has passed. linked: the daemon has the port open, and line and hand work. in order: the last two."""
        self.awake_s += (now_s - self.now_s) * awake
        self.now_s = now_s
        self.last_s[self.state] = self.awake_s
        if self.estop is not None and self.state is not State.ESTOP:
            for since_s, most_s in ((linked_since_s, ESTOP_ARRIVES_S), (in_order_since_s, FOUND_S)):
                if since_s is not None and now_s - max(since_s, self.estop.t_s) > most_s:
                    how = f"{self.estop}; the link is there since {since_s:.3f} s, the hand is {self.state.name}"
                    raise Violated(Predicate.ESTOP_ARRIVES, how)
        for word in self._waiting:
            if self.awake_s - word.awake_s > ANSWERED_S[word.do]:
                raise Violated(Predicate.ORDERS_ARE_ANSWERED, f"{word} is not")

    def hand(self, state: State, reason: Reason) -> None:
        """The hand's state, after each change."""
        if state is State.ARMED and reason is Reason.HOST_ARMED and self.state is not State.ARMED:
            self._armed()
        self.state = state
        self.last_s[state] = self.awake_s

    def passed_through(self, state: State) -> None:
        """The hand came into a state, maybe for one frame of a line that held ARM and DISARM."""
        self.last_s[state] = self.awake_s

    def _armed(self) -> None:
        if self.estop is not None and self.now_s - self.estop.t_s > ESTOP_ARRIVES_S:
            raise Violated(Predicate.ESTOP_STAYS, f"{self.estop}; armed at {self.now_s:.3f} s")
        if not any(self._lives(word) for word in self.words):
            said = "; ".join(map(str, self.words[-4:])) or "nobody said anything"
            raise Violated(Predicate.ARMED_BY_A_WORD, f"Armed at {self.now_s:.3f} s; {said}")

    def _lives(self, word: Word) -> bool:
        """This word may arm the hand now."""
        if word.do != "arm":
            return False
        if not word.withdrawn and self.now_s - word.t_s > ARM_LIVES_S + UNDER_WAY_S:
            return False
        over_s = STOOD_STILL_S if word.withdrawn else UNDER_WAY_S
        if word.answered_s is not None and self.now_s - word.answered_s > over_s:
            return False
        later = self.words[self.words.index(word) + 1 :]
        return not any(w.do in ("disarm", "estop") and self.awake_s - w.awake_s > UNDER_WAY_S for w in later)
