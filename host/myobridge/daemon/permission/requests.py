"""The I/O around `rules.py`: takes commands from the feed, from signals and from `--arm`; the session acts.

It also has each emergency stop remembered (`estop_writer.py`); only a person lifts one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final, NamedTuple, cast

from myobridge.daemon.connection import Connection
from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.daemon.permission.estop_writer import EstopWriter
from myobridge.daemon.permission.hand import Action
from myobridge.daemon.permission.leases import Leases
from myobridge.daemon.permission.rules import LAUNCH_S, OUTDATED, STOP_REMEMBERED, Answer, Permission
from myobridge.errors import UserError
from myobridge.feed.messages import LEASE_S, MORNING, Command
from myobridge.feed.server import OpenRequest
from myobridge.wire.handshake import Phase, SessionBroken
from myobridge.wire.messages import Permission as Permit
from myobridge.wire.messages import State

REPEAT_S: Final = 0.05
"""How often an ESTOP is repeated while the session is not up yet."""
FROZEN_S: Final = 0.5
"""A loop that did not turn for this long was stopped or starved, and cannot tell how old the waiting requests are."""
SETTLE_S: Final = 0.2
"""For this long after such a pause, old requests may still arrive."""
STORED_S: Final = 0.6
"""The answer to an ESTOP waits this long for the disk at most; a view remembers a stop that is not answered in 1 s."""
NOT_STORED: Final = (
    "The hand is not connected, and the disk has not stored the emergency stop; switch the servo power off, and "
    "check the disk."
)
LATE_START: Final = (
    "The hand was not armed: --arm expired, because the stream started {:.0f} s after the launch; "
    "arm the hand in the view or with SIGUSR1."
)
FROZEN: Final = (
    "The hand was not armed: myobridge stood still for {:.1f} s and cannot tell how old the request is; try again."
)

VIEW_LOST: Final = (
    f"A view whose page had control was gone for {LEASE_S:.0f} s, so the hand was disarmed; open the page again."
)
AGED: Final = ("calibrate", "redo", "undo", "model")
"""Orders beside ARM that are refused when they are old; `stop` and `pause` are not, because they end a motion."""


class _Held(NamedTuple):
    """The outcome of an ESTOP whose answer waits for the disk."""

    stop: int
    until_s: float
    answer: Answer
    ok: bool
    text: str


class Requests:
    """Passes commands to `Permission`, and carries out its actions."""

    def __init__(self, port: str, tell: Callable[[str], None], *, launched_s: float | None) -> None:
        """tell: gets sentences for people; launched_s: when a run with `--arm` was launched, else None."""
        self._port = port
        self._tell = tell
        self._launched_s = launched_s
        self._permission = Permission()
        self._writer = EstopWriter(EstopMemory(port), tell)
        self._signalled: list[tuple[Command, float]] = []
        self._held: list[_Held] = []
        self._leases = Leases()
        self._repeat_s = 0.0
        self._polled_s = -math.inf
        self._frozen_until_s = -math.inf
        self._stood_s = 0.0
        self._lifted_boot: int | None = None

    @property
    def estop(self) -> bool:
        """An emergency stop is in force."""
        return self._permission.estop

    # --- for a calibration and for the button -------------------------------------------------------------

    @property
    def calibrating(self) -> bool:
        """A calibration is under way."""
        return self._permission.calibrating

    @calibrating.setter
    def calibrating(self, under_way: bool) -> None:
        if self.calibrating and not under_way:
            self.changed("a calibration ended")
        self._permission.calibrating = under_way

    @property
    def times_taken_back(self) -> int:
        """How many DISARMs, ESTOPs and presses of the button have arrived."""
        return self._permission.times_taken_back

    def act(self, answer: Answer, connection: Connection | None, asked_s: float, now_s: float) -> None:
        """Lets the hand show poses, if whoever asked at `asked_s` could have armed it."""
        if connection is not None and now_s < self._frozen_until_s:
            answer(False, FROZEN.format(self._stood_s))
        else:
            self._permission.ask("act", answer, connection, asked_s, now_s)

    def end_act(self) -> None:
        """The hand need not show poses any more; it is disarmed."""
        self._permission.end_act()

    def pressed(self, now_s: float) -> None:
        """The button on the hand was pressed, so everything that was asked for earlier is over."""
        self._launched_s = None
        self._permission.pressed(now_s)

    def arm(self, connection: Connection) -> None:
        """Arms the hand for a person at the hand: after a press of the button, or after a calibration."""
        now_s = time.monotonic()
        self._ask("arm", self._told, connection, now_s, now_s)

    def changed(self, why: str) -> None:
        """The situation has changed, so what was asked for before is over. why: a clause."""
        self._launched_s = None
        self._permission.changed(why, time.monotonic(), "arm", "act")

    # --- for the daemon -----------------------------------------------------------------------------------

    def admits(self, opened: OpenRequest, now_s: float) -> bool:
        """Whether a request of the feed is about the present situation; answers it otherwise.

        Every order beside ARM ends an ARM that waits, because the person now wants something else.
        """
        request = opened.request
        asked_s = min(request.asked_s or now_s, now_s)
        if request.control is not None and self._leases.renew(*request.control, now_s):
            self._launched_s = None
            self._permission.changed("another page has control", asked_s, "arm", "act")
        if request.do == "control":
            opened.answer(True, "")
            return False
        if request.do in AGED and (why := self._outdated(asked_s, now_s)):
            opened.answer(False, why)
            return False
        if request.do in (*MORNING, "model"):
            self._launched_s = None
            self._permission.changed("another order came", asked_s, "arm")
        return True

    def _outdated(self, asked_s: float, now_s: float) -> str:
        if now_s < self._frozen_until_s:
            return OUTDATED.format(f"myobridge stood still for {self._stood_s:.1f} s")
        return self._permission.outdated(asked_s, now_s)

    def signalled(self, command: Command) -> None:
        """Takes a command from a signal handler, which may interrupt any line here."""
        self._signalled.append((command, time.monotonic()))

    def connected(self) -> None:
        """Looks up the board's remembered stop after the port was opened; this may be another board."""
        self._writer.memory = EstopMemory(self._port)
        try:
            remembered = self._writer.memory.said
        except UserError as error:
            self._tell(str(error))
            remembered = True
        if self.estop and not remembered:
            self._writer.remember()
        self._permission.estop |= remembered

    def take(self, opened: OpenRequest, connection: Connection | None, now_s: float) -> None:
        """Takes a request from the feed."""
        request = opened.request
        asked_s = min(request.asked_s or now_s, now_s)
        self._ask(cast(Command, request.do), opened.answer, connection, asked_s, now_s)

    def poll(self, connection: Connection | None, now_s: float) -> None:
        """Takes the signals' commands and the disk's results; called every POLL_S, also without a connection."""
        if now_s - self._polled_s > FROZEN_S and math.isfinite(self._polled_s):
            self._stood_s, self._frozen_until_s = now_s - self._polled_s, now_s + SETTLE_S
        self._polled_s = now_s
        if connection is None:
            self._permission.attend_without_hand(now_s)
        while self._signalled:
            command, asked_s = self._signalled.pop(0)
            self._ask(command, self._told, connection, min(asked_s, now_s), now_s)
        self._answer_stored(now_s)
        for answer, problem in self._writer.lifted():
            if problem:
                answer(False, problem)
            else:
                self._lifted_boot = connection.session.boot_id if connection else None
                self._permission.ask("lift", answer, connection, now_s, now_s)

    def attend(self, connection: Connection, now_s: float) -> None:
        """Carries out the action that is due; called on each turn.

        Raises:
            SessionBroken: the action was a reset.
        """
        state = connection.state
        if self._leases.lost(now_s):
            self._tell(VIEW_LOST)
            self._ask("disarm", self._told, connection, now_s, now_s)
        if state is State.ESTOP and not self.estop and connection.session.boot_id != self._lifted_boot:
            self._permission.estop = True  # somebody else stopped the hand
            self._writer.remember()
        if self._launched_s is not None and connection.session.phase is Phase.STREAMING:
            since_s, self._launched_s = self._launched_s, None
            if now_s - since_s <= LAUNCH_S:
                self._permission.ask("arm", self._told, connection, now_s, now_s)
            else:
                self._tell(LATE_START.format(now_s - since_s))
        action = self._permission.attend(connection, now_s)
        if action is not None:
            self._obey(action, connection, now_s)

    def lost(self) -> None:
        """Ends the commands that need the link, which is lost."""
        self._permission.lost()

    def close(self) -> None:
        """Waits for the disk, for KEEP_S at most."""
        self._writer.close()
        self._answer_stored(math.inf)

    def _told(self, ok: bool, text: str) -> None:
        """Answers a person at the terminal, who sees a success in the notices."""
        if not ok:
            self._tell(text)

    def _ask(
        self, command: Command, answer: Answer, connection: Connection | None, asked_s: float, now_s: float
    ) -> None:
        if command in ("disarm", "estop"):
            self._launched_s = None
        if command == "estop":
            answer = self._once_stored(answer, self._writer.remember(), now_s + STORED_S)
        if command == "lift":
            self._launched_s = None
            if why := self._permission.outdated_lift(asked_s, now_s):
                answer(False, why)
            else:
                self._writer.lift(answer)
        elif command == "arm" and connection is not None and now_s < self._frozen_until_s:
            answer(False, FROZEN.format(self._stood_s))
        else:
            self._permission.ask(command, answer, connection, asked_s, now_s)

    def _once_stored(self, answer: Answer, stop: int, until_s: float) -> Answer:
        """An answer to an ESTOP that waits for the disk: a kill after the answer does not lose the stop."""
        return lambda ok, text: self._held.append(_Held(stop, until_s, answer, ok, text))

    def _answer_stored(self, now_s: float) -> None:
        """Gives the answers to ESTOPs that the disk has, or has not taken in time."""
        for held in list(self._held):
            stored = self._writer.stored(held.stop)
            if stored or now_s >= held.until_s:
                self._held.remove(held)
                held.answer(held.ok, held.text if stored or held.text != STOP_REMEMBERED else NOT_STORED)

    def _obey(self, action: Action, connection: Connection, now_s: float) -> None:
        session = connection.session
        match action:
            case Action.ARM:
                session.request_arm()
            case Action.ACT:
                session.request_arm(Permit.GUIDE)
            case Action.DISARM:
                session.request_disarm()
            case Action.WITHDRAW:
                session.withdraw_arm("the board did not answer in time")
            case Action.ESTOP if not session.stopping and now_s >= self._repeat_s:
                self._repeat_s = now_s + REPEAT_S
                session.request_estop()
            case Action.RESET if connection.reset_board():
                raise SessionBroken("The board was reset.")  # nothing more may reach its boot loader
            case Action.RESET:
                self._permission.cannot_reset()
