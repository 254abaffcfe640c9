"""The simulated hand: source → firmware → line → pty, paced by the sample clock."""

from __future__ import annotations

import secrets
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from myobridge.feed.tap import HandSnapshot, HandTap
from myobridge.recording.npz_file import save_npz
from myobridge.simulator.emg_source import EmgSource
from myobridge.simulator.fault_orders import FaultInbox
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.line_faults import FaultyLine, LineFaults
from myobridge.simulator.pty_port import PtyPort
from myobridge.simulator.synth import SynthSource
from myobridge.wire.emg import BITS_PER_BYTE
from myobridge.wire.messages import BAUD, State

LONGEST_SLEEP_S: Final = 0.02
SHORT_SLEEP_S: Final = 0.001
RX_BUFFER_BYTES: Final = 256
ROW_S: Final = 0.02
"""Interval between rows of the trace."""


@dataclass
class Trace:
    """The servos over time: one row every ROW_S while the board streams."""

    sample: list[int] = field(default_factory=list)
    state: list[int] = field(default_factory=list)
    applied_deg: list[list[float]] = field(default_factory=list)
    truth_deg: list[list[float]] = field(default_factory=list)

    def add(self, firmware: SimulatedFirmware) -> None:
        """Appends the servos' angles and the true angles."""
        safety = firmware.safety
        if not safety.streaming:
            return
        truth = firmware.truth_deg
        self.append(
            firmware.samples_taken,
            safety.state,
            [angle / 100 for angle in safety.applied],
            [float("nan")] * len(safety.applied) if truth is None else truth.tolist(),
        )

    def append(self, sample: int, state: int, applied_deg: list[float], truth_deg: list[float]) -> None:
        """Appends one row."""
        self.sample.append(sample)
        self.state.append(state)
        self.applied_deg.append(applied_deg)
        self.truth_deg.append(truth_deg)

    def save(self, path: Path) -> Path:
        """Writes the rows as arrays of an .npz; the path written.

        Raises:
            UserError: the file cannot be written.
        """
        arrays: dict[str, NDArray[Any]] = {
            "sample": np.array(self.sample, np.int64),
            "state": np.array(self.state, np.uint8),
            "applied_deg": np.array(self.applied_deg, np.float32).reshape(-1, 5),
            "truth_deg": np.array(self.truth_deg, np.float32).reshape(-1, 5),
        }
        return save_npz(path, arrays)

    def mae_deg(self) -> float | None:
        """Mean absolute error of the servos against the true angles while armed; None: not armed, or angles unknown."""
        armed = np.array(self.state) == State.ARMED
        if not armed.any():
            return None
        error = np.abs(np.array(self.applied_deg)[armed] - np.array(self.truth_deg)[armed])
        return None if np.isnan(error).any() else round(float(error.mean()), 2)


class Downlink:
    """The line from the host: a port takes bytes faster than the board's line carries them."""

    def __init__(self, port: PtyPort, baud: int = BAUD) -> None:
        self._port = port
        self._byte_s = BITS_PER_BYTE / baud
        self._carried_until_s = 0.0

    def read(self, now_s: float) -> bytes:
        """What has arrived since the last call, at most what the board's receive buffer holds."""
        begins_s = max(self._carried_until_s, now_s - RX_BUFFER_BYTES * self._byte_s)
        data = self._port.read(round((now_s - begins_s) / self._byte_s))
        self._carried_until_s = begins_s + len(data) * self._byte_s
        return data

    def full(self, now_s: float) -> bool:
        """It has carried all that it could: more may wait in the port."""
        return self._carried_until_s > now_s - SHORT_SLEEP_S


class SimulatedHand:
    """Firmware, line and port of one simulated hand.

    front_end: the board tells when an electrode is off the skin.
    """

    def __init__(
        self, source: EmgSource, port: PtyPort, faults: LineFaults, seed: int, *, front_end: bool = False
    ) -> None:
        self.port = port
        self.trace = Trace()
        self.tap: HandTap | None = None
        self.orders: FaultInbox | None = None
        self._source, self._front_end = source, front_end
        self.firmware = self._switched_on()
        self._downlink = Downlink(port)
        self._faults = faults
        self._up, self._down = FaultyLine(faults, seed=2 * seed), FaultyLine(faults, seed=2 * seed + 1)
        self._stopping = False
        self._plugged = True

    def run(self, seconds: float | None) -> None:
        """Runs until it is stopped, until the recording ends, or for `seconds`."""
        signal.signal(signal.SIGINT, self._signalled)
        signal.signal(signal.SIGTERM, self._signalled)
        began_s = time.monotonic()
        next_row_s = began_s
        try:
            while not self._stopping:
                now_s = time.monotonic()
                if seconds is not None and now_s - began_s >= seconds:
                    return
                self._plug_or_unplug(now_s - began_s)
                self._exchange(now_s, now_s - began_s)
                if now_s >= next_row_s:
                    next_row_s += ROW_S
                    self.trace.add(self.firmware)
                    self._suffer()
                    self._show()
                sleep_s = min(self.firmware.next_event_s() - time.monotonic(), LONGEST_SLEEP_S)
                if self._downlink.full(now_s):
                    time.sleep(SHORT_SLEEP_S)
                elif self._plugged:
                    self.port.wait(sleep_s)
                else:
                    time.sleep(max(0.0, sleep_s))
        except EOFError:
            return
        finally:
            if self._plugged:
                self.port.unplug()

    def _suffer(self) -> None:
        """Lets the faults that were ordered begin or end."""
        if self.orders is None:
            return
        before = self.orders.on
        if not self.orders.take():
            return
        if isinstance(self._source, SynthSource):
            self._source.suffer(self.orders.on)
        if "power" in self.orders.on - before:
            self.firmware = self._switched_on()

    def _switched_on(self) -> SimulatedFirmware:
        lead_off = self._electrode_is_off if self._front_end else None
        return SimulatedFirmware(self._source, boot_id=secrets.randbelow(1 << 16), lead_off=lead_off)

    def _electrode_is_off(self) -> bool:
        return self.orders is not None and "electrode" in self.orders.on

    def _show(self) -> None:
        if self.tap is None:
            return
        safety, truth = self.firmware.safety, self.firmware.truth_deg
        self.tap.send(
            HandSnapshot(
                truth_deg=[] if truth is None else truth.tolist(),
                applied_deg=[angle / 100 for angle in safety.applied],
                state=safety.state,
                reason=safety.reason,
            )
        )

    def _exchange(self, now_s: float, elapsed_s: float) -> None:
        arrived = self._down.apply(self._downlink.read(now_s), elapsed_s) if self._plugged else b""
        self.firmware.receive(arrived, now_s)
        self.firmware.advance(now_s)
        sent = self._up.apply(self.firmware.outgoing(now_s), elapsed_s)
        if sent and self._plugged:
            self.port.write(sent)

    def _plug_or_unplug(self, elapsed_s: float) -> None:
        pulled = self.orders is not None and not self.orders.on.isdisjoint(("cable", "power"))
        unplugged = pulled or self._faults.unplugged(elapsed_s)
        if unplugged and self._plugged:
            self.port.unplug()
        elif not unplugged and not self._plugged:
            self.port.plug()
        self._plugged = not unplugged

    def _signalled(self, _signal: int, _frame: FrameType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends `run`; may be called from a signal handler or another thread."""
        self._stopping = True

    def summary(self) -> dict[str, Any]:
        """Summary of what the hand received and did."""
        safety = self.firmware.safety
        return {
            "samples_taken": self.firmware.samples_taken,
            "state": safety.state.name,
            "reason": safety.reason.name.lower(),
            "range_rejects": safety.range_rejects,
            "stale_rejects": safety.stale_rejects,
            "setpoint_age_ms": self.firmware.setpoint_age.summary_ms(),
            "mae_deg": self.trace.mae_deg(),
        }
