"""The walk in real time: keys and STATUS into the guide, its orders and setpoints to the board."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Final, Protocol, Self

from myobridge.calibration.servos.board import UNCONFIRMED, Board, has_let_go
from myobridge.calibration.servos.guide import Guide, Order
from myobridge.calibration.servos.keys import Key, TerminalLost
from myobridge.calibration.servos.look import Look, look_at
from myobridge.calibration.servos.screen import Screen
from myobridge.errors import UserError
from myobridge.wire.messages import State, Status

SHOW_S: Final = 0.1
LOOK_UP_S: Final = 0.1
"""How often to look whether somebody else has stopped the hand."""
ENDED_BY: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGQUIT)
"""Ctrl-C, an end, a closed terminal, Ctrl-Z, Ctrl-\\: nobody is at the keys any more."""
WHY: Final = {
    State.HOLD: "This computer was too slow for a moment, so the servo stands still; wait a second.",
    State.RELAX: "This computer was too slow, so the pulses are off: press a to go on.",
    State.FAULT: "The servo supply is low or the board stopped sampling, so the pulses are off: press a to go on.",
}


class Wishes(Protocol):
    """Where a person's keys come from. It is a context."""

    def __enter__(self) -> Self:
        """Begins to listen."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends listening."""

    def wishes(self) -> list[Key]:
        """The keys since the last call.

        Raises:
            TerminalLost: nobody is at the keys any more.
        """


class Ended(Exception):
    """A signal ended the walk."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def _signals(heard: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, heard) for number in ENDED_BY}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Walk:
    """One walk. Whatever ends it, the hand is disarmed."""

    def __init__(self, board: Board, inputs: Sequence[Wishes], screens: Sequence[Screen]) -> None:
        """A page is both an input and a screen."""
        self._board = board
        self._inputs = inputs
        self._screens = screens
        self._guide = Guide(board.held)
        self._over = False
        self._signal = 0
        self._look: Look | None = None
        self._show_s = self._look_up_s = 0.0
        self._status: Status | None = None
        self._refusal = ""

    def run(self) -> None:
        """Walks until the person leaves.

        Raises:
            Ended: a signal came.
            UserError: the terminal or the board is lost, or the hand was stopped.
        """
        try:
            with ExitStack() as taken, _signals(self._hear):
                contexts: list[Screen | Wishes] = [*self._screens, *self._inputs]
                for context in dict.fromkeys(contexts):
                    taken.enter_context(context)
                try:
                    self._walk()
                finally:
                    confirmed = self._board.close()
        except TerminalLost as lost:
            if not confirmed:
                raise UserError(UNCONFIRMED.format(self._board.port)) from lost
            raise UserError("The terminal is gone, so the hand was disarmed; start `myobridge servos` again.") from lost
        if not confirmed:
            raise UserError(UNCONFIRMED.format(self._board.port))
        if self._signal:
            raise Ended(self._signal)

    def _walk(self) -> None:
        self._board.start()
        while not self._over and not self._signal:
            self._board.turn()
            now_s = time.monotonic()
            self._hear_board(now_s)
            for source in self._inputs:
                for key in source.wishes():
                    self._obey(self._guide.press(key, now_s))
            self._obey(self._guide.advance(now_s))
            self._board.setpoint(self._guide.target_cdeg, now_s)
            self._look_up(now_s)
            self._show(now_s)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number

    def _hear_board(self, now_s: float) -> None:
        status, before = self._board.status, self._status
        if status is None:
            return
        self._status = status
        self._guide.board_is(status.state, status.applied_cdeg, now_s)
        if status.state == State.ESTOP:
            self._stop()
        if status.state in WHY and (before is None or status.state != before.state):
            self._guide.note = WHY[State(status.state)]
        if status is not before and has_let_go(status):
            self._board.disarm()
        if self._board.refusal != self._refusal:
            self._refusal = self._board.refusal
            self._guide.note = f"The board does not arm the hand: {self._refusal}." if self._refusal else ""

    def _obey(self, order: Order | None) -> None:
        match order:
            case Order.ARM:
                self._refusal = ""
                self._board.arm()
            case Order.DISARM:
                self._board.disarm()
            case Order.ESTOP:
                self._stop()
            case Order.SAVE:
                self._save()
            case Order.END:
                self._over = True

    def _stop(self) -> None:
        """Stops the hand and ends the walk.

        Raises:
            UserError: always: the hand is stopped, or the board did not confirm the stop.
        """
        raise UserError(
            self._board.estop()
            or "The hand is in emergency stop and its pulses are off; make the hand safe, then lift the stop: "
            f"`myobridge lift-estop --port {self._board.port}`."
        )

    def _look_up(self, now_s: float) -> None:
        """Obeys a person who stopped the hand elsewhere, with `myobridge estop`."""
        if now_s >= self._look_up_s:
            self._look_up_s = now_s + LOOK_UP_S
            if self._board.stop_is_remembered:
                self._stop()

    def _save(self) -> None:
        try:
            self._board.save(self._guide.limits())
        except UserError as error:
            self._guide.note = str(error)
            return
        self._guide.stored(self._board.held)
        self._guide.note = "Saved in the board and read back. The pulses are off."

    def _show(self, now_s: float) -> None:
        if now_s < self._show_s:
            return
        self._show_s = now_s + SHOW_S
        look = look_at(self._guide, self._board.port, None if self._status is None else self._status.state)
        for screen in self._screens:
            screen.show(look)
