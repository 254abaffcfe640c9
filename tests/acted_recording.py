"""A recording of movements that the hand itself shows, in virtual time: board, button, wearer and recorder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import pytest

from lockstep import BEGIN_S
from myobridge.calibration import byte_source, follow_on_hand
from myobridge.calibration.follow_on_hand import ActingHand, OnTheHand, for_the_hand
from myobridge.calibration.look import Look
from myobridge.calibration.plan import Stage, Timing, Walk, schedule_movements
from myobridge.calibration.poses import load_poses
from myobridge.calibration.recorder import GuidedRecording
from myobridge.channels import spec_for
from myobridge.feed import port_stream
from myobridge.recording import Header, RecordingWriter
from myobridge.recording.movement import Movement
from myobridge.settings import Settings
from myobridge.wire.messages import Permission, State

TURN_S: Final = 0.005
PRESS_S: Final = 0.2


class Board(Protocol):
    """The board at the other end of the line."""

    def exchange(self, data: bytes, now_s: float) -> bytes:
        """Takes bytes from the host; gives the bytes that the line has carried back by now."""

    def press(self, down: bool) -> None:
        """Closes or opens the contact of the button."""


class Wire:
    """The line, and whoever presses the button; time passes only while the recorder waits."""

    def __init__(self, board: Board) -> None:
        self.board, self.now_s = board, BEGIN_S
        self.each_turn: Callable[[], None] = lambda: None
        self._to_board = self._to_host = b""
        self.pressed_until_s = 0.0

    def press(self) -> None:
        self.pressed_until_s = self.now_s + PRESS_S
        self.board.press(True)

    def monotonic(self) -> float:
        return self.now_s

    def write(self, data: bytes) -> bool:
        self._to_board += data
        return True

    def wait(self, seconds: float) -> bool:
        if not seconds:
            return False
        self.now_s += min(seconds, TURN_S)
        if self.pressed_until_s and self.now_s >= self.pressed_until_s:
            self.board.press(False)
        self._to_host += self.board.exchange(self._to_board, self.now_s)
        self._to_board = b""
        self.each_turn()
        return bool(self._to_host)

    def read(self) -> bytes:
        data, self._to_host = self._to_host, b""
        return data

    def close(self) -> None:
        pass


class Page:
    """Nobody looks at the page."""

    def tell(self, prompt: object) -> None:
        pass

    def leave(self) -> None:
        pass


class Row(NamedTuple):
    """What the board said in a STATUS."""

    t_s: float
    state: State
    permission: Permission
    applied_deg: tuple[float, ...]


class ActedRecording:
    """One recording; the wearer presses the button whenever the screen asks for it. It is its own screen."""

    interactive = True

    def __init__(self, board: Board, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, str(folder))
        self.path, self.wire = folder / "f.myo", Wire(board)
        time = SimpleNamespace(monotonic=self.wire.monotonic)
        for module in (byte_source, follow_on_hand, port_stream):
            monkeypatch.setattr(module, "time", time)
        monkeypatch.setattr(byte_source, "SerialLink", lambda _port, _baud: self.wire)
        self.keys: Callable[[Look], str] = lambda _look: ""
        self.each_turn: Callable[[], None] = lambda: None
        self.presses = 0
        self.looks: list[Look] = []
        self.rows: list[Row] = []
        self.seen: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
        """Of each newest STATUS during a movement: the shown angles, and those of the hand."""
        self._new = False

    def run(self, movements: tuple[Movement, ...], timing: Timing) -> None:
        self.hand = ActingHand("P", spec_for(2000.0, 4), Settings())
        self.wire.each_turn = self._turn
        shown = for_the_hand(movements, self.hand.config, timing)
        walk = Walk(schedule_movements(shown, timing.repetitions, seed=1), timing)
        header = Header(ident=self.hand.ident, config=self.hand.config, movements=shown)
        try:
            with RecordingWriter(self.path, header) as writer:
                on_hand, clock = OnTheHand(self.hand, walk), self.wire.monotonic
                audience: Any = Page()
                rest = load_poses()[0]
                self.outcome = GuidedRecording(self.hand, writer, walk, rest, self, audience, clock, on_hand).run()
        finally:
            self.hand.close()

    def _turn(self) -> None:
        status = self.hand._status
        if status is not None and (not self.rows or status is not self._status):
            self._status = status
            applied_deg = tuple(cdeg / 100 for cdeg in status.applied_cdeg)
            self.rows.append(Row(self.wire.now_s, State(status.state), Permission(status.permission), applied_deg))
            if self.looks and self.looks[-1].stage is Stage.HOLD:
                self.seen.append((self.looks[-1].coming_deg, applied_deg))
        self.each_turn()

    @property
    def armed_s(self) -> list[float]:
        """How long each permission lasted that the board gave."""
        rows = [row for row in self.rows if row.state is State.ARMED]
        assert {row.permission for row in rows} == {Permission.GUIDE}
        times = np.array([row.t_s for row in rows])
        return [float(part[-1] - part[0]) for part in np.split(times, np.flatnonzero(np.diff(times) > 0.15) + 1)]

    # --- the screen ---------------------------------------------------------------------------------------

    def __enter__(self) -> ActedRecording:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def given_back(self) -> Any:
        raise AssertionError("Nobody presses Ctrl-Z in these recordings.")

    def show(self, look: Look) -> None:
        self.looks.append(look)
        self._new = True
        if look.stage is Stage.PAUSED and self.wire.now_s > self.wire.pressed_until_s + 1:
            assert "Press the button on the hand" in look.text
            self.presses += 1
            self.wire.press()

    def pressed(self) -> str:
        pressed = self.keys(self.looks[-1]) if self._new else ""
        self._new = False
        return pressed
