"""Reads a board's pins.h, the header that the firmware compiles: its pin numbers stand nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SERVO = re.compile(r"X\((\w+),\s*(\d+),\s*(\w),\s*(\d)")
_INPUTS = re.compile(r"#define EMG_INPUTS (\d+)")


@dataclass(frozen=True)
class ServoPin:
    """Where one finger's servo gets its pulses."""

    finger: str
    number: int
    """As printed on the Arduino."""
    port: str
    """Of the microcontroller, like PH3."""


@dataclass(frozen=True)
class Board:
    """A board's name in the firmware, its name in the shop, and its pins."""

    name: str
    title: str
    servos: tuple[ServoPin, ...]
    emg_inputs: int


def read_board(name: str, title: str, header: str) -> Board:
    """The board that a pins.h describes.

    Raises:
        ValueError: the header has no five servo pins or no EMG_INPUTS.
    """
    servos = tuple(
        ServoPin(finger.lower(), int(number), f"P{port}{bit}") for finger, number, port, bit in _SERVO.findall(header)
    )
    inputs = _INPUTS.search(header)
    if len(servos) != 5 or inputs is None:
        raise ValueError(f"pins.h of {name} has {len(servos)} servo pins; 5 and EMG_INPUTS wanted.")
    return Board(name, title, servos, int(inputs[1]))


def pin_table(board: Board) -> str:
    """Markdown table of everything that is plugged into this board."""
    rows = ["| from | to the board's | microcontroller pin |", "|---|---|---|"]
    rows += [f"| {s.finger} servo, signal (orange or white) | **{s.number}** | {s.port} |" for s in board.servos]
    rows += [f"| amplifier {n + 1}, output | **A{n}** | ADC{n} |" for n in range(board.emg_inputs)]
    rows += [
        "| amplifiers, supply | **5V** and **GND** | |",
        "| servo ground rail, one wire | **GND** | |",
        "| emergency stop, second contact | **RESET** and **GND** | |",
        "| Raspberry Pi or laptop | USB connector | USART 0 |",
    ]
    return "\n".join(rows)
