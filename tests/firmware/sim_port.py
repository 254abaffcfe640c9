"""A serial port with a board behind it as it is sold, in simulated time: boot loader, DTR, USB bridge and its delay.

What opens it is the host's own code, with this port in place of `SerialLink` and the simulator's clock in place of the
wall's; so an opening takes a fraction of a second of real time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from unittest import mock

import numpy as np
from sim_hand import CPU_HZ, Kind, SimHand, build_firmware

from myobridge.simulator.real_firmware import LOADERS, build_loader
from myobridge.wire.link import DTR_S

STEP_S: Final = 0.001
ELF_OF: Final = {loader: board for board, loaders in LOADERS.items() for loader in loaders}


class SimPort:
    """The port, and the link on it while it is open. `DTR` is low until the first opening, as after plugging in.

    delay_s: how long the USB bridge keeps what the board says; an opening does not empty it.
    """

    def __init__(self, hand: SimHand, delay_s: float) -> None:
        self.hand = hand
        self.delay_s = delay_s
        self.dtr = self.hupcl = False
        self.write_drops = 0
        self.called = False
        self._data = np.empty(0, np.uint8)
        self._ends = np.empty(0, np.uint64)
        self._wake_at = 1

    @property
    def now_s(self) -> float:
        return self.hand.cycle / CPU_HZ

    def sleep(self, seconds: float) -> None:
        """Time passes on the board."""
        self.hand.run_ms(1000 * seconds)
        sent = self.hand.events(Kind.TX)
        self.hand.forget()
        self._data = np.append(self._data, sent["value"].astype(np.uint8))
        self._ends = np.append(self._ends, sent["cycle"])

    # ---- what Linux does ----

    def open(self, *_port_and_baud: object) -> SimPort:
        self._take()
        self._set_dtr(True)
        self.hupcl = False  # as SerialLink leaves it
        return self

    def close(self) -> None:
        self._set_dtr(not self.hupcl)

    def reset_board(self) -> bool:
        self._set_dtr(False)
        self.sleep(DTR_S)
        self._set_dtr(True)
        return True

    def _set_dtr(self, level: bool) -> None:
        if level and not self.dtr:
            self.hand.command("reset")
        self.dtr = level

    # ---- as SerialLink ----

    def wake_at(self, waiting: int) -> None:
        self._wake_at = waiting

    def heed(self, caller: int) -> None:
        pass  # nobody calls

    def wait(self, timeout_s: float, *, deaf: bool = True) -> bool:
        until_s = self.now_s + max(timeout_s, STEP_S)
        while self._waiting() < self._wake_at and self.now_s < until_s:
            self.sleep(STEP_S)
        return self._waiting() >= self._wake_at

    def read(self) -> bytes:
        return self._take()

    def write(self, frame: bytes) -> bool:
        self.hand.send(frame)
        return True

    def _waiting(self) -> int:
        return int(np.searchsorted(self._ends, self.hand.cycle - self.delay_s * CPU_HZ, side="right"))

    def _take(self) -> bytes:
        count = self._waiting()
        taken, self._data, self._ends = self._data[:count], self._data[count:], self._ends[count:]
        return taken.tobytes()


@contextmanager
def port_of(loader: str, delay_s: float = 0.0) -> Iterator[SimPort]:
    """A board with this boot loader that has just been plugged in; the clock is its own."""
    board = ELF_OF[loader]
    with SimHand(build_firmware(board), board, loader=build_loader(loader)) as hand:
        port = SimPort(hand, delay_s)
        with mock.patch.object(time, "monotonic", lambda: port.now_s), mock.patch.object(time, "sleep", port.sleep):
            yield port


def replaced(module: str, port: SimPort) -> mock._patch[object]:
    """While this context lasts, `module` opens this port, whatever it asks for."""
    return mock.patch(f"{module}.SerialLink", port.open)
