"""The wearer's orders beside ARM, DISARM and ESTOP: presses of the button, the calibration, and undo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

from myobridge.calibration.morning import texts
from myobridge.calibration.morning.button import Mark, PressReader
from myobridge.calibration.morning.calibrator import Calibrator
from myobridge.calibration.morning.compute import Undo
from myobridge.calibration.morning.own_model import is_shipped, own_model
from myobridge.calibration.sound.player import Sound
from myobridge.calibration.sound.tones import Tone
from myobridge.daemon.connection import Connection
from myobridge.daemon.model_swap import ModelSwap
from myobridge.daemon.permission.requests import Requests
from myobridge.daemon.permission.rules import LOST, Answer
from myobridge.errors import UserError
from myobridge.feed.calibration_state import CalibrationState
from myobridge.feed.messages import Morning as Order
from myobridge.feed.messages import Request
from myobridge.feed.server import OpenRequest
from myobridge.settings import PressAsks, Settings

TONES: Final = {Mark.DOWN: Tone.DOWN, Mark.LONG: Tone.LONG, Mark.LONGEST: Tone.LONGEST, Mark.STUCK: Tone.STUCK}


class Morning:
    """What the button and the page may ask for, one thing at a time."""

    def __init__(
        self,
        requests: Requests,
        swap: ModelSwap,
        settings: Settings,
        tell: Callable[[str], None],
        running: Callable[[], Path],
        note: Callable[[str], None],
    ) -> None:
        """tell, note: get sentences for people, for the diary; running: the file of the model that the daemon runs."""
        self._requests, self._swap, self._table, self._tell = requests, swap, settings.button, tell
        self._running = running
        self._mine = own_model(running())
        self.sound = Sound(tell, on=settings.sound.on)

        def ended(text: str) -> None:
            tell(text)
            note(text)

        self.calibrator = Calibrator(requests, swap, settings, self.sound, ended)
        self._reader = PressReader(self._table)
        self._connection: Connection | None = None
        self._undo: tuple[Undo, Answer] | None = None
        self._spent = False
        """The press under way has ended a calibration."""

    def close(self) -> None:
        """Ends the sound and a calibration under way."""
        self.calibrator.lost()
        self.sound.close()

    def state(self, now_s: float) -> CalibrationState:
        """The calibration, for the snapshot."""
        return self.calibrator.state(now_s)

    def changed_model(self) -> None:
        """Another model has been chosen; the next calibration begins with it, and the next start uses the result.

        So a shipped model becomes a generation of the wearer's own model, and two hands never share a file.
        """
        if not is_shipped(self._running()):
            self._mine = own_model(self._running())

    def take(self, opened: OpenRequest, connection: Connection | None, now_s: float) -> None:
        """Takes a request of the feed that is a `Morning`."""
        request = opened.request
        asked_s = min(request.asked_s or now_s, now_s)
        self._order(cast(Order, request.do), opened.answer, connection, asked_s, now_s)

    def choose(self, opened: OpenRequest, connection: Connection | None) -> None:
        """Begins to load another model, but not under a calibration."""
        if self.calibrator.running:
            opened.answer(False, texts.RUNS_ALREADY)
        elif self._undo is not None:
            opened.answer(False, texts.UNDOES)
        else:
            self._swap.begin(opened, connection)

    def attend(self, connection: Connection | None, now_s: float) -> None:
        """Reads the button, and lets a calibration or an undo go on; called on each turn."""
        if connection is not self._connection:
            self._connection, self._reader = connection, PressReader(self._table)
        if connection is not None and connection.session.status is not None:
            self._read_button(connection, now_s)
        self.calibrator.attend(connection, now_s)
        if self._undo is not None and (said := self._undo[0].over()) is not None:
            self._undone(*said, connection)

    def _read_button(self, connection: Connection, now_s: float) -> None:
        assert connection.session.status is not None
        presses = self._reader.look(connection.session.status)
        if presses.began:
            self._spent = self.calibrator.pressed()
            self._requests.pressed(now_s)
        if presses.mark is not None and not self._spent:  # two beeps promise a calibration at the release
            self.sound.play(TONES[presses.mark])
        if presses.asks is not None and not self._spent:
            self._pressed(presses.asks, connection, now_s)

    def _pressed(self, asks: PressAsks, connection: Connection, now_s: float) -> None:
        if asks == "arm":
            self._requests.arm(connection)
        elif asks != "nothing":
            self._order(asks, self._told, connection, now_s, now_s)

    def _told(self, ok: bool, text: str) -> None:
        """Answers the person at the button."""
        self._tell(text)
        if not ok:
            self.sound.play(Tone.FAILED, text)

    def _order(self, do: Order, answer: Answer, connection: Connection | None, asked_s: float, now_s: float) -> None:
        calibrator = self.calibrator
        match do:
            case "calibrate" if self._undo is not None:  # it would begin with one model, and the hand run another
                answer(False, texts.UNDOES)
            case "calibrate":
                calibrator.calibrate(self._running(), self._mine, answer, connection, asked_s, now_s)
            case "redo":
                calibrator.redo(answer, now_s)
            case "pause":
                calibrator.pause(answer, now_s)
            case "stop":
                calibrator.stop(answer)
            case "undo":
                self._begin_undo(answer, connection)

    def _begin_undo(self, answer: Answer, connection: Connection | None) -> None:
        if self.calibrator.running or self._undo is not None or self._swap.busy:
            answer(False, texts.RUNS_ALREADY)
        elif connection is None:
            answer(False, LOST)
        elif connection.may_be_moving:
            answer(False, texts.MUST_DISARM)
        elif self._running().absolute() != self._mine and self._mine.is_file():  # a shipped model was chosen
            self._take_over(lambda ok, why: answer(ok, texts.OWN_BACK if ok else why), texts.OWN_BACK, connection)
        else:
            undo = Undo(self._mine)
            try:
                undo.begin()
            except UserError as error:
                answer(False, str(error))
                return
            self._undo = undo, answer

    def _undone(self, ok: bool, text: str, connection: Connection | None) -> None:
        """The earlier model is in place; the daemon takes it over."""
        assert self._undo is not None
        answer, self._undo = self._undo[1], None
        if not ok:
            answer(False, text)
            return
        self._take_over(lambda ok, why: answer(ok, text if ok else f"{text} {why}"), text, connection)

    def _take_over(self, answer: Answer, words: str, connection: Connection | None) -> None:
        """Lets the daemon change to the wearer's own model."""

        def swapped(ok: bool, why: str) -> None:
            answer(ok, why)
            if ok:
                self.sound.play(Tone.DONE, words)

        self._swap.begin(OpenRequest(Request(id=1, do="model", path=str(self._mine)), swapped), connection)
