"""The sums behind POWER.md, as Markdown tables. Assumptions stand at the top, each once."""

from __future__ import annotations

from typing import Final

from drawing.amplifiers import ADC_STEPS, ADC_V
from drawing.pins import Board
from drawing.table import table

SERVOS: Final = 5
SERVO_V: Final = 6.0
SERVO_A: Final = {"idle": 0.01, "moving under load": 0.9, "stalled": 2.5}
"""One MG996R at 6 V, as its sellers give it."""
STALLED_A: Final = SERVOS * SERVO_A["stalled"]

BATTERY_V: Final = 11.1
BATTERY_EMPTY_V: Final = 9.6
BATTERY_AH: Final = 2.2
USABLE: Final = 0.8
EFFICIENCY: Final = 0.9
"""Of the regulator."""

COPPER_OHM_MM2_PER_M: Final = 0.0175
WIRE_M: Final = 0.6
"""There and back."""
SHARED_OHM: Final = 0.01
"""A thin wire and two plugs."""

LOGIC_V: Final = 7.5
LOGIC_EFFICIENCY: Final = 0.85
BOARD_V: Final = 5.0
BOARD_A: Final = {"mega2560": 0.08, "uno": 0.05}
AMPLIFIER_A: Final = 0.02
BATTERY_FULL_V: Final = 12.6


def battery_a(power_w: float, battery_v: float = BATTERY_V) -> float:
    """Current of the 6 V regulator at the battery."""
    return power_w / EFFICIENCY / battery_v


def assumptions() -> str:
    """The assumptions behind the sums, in a sentence."""
    servo = ", ".join(f"{one_a:g} A {state}" for state, one_a in SERVO_A.items())
    return (
        f"One MG996R at {SERVO_V:g} V, as its sellers give it: {servo}. Regulator {100 * EFFICIENCY:g} %; "
        f"battery {BATTERY_V:g} V, {BATTERY_AH:g} Ah, of which {100 * USABLE:g} % are used."
    )


def budget() -> str:
    """Current of the servos in three states, at the rail and at the battery."""
    rail, source = f"five, at {SERVO_V:g} V", f"from the battery, {BATTERY_V:g} V"
    rows = [("five servos", "one", rail, "power", source, "battery lasts")]
    for state, one_a in SERVO_A.items():
        power_w = SERVOS * one_a * SERVO_V
        drawn_a = battery_a(power_w)
        hours = BATTERY_AH * USABLE / drawn_a
        lasts = f"{60 * hours:.0f} min" if hours < 10 else "over 10 h"
        rows.append((state, f"{one_a:g} A", f"{SERVOS * one_a:g} A", f"{power_w:.1f} W", f"{drawn_a:.2f} A", lasts))
    return table(*rows)


def logic_a(board: Board) -> float:
    """Current of the board with an amplifier at each input, which is its regulator's current, too."""
    return BOARD_A[board.name] + board.emg_inputs * AMPLIFIER_A


def logic_battery_a(board: Board, battery_v: float) -> float:
    """Current of the 7.5 V regulator at the battery."""
    return logic_a(board) * LOGIC_V / LOGIC_EFFICIENCY / battery_v


def logic(boards: list[Board]) -> str:
    """Current of board and amplifiers, and the heat in the board's regulator."""
    rows = [
        (
            "board and amplifiers",
            "current",
            f"from the battery, {BATTERY_V:g} V",
            f"heat in the board's regulator, VIN {LOGIC_V:g} V",
            f"the same, VIN {BATTERY_FULL_V:g} V",
        )
    ]
    for board in boards:
        drawn_a = logic_a(board)
        heats = tuple(f"{(vin_v - BOARD_V) * drawn_a:.1f} W" for vin_v in (LOGIC_V, BATTERY_FULL_V))
        rows.append(
            (
                f"{board.title}, {board.emg_inputs} amplifiers",
                f"{1000 * drawn_a:.0f} mA",
                f"{1000 * logic_battery_a(board, BATTERY_V):.0f} mA",
                *heats,
            )
        )
    return table(*rows)


def fuse(boards: list[Board]) -> str:
    """The largest current on the battery side: all servos stalled, the battery nearly empty."""
    board_a = max(logic_battery_a(board, BATTERY_EMPTY_V) for board in boards)
    worst_a = battery_a(STALLED_A * SERVO_V, BATTERY_EMPTY_V) + board_a
    return (
        f"Five stalled servos and the board on a nearly empty battery ({BATTERY_EMPTY_V:g} V) draw **{worst_a:.1f} A** "
        "through the fuse."
    )


def wires() -> str:
    """Voltage lost in the wire from regulator to servo rail and back, all servos stalled."""
    rows = [("wire, 0.3 m there and back", f"lost at {STALLED_A:g} A")]
    for area_mm2 in (0.25, 0.75, 1.5, 2.5):
        lost_v = STALLED_A * WIRE_M * COPPER_OHM_MM2_PER_M / area_mm2
        rows.append((f"{area_mm2:g} mm²", f"{lost_v:.2f} V"))
    return table(*rows)


def capacitor() -> str:
    """Dip of the rail while the regulator takes 100 µs to answer a full stall."""
    head = ("capacitor", f"dip when {STALLED_A:g} A are asked for, in the first 100 µs")
    return table(head, *((f"{uf} µF", f"{STALLED_A * 100 / uf:.2f} V") for uf in (470, 1000, 2200, 4700)))


def shared_ground() -> str:
    """The ADC's error if the servos' return current flows through the board's ground wire."""
    seen_v = STALLED_A * SHARED_OHM
    counts = f"**{seen_v / ADC_V * ADC_STEPS:.0f} counts** of the ADC"
    return f"{STALLED_A:g} A through {1000 * SHARED_OHM:g} mΩ is {1000 * seen_v:.0f} mV: {counts}."


def power_tables(boards: list[Board]) -> dict[str, str]:
    """The blocks of POWER.md."""
    return {
        "assumptions": assumptions(),
        "budget": budget(),
        "logic": logic(boards),
        "fuse": fuse(boards),
        "wires": wires(),
        "capacitor": capacitor(),
        "ground": shared_ground(),
    }
