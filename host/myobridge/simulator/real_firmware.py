"""The real firmware as a simulated hand: the image that is flashed, in the cycle-accurate simulators of `firmware/sim`.

The simulator is a process of its own. It reads EMG from a pipe, one row of counts per sample, and writes a trace of
events (bytes on the line, samples, servo edges), from which the summary is computed afterwards.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.simulator.board_folder import FIRMWARE, BoardFolder, board_folder
from myobridge.simulator.emg_source import EmgSource
from myobridge.simulator.hand import Trace
from myobridge.simulator.limits import WIDE, eeprom_image
from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD, FrameDecoder

CPU_HZ: Final = 16_000_000
"""The unit of the traces, whatever the board's own clock is."""
BLOCK: Final = 100
EVENT: Final = np.dtype([("cycle", "<u8"), ("kind", "<u2"), ("index", "<u2"), ("value", "<i4")])
TX, RX, SERVO, SAMPLE = 1, 2, 4, 5
"""Kinds of events, as in firmware/sim/sim.h."""


def build(board: str) -> tuple[Path, list[str]]:
    """Builds the board's image and its simulator; the image's path, and the simulator's command for real time.

    Raises:
        UserError: this is not a clone of the repository, or the tools are missing.
    """
    if not (FIRMWARE / "Makefile").exists():
        raise UserError(
            "The real firmware needs a clone of the repository; install myobridge from one with `pip install -e .`."
        )
    folder = board_folder(board)
    make(FIRMWARE, folder.image)
    return FIRMWARE / folder.image, simulator(folder, realtime=True)


def simulator(folder: BoardFolder, *, realtime: bool) -> list[str]:
    """Builds the simulator of a board's family: its command, to which the image and hand-sim's options are added."""
    if folder.family == "avr":
        make(FIRMWARE / "sim")
        return [str(FIRMWARE / "sim" / "build" / "hand-sim"), "--board", folder.name]
    make(FIRMWARE / "sim" / "rp2040")
    scripts = FIRMWARE / "sim" / "rp2040"
    program = [sys.executable, str(scripts / "hand_sim.py")] if realtime else ["node", str(scripts / "hand-sim.js")]
    servos = ",".join(map(str, folder.servo_pins))
    command = [*program, "--board", folder.name, "--servos", servos, "--line", "usb" if folder.is_usb else "uart"]
    return command + (["--ads", ",".join(map(str, folder.front_end))] if folder.front_end else [])


LOADERS: Final = {"mega2560": ("mega2560",), "uno": ("uno", "nano")}
"""Boot loaders that a board is sold with: the Mega's stk500v2, the Uno's optiboot, the old Nano's ATmegaBOOT."""


def build_loader(name: str) -> Path:
    """A boot loader's .hex file, from Debian's arduino-core-avr.

    Raises:
        UserError: the package is missing.
    """
    hex_file = Path("build") / f"loader-{name}.hex"
    make(FIRMWARE / "sim", hex_file)
    return FIRMWARE / "sim" / hex_file


def make(folder: Path, *targets: str | Path) -> None:
    """Runs `make -C folder targets` under a lock, because two runs at once damage each other's objects.

    Raises:
        UserError: the tools are missing or fail.
    """
    lock = os.open(FIRMWARE, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(["make", "-C", folder, *targets], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise UserError(
            "`make` is not installed; `sh tests/run.sh` installs everything that the firmware needs."
        ) from error
    finally:
        os.close(lock)
    if made.returncode:
        reason = (made.stderr.strip().splitlines() or ["no reason given"])[0]
        raise UserError(
            f"The firmware cannot be built ({reason}); `sh tests/run.sh` installs everything that it needs."
        )


class Feeder:
    """Writes the source's samples to the simulator's pipe from a thread, and keeps their true angles."""

    def __init__(self, source: EmgSource, pipe: Path, adc_bits: int) -> None:
        self._source = source
        self._pipe = pipe
        self._shift = source.adc_bits - adc_bits
        self.truth_deg: list[NDArray[np.float32]] = []
        threading.Thread(target=self._feed, daemon=True).start()

    def _feed(self) -> None:
        with suppress(BrokenPipeError, EOFError), self._pipe.open("wb", buffering=0) as pipe:
            while True:
                counts, truth = self._source.read(BLOCK)
                if truth is not None:
                    self.truth_deg.append(truth)
                shifted = counts >> self._shift if self._shift > 0 else counts.astype(np.int16) << -self._shift
                pipe.write(shifted.astype("<i2").tobytes())


class RealFirmwareHand:
    """A board with its firmware, an EMG source at its inputs and a virtual serial port.

    loader: one of LOADERS[board], which runs after each reset; opening the port resets the board by DTR. None: none.
    """

    def __init__(self, board: str, source: EmgSource, link: Path | None, loader: str | None = None) -> None:
        self._image, self._simulator = build(board)
        self._loader = build_loader(loader) if loader else None
        self._board = board
        self._source = source
        self._link = link
        self._process: subprocess.Popen[str] | None = None

    @contextmanager
    def running(self, seconds: float | None) -> Iterator[str]:
        """Runs while the block runs; the port. The summary and the trace are available afterwards."""
        with tempfile.TemporaryDirectory(prefix="myobridge-") as name:
            pipe, trace, eeprom = Path(name, "emg"), Path(name, "trace"), Path(name, "eeprom")
            eeprom.write_bytes(eeprom_image(WIDE))
            os.mkfifo(pipe)
            command: list[str | Path] = [*self._simulator, self._image, "--realtime", "--emg", pipe]
            command += ["--channels", str(self._source.channels), "--trace", trace, "--eeprom", eeprom]
            command += ["--loader", self._loader] if self._loader else []
            command += ["--link", self._link] if self._link else []
            command += ["--seconds", str(seconds)] if seconds else []
            process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
            self._process = process
            feeder = Feeder(self._source, pipe, board_folder(self._board).adc_bits)
            assert process.stdout is not None
            said = process.stdout.readline().split()
            if said[:1] != ["port"]:
                raise UserError("The simulator did not start; run `make -C firmware/sim`, which says why.")
            try:
                yield said[1]
            finally:
                process.send_signal(signal.SIGINT)
                process.wait()
                self._reckon(np.fromfile(trace, EVENT), feeder)

    def run(self, seconds: float | None) -> Iterator[str]:
        """Yields the port, then runs until it is stopped or for `seconds`."""

        def stop(_signal: int, _frame: FrameType | None) -> None:
            if self._process is not None:
                self._process.send_signal(signal.SIGINT)

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        with self.running(seconds) as port:
            yield port
            assert self._process is not None
            self._process.wait()

    def _reckon(self, events: NDArray[np.void], feeder: Feeder) -> None:
        """Computes the trace of the servos: one row per pulse of the first servo."""
        truth = np.vstack(feeder.truth_deg) if feeder.truth_deg else None
        config, self._status = _config(events), None
        self.trace = Trace()
        statuses = list(_statuses(events))
        if statuses:
            self._status = statuses[-1][1]
        if config is None:
            return
        sampled = events["cycle"][(events["kind"] == SAMPLE) & (events["index"] == _lowest_input(config))]
        widths = [_pulses(events, servo) for servo in range(m.SERVOS)]
        status_cycle = np.array([cycle for cycle, _ in statuses])
        for cycle in widths[0][0] if len(widths[0][0]) else ():
            sample = int(np.searchsorted(sampled, cycle))
            at = int(np.searchsorted(status_cycle, cycle)) - 1
            angles = [_angle_deg(config, s, *widths[s], int(cycle)) for s in range(m.SERVOS)]
            row = [float("nan")] * m.SERVOS
            if truth is not None:
                row = truth[min(sample, len(truth) - 1)].tolist()
            state = statuses[at][1].state if at >= 0 else m.State.BOOT
            self.trace.append(sample, state, angles, row)

    def summary(self) -> dict[str, Any]:
        """Summary with the keys of the simulated firmware's."""
        status = self._status
        return {
            "board": self._board,
            "samples_taken": status.sample_index if status else 0,
            "state": m.State(status.state).name if status else m.State.BOOT.name,
            "reason": m.Reason(status.reason).name.lower() if status else "",
            "range_rejects": status.range_rejects if status else 0,
            "stale_rejects": status.stale_rejects if status else 0,
            "mae_deg": self.trace.mae_deg(),
        }


def _statuses(events: NDArray[np.void]) -> Iterator[tuple[int, m.Status]]:
    """Each STATUS on the line, with the CPU cycle of its last byte."""
    sent = events[events["kind"] == TX]
    data, cycles, start = sent["value"].astype(np.uint8).tobytes(), sent["cycle"], 0
    frames = FrameDecoder()
    while (end := data.find(0, start)) >= 0:
        for frame in frames.feed(data[start : end + 1]):
            if frame[0] == m.Status.TYPE:
                yield int(cycles[end]), m.Status.unpack(frame[PAYLOAD])
        start = end + 1


def _config(events: NDArray[np.void]) -> m.Config | None:
    """The last CONFIG that the host sent."""
    data = events["value"][events["kind"] == RX].astype(np.uint8).tobytes()
    configs = [frame for frame in FrameDecoder().feed(data) if frame[0] == m.Config.TYPE]
    return m.Config.unpack(configs[-1][PAYLOAD]) if configs else None


def _lowest_input(config: m.Config) -> int:
    return (config.channel_mask & -config.channel_mask).bit_length() - 1


def _pulses(events: NDArray[np.void], servo: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """End and width, in CPU cycles, of each whole pulse of a servo."""
    edges = events[(events["kind"] == SERVO) & (events["index"] == servo)]
    if len(edges) and edges["value"][0] == 0:
        edges = edges[1:]
    edges = edges[: len(edges) // 2 * 2]
    return edges["cycle"][1::2], edges["cycle"][1::2] - edges["cycle"][::2]


def _angle_deg(config: m.Config, servo: int, ends: NDArray[np.uint64], widths: NDArray[np.uint64], cycle: int) -> float:
    """Angle in degrees of the newest pulse at `cycle`."""
    at = max(0, int(np.searchsorted(ends, cycle, side="right")) - 1)
    width_us = float(widths[at]) / CPU_HZ * 1e6
    low, high = config.pulse_0_us[servo], config.pulse_180_us[servo]
    return 180 * (width_us - low) / (high - low)
