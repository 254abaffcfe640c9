"""The circuits of small parts round the board: the one place of their values. Drawings, tables and list read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drawing.pins import Board
from drawing.table import table

FILTER_OHM: Final = 3300
FILTER_NF: Final = 100
SERVO_OHM: Final = 330
PULL_DOWN_OHM: Final = 10_000
SUPPLY_NF: Final = 100
LED_OHM: Final = 1000
BUTTON_OHM: Final = 10_000
BUTTON_NF: Final = 100
RESET_UF: Final = 10
COIL_DIODE: Final = "1N4007"


def ohm(value: int) -> str:
    """A resistor's value as it is written: 330 Ω, 3.3 kΩ."""
    return f"{value / 1000:g} kΩ" if value >= 1000 else f"{value} Ω"


def resistor(value: int) -> str:
    """Name of a resistor in the list of parts."""
    return f"resistor {ohm(value)}"


def film(value_nf: int) -> str:
    """Name of a film capacitor in the list of parts."""
    return f"film capacitor {value_nf} nF"


@dataclass(frozen=True)
class Circuit:
    """A few parts that belong together."""

    mark: str
    """Its letter in the wiring drawing."""
    name: str
    parts: Callable[[Board], tuple[str, ...]]
    """Names in the list of parts, for one such circuit."""
    where: Callable[[Board], str]
    why: str
    once_a: str = "board"
    """One circuit belongs to each channel, to each servo, or to the board."""


EMG = Circuit(
    "a",
    "EMG filter",
    lambda board: (resistor(FILTER_OHM), film(FILTER_NF)),
    lambda board: f"each of {board.inputs}, at the board",
    "weakens signals above half the sampling rate, and holds the voltage while the ADC samples",
    once_a="channel",
)
SERVO = Circuit(
    "b",
    "servo signal",
    lambda board: (resistor(SERVO_OHM), resistor(PULL_DOWN_OHM)),
    lambda board: f"each of pins {', '.join(str(servo.number) for servo in board.servos)}, at the board",
    "the resistor in series limits the current into a servo without supply; the one to GND keeps the signal low while "
    "the board is in reset and its pins float",
    once_a="servo",
)
SUPPLY = Circuit(
    "c",
    "divider of the servo supply",
    lambda board: (resistor(board.supply_upper_ohm), resistor(board.supply_lower_ohm), film(SUPPLY_NF)),
    lambda board: f"6 V rail to A{board.supply_input}",
    "the board measures the servo supply and stops when the supply is low",
)
LED = Circuit(
    "d",
    "status LED",
    lambda board: (resistor(LED_OHM), "LED 3 or 5 mm"),
    lambda board: f"pin {board.led.number} to GND",
    "shows the hand's state ([firmware/SAFETY.md](../firmware/SAFETY.md))",
)
BUTTON = Circuit(
    "e",
    "button",
    lambda board: (resistor(BUTTON_OHM), film(BUTTON_NF), "push button"),
    lambda board: f"pin {board.button.number} to GND",
    "an input for the wearer; pull-up and capacitor keep the servos' noise out of its wire",
)
RESET = Circuit(
    "f",
    "reset",
    lambda board: (f"electrolytic capacitor {RESET_UF} µF 16 V",),
    lambda board: "RESET to GND, plus at RESET",
    "optional: opening the USB port then does not reset the board",
)
COIL = Circuit(
    "g",
    "relay coil",
    lambda board: (f"diode {COIL_DIODE}",),
    lambda board: "across the coil, stripe to plus",
    "absorbs the coil's voltage kick; leave it out if the relay has a diode",
)
CIRCUITS: Final = (EMG, SERVO, SUPPLY, LED, BUTTON, RESET, COIL)


def circuit_table(board: Board) -> str:
    """Markdown table of the circuits on this board."""
    rows = [("mark", "circuit", "parts", "where", "why")]
    for circuit in CIRCUITS:
        each = "" if circuit.once_a == "board" else f", one a {circuit.once_a}"
        rows.append(
            (circuit.mark, circuit.name + each, ", ".join(circuit.parts(board)), circuit.where(board), circuit.why)
        )
    return table(*rows)
