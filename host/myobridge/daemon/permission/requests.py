"""The I/O around `rules.py`: takes words from the feed, from signals and from `--arm`, and gives orders to the session.

It also has each emergency stop remembered (`estop_keeper.py`); only a person's order lifts one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final, cast

from myobridge.daemon.connection import Connection
from myobridge.daemon.permission.estop_keeper import Keeper
from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.daemon.permission.rules import LAUNCH_S, Answer, Order, Permission, Word
from myobridge.errors import UserError
from myobridge.feed.server import Ask
from myobridge.wire.messages import State
from myobridge.wire.session import Phase, SessionBroken

REPEAT_S: Final = 0.05
"""How often an ESTOP is repeated while the session is not up yet."""
FROZEN_S: Final = 0.5
"""A loop that did not turn for this long was stopped or starved, and cannot tell how old the waiting requests are."""
SETTLE_S: Final = 0.2
"""For this long after such a pause, old requests may still arrive."""
LATE_START: Final = (
    "The hand was not armed: --arm expired, because the stream started {:.0f} s after the launch; "
    "arm the hand in the view or with SIGUSR1."
)
FROZEN: Final = (
    "The hand was not armed: myobridge stood still for {:.1f} s and cannot tell how old the request is; try again."
)


class Requests:
    """Passes words to `Permission`, and its orders to the session."""

    def __init__(self, port: str, tell: Callable[[str], None], *, launched_s: float | None) -> None:
        """tell: gets sentences for people; launched_s: when a run with `--arm` was launched, else None."""
        self._port = port
        self._tell = tell
        self._launched_s = launched_s
        self._permission = Permission()
        self._keeper = Keeper(EstopMemory(port), tell)
        self._signalled: list[tuple[Word, float]] = []
        self._repeat_s = 0.0
        self._polled_s = -math.inf
        self._frozen_until_s = -math.inf
        self._stood_s = 0.0
        self._lifted_boot: int | None = None

    @property
    def estop(self) -> bool:
        """An emergency stop is in force."""
        return self._permission.estop

    def signalled(self, word: Word) -> None:
        """Takes a word from a signal handler, which may interrupt any line here."""
        self._signalled.append((word, time.monotonic()))

    def connected(self) -> None:
        """Looks up the board's remembered stop after the port was opened; this may be another board."""
        self._keeper.memory = EstopMemory(self._port)
        try:
            remembered = self._keeper.memory.said
        except UserError as error:
            self._tell(str(error))
            remembered = True
        if self.estop and not remembered:
            self._keeper.remember()
        self._permission.estop |= remembered

    def take(self, ask: Ask, connection: Connection | None, now_s: float) -> None:
        """Takes a request from the feed."""
        asked_s = min(ask.request.asked_s or now_s, now_s)
        self._ask(cast(Word, ask.request.do), ask.answer, connection, asked_s, now_s)

    def poll(self, connection: Connection | None, now_s: float) -> None:
        """Takes the signals' words and the disk's results; called every POLL_S, also without a connection."""
        if now_s - self._polled_s > FROZEN_S and math.isfinite(self._polled_s):
            self._stood_s, self._frozen_until_s = now_s - self._polled_s, now_s + SETTLE_S
        self._polled_s = now_s
        if connection is None:
            self._permission.attend_without_hand(now_s)
        while self._signalled:
            word, asked_s = self._signalled.pop(0)
            self._ask(word, self._told, connection, min(asked_s, now_s), now_s)
        for answer, problem in self._keeper.lifted():
            if problem:
                answer(False, problem)
            else:
                self._lifted_boot = connection.session.boot_id if connection else None
                self._permission.ask("lift", answer, connection, now_s, now_s)

    def attend(self, connection: Connection, now_s: float) -> None:
        """Sends the board the order that is due; called on each turn.

        Raises:
            SessionBroken: the order was a reset.
        """
        state = connection.state
        if state is State.ESTOP and not self.estop and connection.session.boot_id != self._lifted_boot:
            self._permission.estop = True  # somebody else stopped the hand
            self._keeper.remember()
        if self._launched_s is not None and connection.session.phase is Phase.STREAMING:
            since_s, self._launched_s = self._launched_s, None
            if now_s - since_s <= LAUNCH_S:
                self._permission.ask("arm", self._told, connection, now_s, now_s)
            else:
                self._tell(LATE_START.format(now_s - since_s))
        order = self._permission.attend(connection, now_s)
        if order is not None:
            self._obey(order, connection, now_s)

    def lost(self) -> None:
        """Ends the words that need the link, which is lost."""
        self._permission.lost()

    def close(self) -> None:
        """Waits for the disk, for KEEP_S at most."""
        self._keeper.close()

    def _told(self, ok: bool, text: str) -> None:
        """Answers a person at the terminal, who sees a success in the notices."""
        if not ok:
            self._tell(text)

    def _ask(self, word: Word, answer: Answer, connection: Connection | None, asked_s: float, now_s: float) -> None:
        if word in ("disarm", "estop"):
            self._launched_s = None
        if word == "estop":
            self._keeper.remember()
        if word == "lift":
            self._keeper.lift(answer)
        elif word == "arm" and connection is not None and now_s < self._frozen_until_s:
            answer(False, FROZEN.format(self._stood_s))
        else:
            self._permission.ask(word, answer, connection, asked_s, now_s)

    def _obey(self, order: Order, connection: Connection, now_s: float) -> None:
        session = connection.session
        match order:
            case Order.ARM:
                session.request_arm()
            case Order.DISARM:
                session.request_disarm()
            case Order.WITHDRAW:
                session.withdraw_arm("the board did not answer in time")
            case Order.ESTOP if not session.stopping and now_s >= self._repeat_s:
                self._repeat_s = now_s + REPEAT_S
                session.request_estop()
            case Order.RESET if connection.reset_board():
                raise SessionBroken("The board was reset.")  # nothing more may reach its boot loader
            case Order.RESET:
                self._permission.cannot_reset()
