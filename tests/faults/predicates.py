"""The predicates that must hold at all times, over commands, answers and the hand's behaviour.

A scene reports everything to a `Watch` as it happens; the first predicate that does not hold raises `Violated`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from myobridge.daemon.permission.rules import LOST
from myobridge.wire.messages import Reason, State

ARM_LIVES_S: Final = 3.0
LAUNCH_S: Final = 10.0
"""`--arm` is a command at the first stream, if the stream begins within this time of the launch."""
ESTOP_ARRIVES_S: Final = 0.5
FOUND_S: Final = 3.5
"""By then a daemon has noticed that a link is dead, and has opened the port again."""
STUCK_S: Final = 2.2
"""A decision is given up after 2 s; until then the loop answers nobody."""
ANSWERED_S: Final = {"arm": 4.0 + STUCK_S, "disarm": 4.0 + STUCK_S, "estop": 4.0, "lift": 9.0 + STUCK_S, "model": 12.0}
"""A lift resets the board, which takes a while to start; a model is checked before it is used."""
UNDER_WAY_S: Final = 0.1
"""Between a command and the board, or between the board and an answer."""
STORED_S: Final = 0.3
"""The disk takes up to 50 ms for each of several writes; a stop that nobody has confirmed may be lost until then."""
STOOD_STILL_S: Final = 6.0
"""A simulated hand freezes for 5 s at most, and then obeys the line's content: an ARM, and the DISARM behind it.
A board does not, because its watchdog resets it after 0.12 s."""
STATUS_AGE_S: Final = 1.5
"""A daemon that hears nothing for a second gives up the link: no answer relies on an older STATUS."""
COMMAND_LINE: Final = "command line"
"""The author of commands while no daemon runs."""


class Predicate(StrEnum):
    """The names and the predicates."""

    ARMED_BY_A_COMMAND = "the hand is armed only within 3 s of an ARM"
    ESTOP_ARRIVES = "an ESTOP reaches the board within 0.5 s of a working link"
    ESTOP_STAYS = "only a person lifts an ESTOP"
    NO_PULSE_WITHOUT_SETPOINT = "no pulse without an accepted setpoint for longer than HOLD and RELAX allow"
    NO_OLD_SETPOINT = "no accepted setpoint is older than its bound"
    NO_BAD_ELECTRODE = "no accepted setpoint comes from a bad electrode"
    WITHIN_THE_SLEW = "no step exceeds the slew"
    NO_SWAP_IN_MOTION = "no swap happens under a moving hand"
    THE_DAEMON_LIVES = "the daemon lives, or ends only for a valid reason"
    COMMANDS_ARE_ANSWERED = "every command is answered"
    ANSWERS_ARE_TRUE = "no answer is untrue"


class Violated(BaseException):
    """Not an Exception, so that no `except Exception` of the daemon catches it."""

    def __init__(self, predicate: Predicate, how: str) -> None:
        super().__init__(f"{predicate.name}: {predicate.value}. {how}")
        self.predicate = predicate


@dataclass(eq=False)
class Command:
    """A command from somebody. awake_s: how long daemons had run by then."""

    t_s: float
    do: str
    by: str
    awake_s: float
    answered_s: float | None = None
    withdrawn: bool = False
    """An ARM that the board did not answer; DISARM has followed it on the line."""

    def __str__(self) -> str:
        answered = "" if self.answered_s is None else f", answered at {self.answered_s:.3f} s"
        return f"{self.do} by {self.by} at {self.t_s:.3f} s{answered}"


@dataclass
class Watch:
    """The commands, answers and states so far."""

    now_s: float = 0.0
    awake_s: float = 0.0
    commands: list[Command] = field(default_factory=list)
    estop: Command | None = None
    """The ESTOP in force."""
    state: State = State.BOOT
    last_s: dict[State, float] = field(default_factory=dict)
    """When (in awake time) the hand was last in a state."""
    _waiting: list[Command] = field(default_factory=list)
    _lifting: Command | None = None
    """The ESTOP that a person asked to lift."""

    # --- what people say --------------------------------------------------------------------------------

    def command(self, do: str, by: str, *, answerable: bool = False) -> Command:
        """Somebody gives the daemon a command."""
        command = Command(self.now_s, do, by, self.awake_s)
        self.commands = [*self.commands[-40:], command]
        if answerable:
            self._waiting.append(command)
        if do == "estop" and self.estop is None:
            self.estop = command
        if do == "lift":
            self._lifting, self.estop = (self.estop or self._lifting) if answerable else None, None
        return command

    def unheard(self, command: Command) -> None:
        """The command did not reach the daemon, so it does not count."""
        self.unanswerable(command)
        if self.estop is command:
            self.estop = None

    def unanswerable(self, command: Command) -> None:
        """The asker is gone. Nobody learns whether a lift was granted, so the stop counts as lifted."""
        if command in self._waiting:
            self._waiting.remove(command)
        if command.do == "lift":
            self._lifting = None

    def answered(self, command: Command, ok: bool, text: str) -> None:
        """The daemon answers."""
        if command in self._waiting:
            self._waiting.remove(command)
        command.answered_s = self.now_s
        command.withdrawn = not ok and ("did not answer" in text or text == LOST)
        if command.do == "lift":
            self._lift_answered(ok)
        wanted = {"arm": (State.ARMED, State.HOLD), "disarm": (State.DISARMED,), "estop": (State.ESTOP,)}
        if ok and command.do in wanted:
            seen_s = max(self.last_s.get(state, float("-inf")) for state in wanted[command.do])
            if self.awake_s - seen_s > STATUS_AGE_S:
                raise Violated(Predicate.ANSWERS_ARE_TRUE, f"{command}: {text!r}, and the hand is {self.state.name}")

    def _lift_answered(self, ok: bool) -> None:
        """A refused lift leaves the stop in force, unless another lift is still on its way."""
        if ok:
            self._lifting = None
        elif not any(command.do == "lift" for command in self._waiting):
            self.estop, self._lifting = self.estop or self._lifting, None

    def daemon_ended(self) -> None:
        """Nobody can answer any more; a command that the daemon may not have read does not count."""
        self._waiting.clear()
        command = self.estop
        if command is None or command.answered_s is not None or command.by == COMMAND_LINE:
            return
        if self.awake_s - command.awake_s < STORED_S:
            self.estop = None

    # --- what is seen -----------------------------------------------------------------------------------

    def passed(
        self, now_s: float, *, awake: bool, linked_since_s: float | None, in_order_since_s: float | None
    ) -> None:
        """Time has passed. in order: line and hand work; linked: and the daemon has the port open."""
        self.awake_s += (now_s - self.now_s) * awake
        self.now_s = now_s
        self.last_s[self.state] = self.awake_s
        if self.estop is not None and self.state is not State.ESTOP:
            for since_s, most_s in ((linked_since_s, ESTOP_ARRIVES_S), (in_order_since_s, FOUND_S)):
                if since_s is not None and now_s - max(since_s, self.estop.t_s) > most_s:
                    how = f"{self.estop}; the link is there since {since_s:.3f} s, the hand is {self.state.name}"
                    raise Violated(Predicate.ESTOP_ARRIVES, how)
        for command in self._waiting:
            if self.awake_s - command.awake_s > ANSWERED_S[command.do]:
                raise Violated(Predicate.COMMANDS_ARE_ANSWERED, f"{command} is not answered")

    def hand(self, state: State, reason: Reason) -> None:
        """Takes the hand's state after each change."""
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
        if not any(self._lives(command) for command in self.commands):
            said = "; ".join(map(str, self.commands[-4:])) or "nobody gave a command"
            raise Violated(Predicate.ARMED_BY_A_COMMAND, f"Armed at {self.now_s:.3f} s; {said}")

    def _lives(self, command: Command) -> bool:
        """Whether this command may arm the hand now."""
        if command.do != "arm":
            return False
        if not command.withdrawn and self.now_s - command.t_s > ARM_LIVES_S + UNDER_WAY_S:
            return False
        over_s = STOOD_STILL_S if command.withdrawn else UNDER_WAY_S
        if command.answered_s is not None and self.now_s - command.answered_s > over_s:
            return False
        later = self.commands[self.commands.index(command) + 1 :]
        return not any(w.do in ("disarm", "estop") and self.awake_s - w.awake_s > UNDER_WAY_S for w in later)
