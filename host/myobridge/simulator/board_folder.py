"""What the firmware's folder says about a board: its family, its pins, and its row of the table in protocol.toml."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FIRMWARE: Final = Path(__file__).parents[3] / "firmware"
"""Exists only in a clone of the repository; an installed package contains the firmware's images, not its sources."""
BOARDS: Final = FIRMWARE / "src" / "boards"
_INCLUDE: Final = re.compile(r'^#include "(boards/\w+/pins\.h)"$', re.M)
_SERVO: Final = re.compile(r"X\((?:THUMB|INDEX|MIDDLE|RING|LITTLE),\s*(\d+)")


@dataclass(frozen=True)
class BoardFolder:
    """A board of the firmware."""

    name: str
    family: str
    """The folder of its drivers: avr or rp2."""
    pins: str
    """The text of its pins.h, and of the ones that it includes."""
    facts: dict[str, Any]
    """Its row of the table."""

    @property
    def image(self) -> Path:
        """What the simulator runs, relative to the firmware's folder."""
        return Path("build") / self.name / ("firmware.elf" if self.family == "avr" else "firmware.bin")

    @property
    def elf(self) -> Path:
        """With its symbols, relative to the firmware's folder."""
        return Path("build") / self.name / "firmware.elf"

    @property
    def adc_bits(self) -> int:
        """Of a sample."""
        return int(self.facts["adc_bits"])

    @property
    def is_usb(self) -> bool:
        """The board has no line speed of its own."""
        return not self.facts["baud"]

    @property
    def servo_pins(self) -> list[int]:
        """As the board's maker counts them, in the order of the fingers."""
        return [int(pin) for pin in _SERVO.findall(self.pins)]

    @property
    def front_end(self) -> list[int]:
        """Pins of the front end on SPI: DRDY, CS, RESET, START; empty: the board converts by itself."""
        names = [f"ADS_{name}_PIN" for name in ("DRDY", "CS", "RESET", "START")]
        return [self.number(name) for name in names] if names[0] in self.pins else []

    def number(self, name: str) -> int:
        """A number of pins.h."""
        found = re.search(rf"^#define {name} (\d+)", self.pins, re.M)
        if found is None:
            raise KeyError(f"pins.h of {self.name} does not define {name}")
        return int(found[1])


def _pins(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return text + "".join(_pins(FIRMWARE / "src" / included) for included in _INCLUDE.findall(text))


@cache
def board_folder(name: str) -> BoardFolder:
    """The board of this name, in a clone of the repository."""
    made = (BOARDS / name / "board.mk").read_text(encoding="utf-8")
    family = re.search(rf"^FAMILY_{name} := (\w+)", made, re.M)
    assert family is not None
    table = tomllib.loads((FIRMWARE / "protocol.toml").read_text(encoding="utf-8"))["board"]
    row: dict[str, Any] = {}
    like: str | None = name
    while like:
        row = {**table[like], **row}
        like = table[like].get("like")
    return BoardFolder(name, family[1], _pins(BOARDS / name / "pins.h"), row)
