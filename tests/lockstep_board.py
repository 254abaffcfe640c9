"""The real firmware in lock-step with a daemon: the ELF for the board, in its cycle-accurate simulator."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lockstep import BEGIN_S
from myobridge.simulator.board_folder import board_folder
from myobridge.simulator.emg_source import EmgSource
from myobridge.simulator.real_firmware import RealFirmwareHand

sys.path.insert(0, str(Path(__file__).parent / "firmware"))
from sim_hand import CPU_HZ, EVENT, Kind, SimHand, build_firmware

STEP_S = 0.001
START_UP_S = 0.1
"""While the board starts up, it does not receive."""
USB_START_UP_S = 0.3
"""With the time that a host takes to know the device."""


class LockStepBoard:
    """A `lockstep.Board` whose inputs carry `seconds` of the source."""

    def __init__(self, board: str, source: EmgSource, seconds: float) -> None:
        counts, self._truth_deg = source.read(round(seconds * source.fs_hz))
        self._reckoner = RealFirmwareHand(board, source, None)
        shift = source.adc_bits - board_folder(board).adc_bits
        counts = counts >> shift if shift > 0 else counts << -shift
        self._sim = SimHand(build_firmware(board), board, counts)
        folder = board_folder(board)
        usb_ms = 1000 * USB_START_UP_S + folder.facts["loader_ms"]
        self._sim.run_ms(usb_ms if folder.is_usb else 1000 * START_UP_S)
        self._began_cycle = self._sim.cycle
        self._now_s = BEGIN_S
        self._events: list[NDArray[np.void]] = []
        self._unsent = b""

    def __enter__(self) -> Self:
        self._sim.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sim.__exit__(kind, error, trace)

    def exchange(self, data: bytes, now_s: float) -> bytes:
        if data:
            self._sim.send(data)
        self._now_s = now_s
        cycle = self._began_cycle + round((now_s - BEGIN_S) * CPU_HZ)
        events = np.frombuffer(self._sim.command(f"run {cycle}"), EVENT)
        self._events.append(events)
        self._unsent += events["value"][events["kind"] == Kind.TX].astype(np.uint8).tobytes()
        frames, zero, self._unsent = self._unsent.rpartition(b"\0")
        return frames + zero

    def next_s(self) -> float:
        return self._now_s + STEP_S

    def press(self, down: bool) -> None:
        """Closes or opens the contact of the button."""
        self._sim.press(down)

    def truth_deg(self, sample: int) -> tuple[float, ...]:
        """The fingers' true angles at a sample."""
        assert self._truth_deg is not None
        return tuple(self._truth_deg[min(sample, len(self._truth_deg) - 1)].tolist())

    def summary(self) -> dict[str, Any]:
        """Summary, computed as by `myobridge simulate --firmware`."""
        truth = [] if self._truth_deg is None else [self._truth_deg]
        self._reckoner._reckon(np.concatenate(self._events), SimpleNamespace(truth_deg=truth))
        return self._reckoner.summary()
