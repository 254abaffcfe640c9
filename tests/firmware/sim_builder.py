"""`myobridge servos` in simulated time: a builder whose keys follow a script, a board, and its pulses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from sim_hand import CPU_HZ, Kind, SimHand, build_firmware
from sim_port import SimPort

from myobridge.calibration.servos.board import Board
from myobridge.calibration.servos.keys import Key
from myobridge.calibration.servos.look import Look
from myobridge.calibration.servos.run import Walk
from myobridge.settings import Settings
from myobridge.simulator.real_firmware import LOADERS, build_loader
from myobridge.wire.messages import WriteLimits

KEYBOARD_S: Final = 0.033
DELAY_S: Final = 0.4
"""From the press to the keyboard's first repeat."""


class PulsePort(SimPort):
    """The port, and every servo edge."""

    def __init__(self, hand: SimHand) -> None:
        super().__init__(hand, 0.0)
        self._edges: list[NDArray[Any]] = []
        self.at: list[tuple[float, Callable[[], object]]] = []
        """What happens to the board at a time."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        while self.at and self.at[0][0] <= self.now_s:
            self.at.pop(0)[1]()

    def pulses(self, servo: int) -> list[tuple[float, float]]:
        """Begin in seconds and width in us of each whole pulse of a servo."""
        edges = np.concatenate([e[e["index"] == servo] for e in self._edges])
        rise = np.flatnonzero(edges["value"][:-1] > 0)
        begun = edges["cycle"][rise].astype(float)
        ended = edges["cycle"][rise + 1].astype(float)
        return list(zip(begun / CPU_HZ, (ended - begun) * 1e6 / CPU_HZ, strict=True))

    def keep(self, edges: NDArray[Any]) -> None:
        self._edges.append(edges)


@dataclass(eq=False)
class Builder:
    """Presses keys at their times; an exception in the script is raised at its time."""

    port: PulsePort
    script: list[tuple[float, Key | type[Exception]]] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    pressed: list[tuple[float, Key]] = field(default_factory=list)
    _next_s: float = 0.0
    _began_s: float | None = None

    def wait(self, seconds: float) -> Self:
        self._next_s += seconds
        return self

    def press(self, *keys: Key) -> Self:
        for key in keys:
            self.script.append((self._next_s, key))
            self.wait(0.3)
        return self

    def hold(self, key: Key, seconds: float) -> Self:
        """A key that the keyboard repeats for so long."""
        self.script.append((self._next_s, key))
        self.wait(DELAY_S)
        for _ in range(round(seconds / KEYBOARD_S)):
            self.script.append((self._next_s, key))
            self.wait(KEYBOARD_S)
        return self

    def ends_by(self, error: type[Exception]) -> Self:
        self.script.append((self._next_s, error))
        return self

    # ---- as a terminal ----

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def wishes(self) -> list[Key]:
        if self._began_s is None:
            self._began_s = self.port.now_s
        keys: list[Key] = []
        while self.script and self.script[0][0] <= self.port.now_s - self._began_s:
            _, wish = self.script.pop(0)
            if not isinstance(wish, Key):
                raise wish
            self.pressed.append((self.port.now_s, wish))
            keys.append(wish)
        return keys

    def show(self, look: Look) -> None:
        self.looks.append(look)

    @property
    def said(self) -> str:
        """All sentences that were shown, each once."""
        return "\n".join(dict.fromkeys(look.note for look in self.looks))

    def walk(self, name: str) -> Board:
        """Runs the command's walk to its end; the board, which is closed."""
        board = Board(name, Settings())
        Walk(board, [self], [self]).run()
        return board


@contextmanager
def board_to_build(board: str, limits: WriteLimits | None) -> Iterator[PulsePort]:
    """A board that was just plugged in, with its own boot loader. limits: stored in it; None: its EEPROM is blank."""
    loader = build_loader(LOADERS[board][0])
    with SimHand(build_firmware(board), board, loader=loader, limits=limits) as hand:
        port = PulsePort(hand)
        forget = hand.forget

        def keep_and_forget() -> None:
            port.keep(hand.events(Kind.SERVO))
            forget()

        with (
            mock.patch.object(hand, "forget", keep_and_forget),
            mock.patch.object(time, "monotonic", lambda: port.now_s),
            mock.patch.object(time, "sleep", port.sleep),
            mock.patch("myobridge.calibration.servos.board.SerialLink", port.open),
        ):
            yield port


def still(pulses: list[tuple[float, float]], tolerance_us: float = 8.0) -> float:
    """When a servo was last told to be elsewhere than at the end; the uno's pulses spread a little."""
    last_us = pulses[-1][1]
    moving = [at_s for at_s, us in pulses if abs(us - last_us) > tolerance_us]
    return moving[-1] if moving else pulses[0][0]
