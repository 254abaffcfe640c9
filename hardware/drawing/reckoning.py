"""The sums behind POWER.md and BOM.md, as Markdown tables. Assumptions stand at the top, each once."""

from __future__ import annotations

from typing import Final

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

ADC_V: Final = 5.0
ADC_STEPS: Final = 1024
GAINS: Final = (200, 1000, 2420)


def _table(*rows: tuple[str, ...]) -> str:
    head, *body = rows
    lines = [head, ("---",) * len(head), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def battery_a(power_w: float, battery_v: float = BATTERY_V) -> float:
    """What the regulator draws from the battery."""
    return power_w / EFFICIENCY / battery_v


def assumptions() -> str:
    """What the sums start from, in a sentence."""
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
    return _table(*rows)


def fuse() -> str:
    """The most that the battery side carries: all servos stalled, the battery nearly empty."""
    worst_a = battery_a(STALLED_A * SERVO_V, BATTERY_EMPTY_V)
    return f"All five stalled on a nearly empty battery ({BATTERY_EMPTY_V:g} V): **{worst_a:.1f} A** through the fuse."


def wires() -> str:
    """Voltage lost in the wire from regulator to servo rail and back, all servos stalled."""
    rows = [("wire, 0.3 m there and back", f"lost at {STALLED_A:g} A")]
    for area_mm2 in (0.25, 0.75, 1.5, 2.5):
        lost_v = STALLED_A * WIRE_M * COPPER_OHM_MM2_PER_M / area_mm2
        rows.append((f"{area_mm2:g} mm²", f"{lost_v:.2f} V"))
    return _table(*rows)


def capacitor() -> str:
    """Dip of the rail while the regulator takes 100 µs to answer a full stall."""
    head = ("capacitor", f"dip when {STALLED_A:g} A are asked for, in the first 100 µs")
    return _table(head, *((f"{uf} µF", f"{STALLED_A * 100 / uf:.2f} V") for uf in (470, 1000, 2200, 4700)))


def shared_ground() -> str:
    """What the ADC sees if the servos' return current flows through the board's ground wire."""
    seen_v = STALLED_A * SHARED_OHM
    counts = f"**{seen_v / ADC_V * ADC_STEPS:.0f} counts** of the ADC"
    return f"{STALLED_A:g} A through {1000 * SHARED_OHM:g} mΩ is {1000 * seen_v:.0f} mV: {counts}."


def gains() -> str:
    """What an amplifier's gain means in counts."""
    rows = [("gain", "one count is", "100 µV of EMG are", "the ADC's ends are reached at")]
    for gain in GAINS:
        count_uv = ADC_V / ADC_STEPS / gain * 1e6
        end_mv = ADC_V / 2 / gain * 1e3
        rows.append((str(gain), f"{count_uv:.1f} µV", f"{100 / count_uv:.0f} counts", f"±{end_mv:.1f} mV"))
    return _table(*rows)


def power_tables() -> dict[str, str]:
    """The blocks of POWER.md."""
    return {
        "assumptions": assumptions(),
        "budget": budget(),
        "fuse": fuse(),
        "wires": wires(),
        "capacitor": capacitor(),
        "ground": shared_ground(),
    }
