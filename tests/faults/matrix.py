"""The fault matrix, end to end: causes each fault in a daemon and a hand, and measures the time to the safe state.

python tests/faults/matrix.py --runs 3 --kills 50                    all of it, and the table into firmware/SAFETY.md
python tests/faults/matrix.py --runs 2 --hands rp2040                the columns of these hands; the others stay
python tests/faults/matrix.py --print --rows 1 4a --hands simulated  some of it, only printed

The simulated hand is host/myobridge/simulator; the boards are the very images that are flashed, in their simulators.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import rows_hand
import rows_host
import rows_wire
from devices import PULSE_SPAN_US
from rig import Outcome, Rig, leave_nothing_running
from sim_hand import ALL_BOARDS, BOARDS, FIRMWARE
from sim_moving import PULSE_TOLERANCE_US
from sim_numbers import replace_between_markers

from myobridge.decoder.contact import CHECK_S, CHECKS
from myobridge.settings import ServoSettings
from myobridge.wire.messages import ANGLE_MAX_CDEG, HOLD_MAX_MS, SERVO_PERIOD_MAX_US

SIMULATED: Final = ("simulated",)
TRIES: Final = 5
HANDS: Final = (*SIMULATED, *ALL_BOARDS)
HOLD_MS: Final = HOLD_MAX_MS + 10
SERVO_PERIOD_MS: Final = SERVO_PERIOD_MAX_US / 1000
"""The hand's own time, and the transport of the last setpoint and of the STATUS."""
NETWORK_MS: Final = HOLD_MS + 5
"""The network goes wrong with the next decision."""
ELECTRODE_MS: Final = HOLD_MS + 1000 * (CHECK_S + CHECK_S / CHECKS)
WATCHDOG_MS: Final = 1.1 * 120


@dataclass(frozen=True)
class Row:
    """One fault. limit_ms: to the safe state; None: it must never become unsafe. hands: where it applies."""

    number: str
    fault: str
    do: Callable[[Rig], Outcome]
    limit_ms: float | None = None
    hands: tuple[str, ...] = HANDS


ROWS: Final = (
    Row("1", "host killed while moving", rows_host.killed, HOLD_MS),
    Row("2", "host stopped for 300 ms", rows_host.stopped, HOLD_MS),
    Row("3", "PINGs but no setpoints", rows_host.pings_only, HOLD_MS),
    Row("4a", "unplugged for a second in mid-grip", rows_host.unplugged_for_a_moment, HOLD_MS),
    Row("4b", "unplugged until the hand is at rest", rows_host.unplugged_until_at_rest, HOLD_MS),
    Row(
        "4c",
        "unplugged for a second; the opening of the port resets the board",
        rows_host.unplugged_and_reset_by_the_opening,
        HOLD_MS,
        BOARDS,
    ),
    Row("5", "bit flips, 1 in 10 000, both ways", rows_wire.bit_flips),
    Row("6", "burst of 300 bytes lost", rows_wire.burst_lost),
    Row("7", "endless non-zero bytes, both ways", rows_wire.endless_bytes, HOLD_MS),
    Row("8", "good CRC, angle 65535", rows_wire.impossible_angle, 10),
    Row("9", "good CRC, unknown type or wrong length, both ways", rows_wire.unknown_and_too_short),
    Row("10", "steps between 0° and 180° at 200 Hz", rows_wire.full_steps),
    Row("11", "an old setpoint again", rows_wire.replayed),
    Row("12a", "firmware hangs: main loop", rows_hand.loop_hangs, WATCHDOG_MS, ALL_BOARDS),
    Row("12b", "firmware hangs: interrupt", rows_hand.interrupt_hangs, WATCHDOG_MS, ALL_BOARDS),
    Row("12c", "converter stalls", rows_hand.converter_stalls, 60, ALL_BOARDS),
    Row("13", "reset in mid-motion", rows_hand.reset_in_mid_motion, SERVO_PERIOD_MS),
    Row("14", "protocol hashes differ", rows_wire.protocols_differ),
    Row("15", "CONFIG while armed, or one that overloads the line", rows_wire.config_while_armed),
    Row("16", "electrode off, flat, saturated, hum only", rows_hand.bad_electrode, ELECTRODE_MS, SIMULATED),
    Row("17a", "NaN from the network", rows_host.no_number, NETWORK_MS),
    Row("17b", "model missing or wrong", rows_host.no_model, None, SIMULATED),
    Row("18", "inference stalls for 500 ms", rows_host.stalled, NETWORK_MS),
    Row("19", "host does not read", rows_host.not_reading, HOLD_MS),
    Row("20a", "sample index (simulated) or clocks (boards) wrap", rows_hand.wraps),
    Row("20b", "ESTOP in four states", rows_hand.emergency_stop, SERVO_PERIOD_MS),
)


@contextmanager
def moved_within_slew(hand: str, seed: int = 0) -> Iterator[Rig]:
    """A rig; at the end it checks that no servo ever moved further in one period than the slew allows."""
    with tempfile.TemporaryDirectory(prefix="myobridge-") as folder:
        with Rig(Path(folder), hand, seed=seed) as rig:
            yield rig
        slew_us = 100 * ServoSettings().slew_deg_per_s * SERVO_PERIOD_MS / 1000 / ANGLE_MAX_CDEG * PULSE_SPAN_US
        step_us = rig.device.largest_step_us()
        assert 0 < step_us <= slew_us + PULSE_TOLERANCE_US.get(hand, 0), f"{step_us:.0f} µs in one servo period"


def measured(row: Row, rig: Rig) -> Outcome:
    """Causes the fault; repeats it if the machine delayed the simulated hand, because a real hand is never delayed."""
    try:
        for _ in range(TRIES):
            began_s = time.monotonic()
            outcome = row.do(rig)
            if outcome.safe_ms is None or row.limit_ms is None or outcome.safe_ms <= row.limit_ms:
                break
            if rig.cable.stood_still_s < began_s:
                break
    except AssertionError as error:
        raise AssertionError(f"{row.number} on {rig.hand}: {error}\n{rig.said[-1000:]}") from error
    assert (outcome.safe_ms is None) == (row.limit_ms is None)
    return outcome


Columns = dict[str, dict[str, str]]
"""Cells of a table, by the heads of its columns and the numbers of its rows."""
WHAT: Final = "what the hand does"


def columns_of(table: str) -> Columns:
    """The cells of a table that `lines_of` made."""
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.strip().splitlines())
    return {name: {row[0]: row[at] for row in rows} for at, name in enumerate(head)}


def column(hand: str) -> str:
    """The head of a hand's column."""
    return f"{hand}, ms"


def lines_of(rows: list[Row], hands: list[str], cells: Columns) -> Iterator[str]:
    """Lines of Markdown."""
    yield f"| # | fault | {WHAT} | limit, ms | {' | '.join(map(column, hands))} |"
    yield "|---|---|---|---|" + "---|" * len(hands)
    for row in rows:
        limit = "–" if row.limit_ms is None else f"{row.limit_ms:.0f}"
        times = [cells[column(hand)].get(row.number, "–") for hand in hands]
        yield f"| {row.number} | {row.fault} | {cells[WHAT][row.number]} | {limit} | {' | '.join(times)} |"


def measure(rows: list[Row], hands: list[str], runs: int, kills: int) -> Columns:
    """Causes each fault so many times in each hand; the worst times, and what the first hand that has the row does."""
    cells: Columns = {WHAT: {}, **{column(hand): {} for hand in hands}}
    for hand in hands:
        with moved_within_slew(hand) as rig:
            for row in (row for row in rows if hand in row.hands):
                for _ in range(kills if row.number == "1" else runs):
                    outcome = measured(row, rig)
                    cells[WHAT].setdefault(row.number, outcome.what)
                    print(f"{hand} {row.number}: {outcome}", flush=True)
                    if outcome.safe_ms is not None:
                        worst = max(round(outcome.safe_ms), int(cells[column(hand)].get(row.number, 0)))
                        cells[column(hand)][row.number] = str(worst)
    return cells


def main() -> None:
    """Runs, prints, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", help="numbers; default: all")
    parser.add_argument("--hands", nargs="+", choices=HANDS, default=list(HANDS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=50, help="runs of row 1")
    parser.add_argument("--print", action="store_true", dest="only_print")
    asked = parser.parse_args()
    leave_nothing_running()
    rows = [row for row in ROWS if asked.rows is None or row.number in asked.rows]
    cells = measure(rows, asked.hands, asked.runs, asked.kills)
    print("\n".join(lines_of(rows, asked.hands, cells)))
    if not asked.only_print and asked.rows is None:
        document = FIRMWARE / "SAFETY.md"
        text = document.read_text(encoding="utf-8")
        before = columns_of(text.partition("<!-- generated:matrix -->\n")[2].partition("<!-- end -->")[0])
        what = cells[WHAT] if asked.hands == list(HANDS) else {**cells[WHAT], **before[WHAT]}
        cells = {**before, **cells, WHAT: what}
        lines = "\n".join(lines_of(rows, [hand for hand in HANDS if column(hand) in cells], cells))
        document.write_text(replace_between_markers(text, "matrix", lines), encoding="utf-8")


if __name__ == "__main__":
    main()
