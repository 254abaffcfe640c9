"""What people ask of a running daemon, by signal or through the feed, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from myobridge.connection import Connection
from myobridge.explain import explain_state
from myobridge.feed.server import Ask
from myobridge.wire import messages as m

MAX_WAITING: Final = 16
LIMIT_S: Final = 3.0
"""A request that came to nothing in this time is given up: nobody wants a hand that arms when he has turned away."""
LOST_TEXT: Final = "The hand is not connected; it is being looked for."


class Outcome(NamedTuple):
    """The answer to a request."""

    ok: bool
    text: str


class _Waiting(NamedTuple):
    """A request whose outcome is not known yet."""

    ask: Ask
    until_s: float


class Control:
    """Asks the session, and answers when the hand has done it, has refused or has not answered."""

    def __init__(self, tell: Callable[[str], None], *, arm: bool) -> None:
        """`tell` gets sentences for people; arm: ask for it as soon as there is something to say to the hand."""
        self._tell = tell
        self._arm_wanted = arm
        self._disarm_wanted = False
        self._estop_wanted = False
        self._refusal = ""
        self._waiting: list[_Waiting] = []

    def arm(self) -> None:
        """Asks for permission to move once there is something to say."""
        self._arm_wanted = True
        self._refusal = ""

    def disarm(self) -> None:
        """Takes the permission back."""
        self._arm_wanted, self._disarm_wanted = False, True

    def estop(self) -> None:
        """Cuts the pulses until the device is reset; asked again after a lost link, until the hand says that it did."""
        self._arm_wanted, self._estop_wanted = False, True

    def take(self, ask: Ask, connection: Connection | None, now_s: float) -> None:
        """Takes a request from the feed. Without a hand nothing but an emergency stop is remembered."""
        if connection is None:
            self._estop_wanted |= ask.request.do == "estop"
            ask.answer(False, LOST_TEXT)
            return
        match ask.request.do:
            case "arm":
                self.arm()
            case "disarm":
                self.disarm()
            case "estop":
                self.estop()
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(_Waiting(ask, now_s + LIMIT_S))
        else:
            ask.answer(False, "The hand was asked; too many wait for its answer already.")

    def attend(self, connection: Connection, now_s: float) -> None:
        """Each turn: sends what is wanted, and answers what has come of it."""
        session = connection.session
        if self._estop_wanted:
            self._estop_wanted = session.status is None or session.status.state != m.State.ESTOP
            if self._estop_wanted and not session.stopping:
                session.request_estop()
        if self._disarm_wanted:
            self._disarm_wanted = False
            session.request_disarm()
        if self._arm_wanted and connection.arm():
            self._arm_wanted = False
            self._tell("")
        if session.arm_refusal:
            self._refusal = f"The hand was not armed: {session.arm_refusal}."
            session.arm_refusal = ""
            self._tell(self._refusal)
        if self._waiting:
            self._answer(connection, now_s)

    def lost(self) -> None:
        """The link is lost: nothing is armed by itself, and nothing can be done for those who wait."""
        self._arm_wanted = self._disarm_wanted = False
        for waiting in self._waiting:
            waiting.ask.answer(False, LOST_TEXT)
        self._waiting.clear()

    def _answer(self, connection: Connection, now_s: float) -> None:
        for waiting in list(self._waiting):
            outcome = self._outcome(waiting.ask.request.do, connection)
            if outcome is None and now_s > waiting.until_s:
                outcome = self._give_up(waiting.ask.request.do, connection)
            if outcome is not None:
                waiting.ask.answer(*outcome)
                self._waiting.remove(waiting)

    def _outcome(self, do: str, connection: Connection) -> Outcome | None:
        status = connection.session.status
        if status is None or connection.session.busy:
            return None
        state = m.State(status.state)
        explained = explain_state(state, m.Reason(status.reason))
        if state is m.State.ESTOP:
            return Outcome(do == "estop", explained)
        if do == "arm":
            if self._refusal:
                return Outcome(False, self._refusal)
            return Outcome(True, explained) if connection.session.may_move else None
        return Outcome(True, explained) if do == "disarm" and state is m.State.DISARMED else None

    def _give_up(self, do: str, connection: Connection) -> Outcome:
        if do == "arm":
            self._arm_wanted = False
            return Outcome(False, f"The hand was not armed. {connection.explain_withheld()}".strip())
        return Outcome(False, "The hand did not answer: switch its servo power off.")
