"""The sums behind the EMG filter and the divider of the servo supply."""

from __future__ import annotations

from math import log10, pi
from typing import Final

from drawing.amplifiers import ADC_STEPS, ADC_V
from drawing.pins import Board
from drawing.small_parts import FILTER_NF, FILTER_OHM, ohm
from drawing.table import table

SAMPLING_HZ: Final = 2000
ADC_CAPACITOR_PF: Final = 14
"""The capacitor in the chip that the converter charges to the input's voltage."""
ADC_SOURCE_OHM: Final = 10_000
"""The largest source impedance that the data sheet recommends."""
REGULATED_V: Final = 6.0
FULL_BATTERIES_V: Final = {"3S": 12.6, "4S": 16.8}


def corner_hz() -> float:
    """Where the filter has lost 3 dB."""
    return 1 / (2 * pi * FILTER_OHM * FILTER_NF * 1e-9)


def filter_text() -> str:
    """The filter's corner, delay and source impedance, in sentences."""
    step_mv = ADC_V * ADC_CAPACITOR_PF / (1000 * FILTER_NF) * 1000
    count_mv = 1000 * ADC_V / ADC_STEPS
    return (
        f"The corner of {ohm(FILTER_OHM)} and {FILTER_NF} nF is at {corner_hz():.0f} Hz. {ohm(FILTER_OHM)} and the "
        f"amplifier's own impedance stay below the {ohm(ADC_SOURCE_OHM)} that the ADC wants. The ADC's sampling "
        f"capacitor ({ADC_CAPACITOR_PF} pF) takes its charge from the {FILTER_NF} nF: a step of {ADC_V:g} V from the "
        f"channel before costs {step_mv:.1f} mV, which is {step_mv / count_mv:.2f} counts. The filter delays the EMG "
        f"by {FILTER_OHM * FILTER_NF * 1e-6:.1f} ms."
    )


def filter_table() -> str:
    """Loss of the filter at some frequencies, and where the ADC shows them."""
    rows = [("frequency", "what it is", "loss in the filter")]
    for hz, what in (
        (50, "mains, EMG"),
        (150, "most of the EMG"),
        (450, "upper end of the EMG"),
        (SAMPLING_HZ // 2, "half the sampling rate"),
        (SAMPLING_HZ - 450, "appears as 450 Hz"),
        (SAMPLING_HZ - 50, "appears as 50 Hz"),
        (100_000, "edges of servo pulses, switching regulators"),
    ):
        loss_db = 10 * log10(1 + (hz / corner_hz()) ** 2)
        rows.append((f"{hz:,} Hz".replace(",", " "), what, f"{loss_db:.1f} dB"))
    return table(*rows)


def at_input_v(board: Board, rail_v: float) -> float:
    """Voltage at the board's input for a voltage of the servo supply."""
    return rail_v * board.supply_lower_ohm / (board.supply_upper_ohm + board.supply_lower_ohm)


def divider_source_ohm(board: Board) -> float:
    """The divider's impedance, as the ADC sees it."""
    upper, lower = board.supply_upper_ohm, board.supply_lower_ohm
    return upper * lower / (upper + lower)


def divider_table(board: Board, supply_min_mv: int) -> str:
    """The ADC's reading at some voltages of the servo supply."""
    low_v = supply_min_mv / 1000
    cases = [
        (0.0, "emergency stop pressed, fuse open, or battery off"),
        (low_v, "the limit `supply_min_mv`"),
        (REGULATED_V, "as it should be"),
        *(
            (volts, f"a full {cells} battery: the regulator lets all through")
            for cells, volts in FULL_BATTERIES_V.items()
        ),
    ]
    rows = [("6 V rail", "at the input", "count of 1024", "means")]
    for rail_v, what in cases:
        seen_v = at_input_v(board, rail_v)
        rows.append((f"{rail_v:.1f} V", f"{seen_v:.2f} V", f"{seen_v / ADC_V * ADC_STEPS:.0f}", what))
    return table(*rows)
