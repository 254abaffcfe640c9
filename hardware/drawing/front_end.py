"""A front end of 24 bits: what its board and its chip are wired to."""

from __future__ import annotations

import math
from typing import Final

from drawing.small_boards import FIRST_INPUT, SmallBoard
from drawing.table import table

SUPPLY_V: Final = 5.0
LEAD_KOHM: Final = 100
INPUT_PF: Final = 470


def front_end_table(board: SmallBoard) -> str:
    """Markdown table: what is plugged into the board, and where."""
    rows = []
    for use, gpio in board.uses:
        printed = board.printed(gpio)
        rows.append((use, printed if printed == f"GP{gpio}" else f"{printed} (GP{gpio})"))
    supply = board.printed(FIRST_INPUT + board.supply_input)
    return table(("from", board.title), *rows, ("servo supply, through the divider", supply))


def corner_hz() -> float:
    """Of the filter before a channel: a resistor in each lead, a capacitor between the two inputs."""
    return float(1 / (2 * math.pi * 2 * LEAD_KOHM * 1e3 * INPUT_PF * 1e-12))


def chip_table() -> str:
    """Markdown table: the pins of the chip that do not lead to the board."""
    most_ua = SUPPLY_V / LEAD_KOHM * 1e3
    return table(
        ("the chip's pin", "goes to", "why"),
        ("DVDD, DGND", "the Feather's 3V and GND", "the signals are 3.3 V high"),
        (
            "AVDD, AVSS",
            "5 V of a quiet linear regulator on the battery, and GND",
            "USB's 5 V carries the noise of the computer",
        ),
        ("CLKSEL", "DVDD", "the chip's own oscillator, ±0.5 % at 25 °C °, paces the samples"),
        ("PWDN", "DVDD", "the firmware resets the chip through RESET"),
        (
            "RESET, START",
            "the Feather alone, no pull-up",
            "while the Feather is in reset, its pull-downs keep the chip in reset too",
        ),
        ("DAISY_IN; GPIO1 … GPIO4", "GND; GND, each through 10 kΩ", "open inputs pick up noise"),
        (
            "VREFP, VREFN, VCAP1 … VCAP4",
            "capacitors as in the data sheet",
            "the firmware uses the internal reference, and gives VCAP1 160 ms",
        ),
        (
            "IN1P, IN1N … IN8P, IN8N",
            f"the two electrodes of each channel, each through {LEAD_KOHM} kΩ; {INPUT_PF} pF between the two inputs",
            f"if a fault puts {SUPPLY_V:g} V on one electrode, {most_ua:.0f} µA flow at most; a filter of "
            f"{corner_hz():.0f} Hz",
        ),
        (
            "BIASOUT, BIASINV",
            f"BIASOUT to the reference electrode through {LEAD_KOHM} kΩ; its feedback as in the data sheet",
            "the chip keeps the skin in the middle of its supply, and weakens mains hum",
        ),
    )
