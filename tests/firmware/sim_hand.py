"""The real firmware in the simulator, in lock-step: time stands still between two calls (firmware/sim/README.md)."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import suppress
from enum import IntEnum
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from myobridge.simulator.board_folder import FIRMWARE, board_folder
from myobridge.simulator.limits import WIDE, eeprom_image
from myobridge.simulator.real_firmware import make, simulator
from myobridge.wire.frame import PAYLOAD, FrameDecoder
from myobridge.wire.messages import BAUD, WriteLimits

BOARDS: Final = ("mega2560", "uno")
"""Whose simulator is fast enough for all tests."""
ALL_BOARDS: Final = (*BOARDS, "rp2040")
"""That the tables have a column for."""
CPU_HZ: Final = 16_000_000
"""The unit of events: a sixteenth of a microsecond, which on an AVR is a cycle."""
BYTE_CYCLES: Final = 10 * CPU_HZ // BAUD
EVENT: Final = np.dtype([("cycle", "<u8"), ("kind", "<u2"), ("index", "<u2"), ("value", "<i4")])


class Kind(IntEnum):
    """What an event is; `sim.h` has the same list."""

    TX = 1
    RX = 2
    RX_LOST = 3
    SERVO = 4
    SAMPLE = 5
    RESET = 6


class Received(NamedTuple):
    """A good frame from the device; `cycle` is the end of its last byte on the wire."""

    cycle: int
    kind: int
    seq: int
    payload: bytes


def ms(cycles: float) -> float:
    return cycles * 1e3 / CPU_HZ


def us(cycles: float) -> float:
    return cycles * 1e6 / CPU_HZ


def cycles_of_ms(milliseconds: float) -> int:
    return round(milliseconds * CPU_HZ / 1000)


BUTTON_PIN: Final = {"mega2560": "E 4", "uno": "D 2"}
"""Of the boards whose pins.h gives it as a port and a bit."""


def emg_sampling(stats: dict[str, Any], board: str) -> list[dict[str, Any]]:
    """Of each EMG input that is sampled. The servo supply's input is converted only now and then."""
    folder = board_folder(board)
    optional = folder.family == "rp2"
    return [c for c in stats["sampling"] if optional or c["input"] != folder.number("SUPPLY_INPUT")]


@cache
def build_simulator() -> Path:
    make(FIRMWARE / "sim")
    return FIRMWARE / "sim" / "build" / "hand-sim"


@cache
def simulator_of(board: str) -> list[str]:
    return simulator(board_folder(board), realtime=False)


@cache
def build_firmware(board: str) -> Path:
    """The ELF whose image `make flash` would flash; the image is made too."""
    folder = board_folder(board)
    make(FIRMWARE, folder.image)
    return FIRMWARE / folder.elf


@cache
def build_selftest(board: str) -> Path:
    make(FIRMWARE / "sim", "selftest")
    return FIRMWARE / "sim" / "build" / f"selftest-{board}.elf"


@cache
def symbols(elf: Path) -> dict[str, int]:
    """Address in data memory of each variable in `elf`, for `peek` and `poke`."""
    avr = board_folder(elf.parent.name).family == "avr"
    tool = "avr-nm" if avr else "arm-none-eabi-nm"
    listing = subprocess.run([tool, elf], check=True, capture_output=True, text=True).stdout
    data_memory = 0x800000 if avr else 0  # where avr-gcc puts it in its one address space
    rows = (line.split() for line in listing.splitlines())
    # Link-time optimisation appends to the names of static variables.
    return {row[2].split(".")[0]: int(row[0], 16) - data_memory for row in rows if len(row) == 3 and row[1] in "bBdD"}


@cache
def field_offset(board: str, header: str, struct: str, field: str) -> int:
    """Bytes from the start of `struct` to `field`, as the board's own compiler lays them out."""
    source = f'#include <stddef.h>\n#include "{header}"\nconst unsigned offset = offsetof({struct}, {field}) + 1;\n'
    avr = board_folder(board).family == "avr"
    own = ["avr-gcc"] if avr else ["arm-none-eabi-gcc", "-ffreestanding", f"-I{FIRMWARE / 'src/boards/rp2/include'}"]
    compiler = [*own, "-fshort-enums", "-std=c11", f"-I{FIRMWARE / 'src'}", "-x", "c", "-", "-S", "-o", "-"]
    listing = subprocess.run(compiler, input=source, check=True, capture_output=True, text=True).stdout
    return int(re.findall(r"\.word\s+(\d+)", listing)[-1]) - 1  # a zero would be listed otherwise


class SimHand:
    """A board that runs only when told to. `emg`: ADC counts around 0, shape (samples, channels).

    loader: the boot loader in which each reset starts, as on a board that was bought; without it, as after `make flash`
    with a programmer. limits: stored in its EEPROM; None: the EEPROM is blank. pipe: a named pipe that brings the
    counts as the board samples, instead of `emg`, and its number of channels. emg_bits: of `emg`, where an Arduino's
    electrodes shall be finer than its converter.
    """

    def __init__(
        self,
        elf: Path,
        board: str,
        emg: NDArray[np.int16] | None = None,
        *,
        loader: Path | None = None,
        limits: WriteLimits | None = WIDE,
        pipe: tuple[Path, int] | None = None,
        emg_bits: int | None = None,
    ) -> None:
        self.elf = elf
        self.board = board
        self.cycle = 0
        folder = board_folder(board)
        image = elf.with_suffix(folder.image.suffix) if elf.name == folder.elf.name else elf
        arguments: list[str | Path] = [*simulator_of(board), image, "--lockstep"]
        arguments += ["--loader", loader] if loader else []
        self._scratch = TemporaryDirectory()
        if limits is not None:
            eeprom = Path(self._scratch.name) / "eeprom"
            eeprom.write_bytes(eeprom_image(limits))
            arguments += ["--eeprom", eeprom]
        if emg is not None:
            file = Path(self._scratch.name) / "emg"
            file.write_bytes(emg.astype("<i2").tobytes())
            arguments += ["--emg", file, "--channels", str(emg.shape[1])]
            arguments += ["--emg-bits", str(emg_bits)] if emg_bits else []
        if pipe is not None:
            arguments += ["--emg", pipe[0], "--channels", str(pipe[1])]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._events: list[NDArray[np.void]] = []
        self._decoder = FrameDecoder()
        self._unread: list[Received] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):  # the simulator has failed, and said why
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)
        self._scratch.cleanup()

    def command(self, line: str) -> bytes:
        """Sends one command and returns the raw bytes of its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().decode()
        word, *numbers = answer.split()
        assert word == "ok", f"{line[:40]}: {answer}"
        self.cycle = int(numbers[0])
        return self._process.stdout.read(int(numbers[1]))

    # ---- time ----

    def run_until(self, cycle: int) -> None:
        events = np.frombuffer(self.command(f"run {cycle}"), EVENT)
        self._events.append(events)
        sent = events[events["kind"] == Kind.TX]
        data = sent["value"].astype(np.uint8).tobytes()
        start = 0
        for end in map(int, np.flatnonzero(sent["value"] == 0)):
            for frame in self._decoder.feed(data[start : end + 1]):
                self._unread.append(Received(int(sent["cycle"][end]), frame[0], frame[1], frame[PAYLOAD]))
            start = end + 1
        self._decoder.feed(data[start:])

    def run_ms(self, milliseconds: float) -> None:
        self.run_until(self.cycle + cycles_of_ms(milliseconds))

    # ---- the wire ----

    def send(self, data: bytes, at_cycle: int = 0) -> None:
        """Puts bytes on the wire, back to back, not before `at_cycle`."""
        self.command(f"send {at_cycle} {data.hex()}")

    def frames(self) -> list[Received]:
        """Good frames since the last call, in order of arrival."""
        unread, self._unread = self._unread, []
        return unread

    @property
    def damaged_frames(self) -> int:
        return self._decoder.counters.crc_errors + self._decoder.counters.length_errors

    # ---- the wearer ----

    def press(self, down: bool) -> None:
        """Closes or opens the contact of the button."""
        pin = BUTTON_PIN.get(self.board) or board_folder(self.board).number("BUTTON_PIN")
        self.command(f"pin {pin} {int(not down)}")

    # ---- what happened ----

    def events(self, kind: Kind, since: int = 0) -> NDArray[np.void]:
        """All events of one kind from cycle `since` on, in order."""
        everything = np.concatenate([np.empty(0, EVENT), *self._events])
        self._events = [everything]
        wanted: NDArray[np.void] = everything[(everything["kind"] == kind) & (everything["cycle"] >= since)]
        return wanted

    def forget(self) -> None:
        """Drops all events so far: for long runs."""
        self._events = []

    def stats(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.command("stats"))
        return answer

    def peek(self, symbol: str, count: int) -> bytes:
        return self.command(f"peek {symbols(self.elf)[symbol]} {count}")

    def poke(self, symbol: str, data: bytes, offset: int = 0) -> None:
        self.command(f"poke {symbols(self.elf)[symbol] + offset} {data.hex()}")
