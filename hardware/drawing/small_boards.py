"""Boards with an RP2040: a drawing of each one's pins, and a table of all, from their pins.h."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from drawing.svg import INK, SOFT, Sheet
from drawing.table import table

FINGERS: Final = ("THUMB", "INDEX", "MIDDLE", "RING", "LITTLE")
FIRST_INPUT: Final = 26
"""The GPIO of analogue input 0."""
ON_BOARD: Final = "on the board"
_FEATHER: Final = {6: "D4", 7: "D5", 8: "D6", 9: "D9", 10: "D10", 11: "D11", 12: "D12", 13: ON_BOARD} | {
    26 + n: f"A{n}" for n in range(4)
}
PRINTED: Final[dict[str, dict[int, str]]] = {
    "feather": _FEATHER,
    "feather_ads": _FEATHER | {24: "D24", 25: "D25", 18: "SCK", 19: "MO", 20: "MI", 1: "RX", 0: "TX"},
    "xiao": {26: "D0", 27: "D1", 28: "D2", 29: "D3", 6: "D4", 7: "D5", 0: "D6", 1: "D7", 2: "D8", 4: "D9", 3: "D10"}
    | {17: ON_BOARD},
    "pico": {25: ON_BOARD},
}
"""What is printed at a pin where it is not the GPIO's number."""
WIDTH: Final = 860
ROW: Final = 30
TOP: Final = 96
BOARD_LEFT, BOARD_RIGHT = 300, 560


@dataclass(frozen=True)
class SmallBoard:
    """A board of this family."""

    name: str
    title: str
    servos: tuple[int, ...]
    """GPIOs, thumb first."""
    led: int
    button: int
    strap: int
    emg_inputs: int
    supply_input: int
    front_end: tuple[tuple[str, int], ...]
    """The front end's pins, and GPIOs; empty: the board's own converter samples."""

    def printed(self, gpio: int) -> str:
        """What stands at the pin."""
        return PRINTED.get(self.name, {}).get(gpio, f"GP{gpio}")

    @property
    def uses(self) -> list[tuple[str, int]]:
        """Everything that is plugged in, and its GPIO."""
        inputs = [(f"amplifier {n + 1}, output", FIRST_INPUT + n) for n in range(self.emg_inputs)]
        if self.front_end:
            inputs = [(f"front end, {name}", pin) for name, pin in self.front_end]
        servos = [(f"{finger.lower()} servo, signal", pin) for finger, pin in zip(FINGERS, self.servos, strict=True)]
        panel = [("status LED", self.led), ("button", self.button)]
        return [*servos, *inputs, *panel, ("strap to GND, with the divider", self.strap)]


def read_small_board(name: str, title: str, header: str) -> SmallBoard:
    """The board that a pins.h describes.

    Raises:
        KeyError: the header lacks a pin.
    """
    pins = {finger: int(pin) for finger, pin in re.findall(r"X\((\w+), (\d+)\)", header)}
    numbers = {what: int(value) for what, value in re.findall(r"^#define (\w+) (\d+)$", header, re.M)}
    return SmallBoard(
        name,
        title,
        tuple(pins[finger] for finger in FINGERS),
        numbers["LED_PIN"],
        numbers["BUTTON_PIN"],
        numbers["SUPPLY_STRAP_PIN"],
        numbers["EMG_INPUTS"],
        numbers["SUPPLY_INPUT"],
        tuple((what.split("_")[1], pin) for what, pin in numbers.items() if what.startswith("ADS_")),
    )


def small_pin_table(boards: list[SmallBoard]) -> str:
    """Markdown table: a column for each board, with what is printed and the GPIO."""
    most = max(boards, key=lambda board: board.emg_inputs)
    rows = []
    for use, _ in most.uses:
        cells = []
        for board in boards:
            gpio = dict(board.uses).get(use)
            shown = "–" if gpio is None else board.printed(gpio)
            cells.append(shown if gpio is None or shown == f"GP{gpio}" else f"{shown} (GP{gpio})")
        rows.append((use, *cells))
    supply = [board.printed(FIRST_INPUT + board.supply_input) for board in boards]
    rows.append(("servo supply, through the divider, instead of the last amplifier", *supply))
    return table(("from", *(board.title for board in boards)), *rows)


def pinout(board: SmallBoard) -> str:
    """The drawing: the board, its servos on the right, the rest on the left."""
    right = board.uses[: len(FINGERS)]
    left = board.uses[len(FINGERS) :]
    height = TOP + ROW * max(len(left), len(right)) + 110
    sheet = Sheet(WIDTH, height, f"Pins of the {board.title}")
    sheet.text(24, 36, board.title, 20, bold=True)
    sheet.text(
        24, 60, "Pins are named as printed on the board. All signals are 3.3 V: no amplifier may give more.", 14, SOFT
    )
    sheet.box(BOARD_LEFT, TOP - 16, BOARD_RIGHT - BOARD_LEFT, height - TOP - 70, "#ecfdf5")
    sheet.text((BOARD_LEFT + BOARD_RIGHT) / 2, height - 104, "USB: Raspberry Pi or laptop", 14, SOFT, "middle")
    for uses, edge, away, anchor, inner in (
        (left, BOARD_LEFT, -70, "end", "start"),
        (right, BOARD_RIGHT, 70, "start", "end"),
    ):
        for row, (use, gpio) in enumerate(uses):
            y = TOP + 12 + ROW * row
            printed = board.printed(gpio)
            sheet.text(edge + (10 if inner == "start" else -10), y + 5, printed, 14, INK, inner, bold=True)
            if printed != ON_BOARD:
                sheet.line([(edge, y), (edge + away, y)], INK)
            sheet.text(edge + away + (-8 if anchor == "end" else 8), y + 5, use, 14, INK, anchor)
    divider = board.printed(FIRST_INPUT + board.supply_input)
    taken = "" if board.front_end else "the last amplifier's place is then taken. "
    sheet.text(
        24, height - 44, f"Servo supply: 33 kΩ from 6 V to {divider}, 10 kΩ from there to GND, and the strap to GND;"
    )
    sheet.text(24, height - 22, f"{taken}Servos: 6 V of their own, with a common GND.")
    return sheet.render()
