"""The hands at the far end of the cable, in real time: simulated firmware, and real firmware in its simulator."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from itertools import count
from pathlib import Path

import neighbours  # noqa: F401
import numpy as np
from cable import hurry, writable
from numpy.typing import ArrayLike, NDArray
from sim_hand import EVENT, Kind, cycles_of_ms, symbols, us
from sim_measure import PULSE_0_US, PULSE_180_US, pulses

from children import children_of
from myobridge.simulator.board_folder import FIRMWARE, board_folder
from myobridge.simulator.emg_source import EmgSource
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.limits import WIDE, eeprom_image
from myobridge.simulator.real_firmware import Feeder, build, build_loader
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder

WAVE_S = 2.0
PULSE_SPAN_US = PULSE_180_US - PULSE_0_US
NEVER = 1 << 62
HANG_MS = 150
"""A hang has ended by then, because the watchdog resets the board."""
HUM_HZ = 50.0
RAILS_HZ = 83.0
SPARE_INPUTS = 2


class Waving:
    """Fingers that close and open endlessly, so that the hand never stands still for long."""

    def angles_deg(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Angles (n, 5), the same for all fingers."""
        wave = 90 - 90 * np.cos(2 * np.pi * np.asarray(t_s, np.float64) / WAVE_S)
        return np.repeat(wave[:, None], m.SERVOS, axis=1)


class Loop:
    """Repeats a stretch of another source, made in advance, so that the cable's thread has time for the cable.

    Beside its electrodes are inputs to which nothing is connected.
    """

    def __init__(self, source: EmgSource, seconds: float) -> None:
        self.fs_hz, self.channels, self.adc_bits = source.fs_hz, source.channels + SPARE_INPUTS, source.adc_bits
        counts, self._truth = source.read(round(seconds * source.fs_hz))
        self._counts = np.pad(counts, ((0, 0), (0, SPARE_INPUTS)))
        self._at = 0

    def read(self, samples: int) -> tuple[NDArray[np.int16], NDArray[np.float32] | None]:
        rows = np.arange(self._at, self._at + samples) % len(self._counts)
        self._at += samples
        return self._counts[rows], None if self._truth is None else self._truth[rows]


class TroubledSource:
    """Another source whose first electrode may go bad. trouble: empty, or one of `TROUBLES`."""

    def __init__(self, source: EmgSource) -> None:
        self.fs_hz, self.channels, self.adc_bits = source.fs_hz, source.channels, source.adc_bits
        self.trouble = ""
        self._source = source
        self._taken = 0

    def read(self, samples: int) -> tuple[NDArray[np.int16], NDArray[np.float32] | None]:
        counts, truth = self._source.read(samples)
        t_s = (self._taken + np.arange(samples)) / self.fs_hz
        self._taken += samples
        if self.trouble:
            counts = counts.copy()
            counts[:, 0] = TROUBLES[self.trouble](t_s, 2 ** (self.adc_bits - 1) - 1)
        return counts, truth


TROUBLES = {
    "flat": lambda t_s, _top: 0 * t_s,
    "saturated": lambda t_s, top: np.where(np.sin(2 * np.pi * RAILS_HZ * t_s) > 0, top, -top - 1),
    "mains": lambda t_s, top: top / 2 * np.sin(2 * np.pi * HUM_HZ * t_s),
}


class SimulatedDevice:
    """The simulated firmware; a reset makes a new one with another boot_id."""

    def __init__(self, source: EmgSource, seed: int = 1) -> None:
        self._largest_step_cdeg = 0
        self._source = source
        self._seeds = count(seed)
        self.reset()

    def reset(self) -> None:
        """Resets the board like its button; only the cable's thread may call it."""
        self.firmware = SimulatedFirmware(self._source, next(self._seeds))
        safety = self.firmware.safety
        move = safety.servo_period

        def watched() -> None:
            before = safety.applied
            move()
            step = max(abs(a - b) for a, b in zip(safety.applied, before, strict=True))
            self._largest_step_cdeg = max(self._largest_step_cdeg, step)

        safety.servo_period = watched

    def fileno(self) -> None:
        """It becomes active when time has passed."""
        return

    def exchange(self, data: bytes, now_s: float) -> bytes:
        self.firmware.receive(data, now_s)
        return self.firmware.outgoing(now_s)

    def next_s(self) -> float:
        return self.firmware.next_event_s()

    def close(self) -> None:
        """Nothing to do."""

    def largest_step_us(self) -> float:
        """Largest change of any servo's pulse from one period to the next."""
        return self._largest_step_cdeg / m.ANGLE_MAX_CDEG * PULSE_SPAN_US


class BoardDevice:
    """The image that is flashed, in real time, with its own virtual serial port. `events` are complete after `close`.

    Each reset of an Arduino starts in the boot loader that the board is sold with.
    """

    def __init__(self, board: str, source: EmgSource, folder: Path) -> None:
        self.board = board
        image, simulator = build(board)
        of_board = board_folder(board)
        self.elf = FIRMWARE / of_board.elf
        self._trace, pipe = folder / "trace", folder / "emg"
        os.mkfifo(pipe)
        command = [*simulator, image, "--realtime", "--emg", pipe, "--trace", self._trace]
        eeprom = folder / "eeprom"
        eeprom.write_bytes(eeprom_image(WIDE))
        command += ["--channels", str(source.channels), "--eeprom", eeprom]
        command += ["--loader", build_loader(board)] if of_board.family == "avr" else []
        self._process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        Feeder(source, pipe, of_board.adc_bits)
        word, port = self._answer().split()
        assert word == "port"
        # The simulator of the RP2040 is a process behind another one, which opens the port.
        for pid in (self._process.pid, *children_of(self._process.pid)):
            hurry(pid)
        self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._unsent = self._whole = b""
        self._asking = threading.Lock()

    def _answer(self) -> str:
        return self._process.stdout.readline().decode()

    def command(self, line: str) -> int:
        """Sends the simulator a command (firmware/sim/README.md); returns the cycle at which it took effect."""
        with self._asking:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
            word, cycle, size = self._answer().split()
            assert word == "ok", line
            self._process.stdout.read(int(size))
        return int(cycle)

    def reset(self) -> None:
        """Presses the reset button."""
        self.command("reset")

    def poke(self, symbol: str, data: bytes, offset: int = 0) -> int:
        """Writes to a variable of the firmware."""
        return self.command(f"poke {symbols(self.elf)[symbol] + offset} {data.hex()}")

    def fileno(self) -> int:
        """Its virtual serial port."""
        return self._fd

    def exchange(self, data: bytes, _now_s: float) -> bytes:
        self._unsent = writable(self._fd, self._unsent + data)
        try:
            self._whole += os.read(self._fd, 65536)
        except BlockingIOError:
            return b""
        frames, zero, self._whole = self._whole.rpartition(b"\0")
        return frames + zero

    def next_s(self) -> float:
        """The simulator says when."""
        return float("inf")

    def close(self) -> None:
        """Switches the board off."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(10)
        os.close(self._fd)
        self._process.stdin.close()
        self._process.stdout.close()

    def events(self, kind: Kind, since: int = 0) -> NDArray[np.void]:
        """All events of one kind from cycle `since` on, in order, as in SimHand; the newest may be incomplete."""
        everything = np.fromfile(self._trace, EVENT)
        return everything[(everything["kind"] == kind) & (everything["cycle"] >= since)]

    def heard(self, kind: int) -> int:
        """Cycle at which the newest message of a type had arrived."""
        received = self.events(Kind.RX)
        data, frames, start, newest = received["value"].astype(np.uint8).tobytes(), FrameDecoder(), 0, 0
        while (end := data.find(0, start)) >= 0:
            if any(frame[0] == kind for frame in frames.feed(data[start : end + 1])):
                newest = int(received["cycle"][end])
            start = end + 1
        return newest

    def largest_step_us(self) -> float:
        """Largest change of any servo's pulse from one period to the next, measured at the pins.

        Left out: pulses that a hang or a reset cut short or long, and the first one after a pause.
        """
        resets = self.events(Kind.RESET)["cycle"].astype(np.int64)
        largest = 0
        for servo in range(m.SERVOS):
            rises, widths = pulses(self, servo)
            ends = rises + widths
            before_reset = np.min(np.where(resets >= ends[:, None], resets - ends[:, None], NEVER), axis=1)
            whole = (widths <= cycles_of_ms(m.PULSE_MAX_US / 1000 + 0.1)) & (before_reset > cycles_of_ms(HANG_MS))
            next_one = np.diff(rises) < cycles_of_ms(1.5 * m.SERVO_PERIOD_MAX_US / 1000)
            steps = np.abs(np.diff(widths))[next_one & whole[:-1] & whole[1:]]
            largest = max(largest, int(steps.max(initial=0)))
        return us(largest)
