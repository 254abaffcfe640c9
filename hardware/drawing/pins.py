"""Reads a board's pins.h, the header that the firmware compiles: its pin numbers stand nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SERVO = re.compile(r"X\((\w+),\s*(\d+),\s*(\w),\s*(\d)")
_NUMBER = re.compile(r"^#define (EMG_INPUTS|SUPPLY_INPUT|SUPPLY_UPPER_OHM|SUPPLY_LOWER_OHM) (\d+)", re.M)
_PIN = re.compile(r"^#define (LED_PIN|BUTTON_PIN)\(X\) X\((\d+),\s*(\w),\s*(\d)\)", re.M)


@dataclass(frozen=True)
class Pin:
    """A digital pin and what is connected to it."""

    use: str
    """The finger of a servo, or LED_PIN or BUTTON_PIN."""
    number: int
    """As printed on the Arduino."""
    port: str
    """Of the microcontroller, like PH3."""


@dataclass(frozen=True)
class Board:
    """A board's name in the firmware, its name in the shop, and its pins."""

    name: str
    title: str
    servos: tuple[Pin, ...]
    led: Pin
    button: Pin
    emg_inputs: int
    supply_input: int
    """The analogue input that measures the servo supply, through a divider of these two resistors."""
    supply_upper_ohm: int
    supply_lower_ohm: int

    @property
    def inputs(self) -> str:
        """All EMG inputs in a few words, like A0 … A7."""
        return f"A0 … A{self.emg_inputs - 1}"


def read_board(name: str, title: str, header: str) -> Board:
    """The board that a pins.h describes.

    Raises:
        ValueError: the header lacks one of five servo pins, the LED's, the button's, or a number.
    """
    servos = tuple(
        Pin(finger.lower(), int(number), f"P{port}{bit}") for finger, number, port, bit in _SERVO.findall(header)
    )
    pins = {use: Pin(use, int(number), f"P{port}{bit}") for use, number, port, bit in _PIN.findall(header)}
    numbers = {what: int(value) for what, value in _NUMBER.findall(header)}
    if len(servos) != 5 or len(pins) != 2 or len(numbers) != 4:
        found = ", ".join([f"{len(servos)} servo pins", *pins, *numbers])
        raise ValueError(
            f"pins.h of {name} defines {found}; add what is missing of 5 servo pins and the names in {__file__}."
        )
    return Board(
        name,
        title,
        servos,
        pins["LED_PIN"],
        pins["BUTTON_PIN"],
        numbers["EMG_INPUTS"],
        numbers["SUPPLY_INPUT"],
        numbers["SUPPLY_UPPER_OHM"],
        numbers["SUPPLY_LOWER_OHM"],
    )


def pin_table(board: Board) -> str:
    """Markdown table of everything that is plugged into this board."""
    rows = ["| from | to the board's | microcontroller pin |", "|---|---|---|"]
    rows += [f"| {s.use} servo, signal (orange or white) | **{s.number}** | {s.port} |" for s in board.servos]
    rows += [f"| amplifier {n + 1}, output | **A{n}** | ADC{n} |" for n in range(board.emg_inputs)]
    rows += [
        f"| servo supply, through the divider | **A{board.supply_input}** | ADC{board.supply_input} |",
        f"| status LED | **{board.led.number}** | {board.led.port} |",
        f"| button | **{board.button.number}** | {board.button.port} |",
        "| amplifiers, supply | **5V** and **GND** | |",
        "| 7.5 V regulator, plus | **VIN** | |",
        "| ground rail, one wire | **GND** | |",
        "| emergency stop, second contact | **RESET** and **GND** | |",
        "| Raspberry Pi or laptop | USB connector | USART 0 |",
    ]
    return "\n".join(rows)
