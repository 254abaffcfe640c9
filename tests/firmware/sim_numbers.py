"""The numbers of the firmware and its faults, as tables: measures all, and writes them into firmware/README.md.

python tests/firmware/sim_numbers.py            measure and write (some fifteen minutes)
python tests/firmware/sim_numbers.py --print    measure and print only
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import sim_measure as measure
from sim_faults import FAULTS
from sim_flood import AT_ONCE_MS, TRIES, stops_in_floods
from sim_hand import ALL_BOARDS, FIRMWARE
from sim_moving import Outcome

from myobridge.wire.messages import HOLD_MAX_MS, RELAX_MAX_MS, SERVO_PERIOD_MAX_US

LONG_RUN_MINUTES: Final = 10
SERVO_PERIOD_MS: Final = SERVO_PERIOD_MAX_US / 1000
FASTEST_MS: Final = {board: us / 1000 for board, us in measure.FASTEST_SERVO_PERIOD_US.items()}


@dataclass(frozen=True)
class Row:
    """One number. `limits`: lowest and highest right value, on each of ALL_BOARDS; None: for information."""

    what: str
    unit: str
    measure: Callable[[str], float]
    limits: tuple[tuple[float, float], ...] | None = None
    slow: bool = False

    def limit(self, board: str) -> tuple[float, float]:
        assert self.limits is not None
        return self.limits[ALL_BOARDS.index(board)]


def at_most(mega2560: float, uno: float, rp2040: float) -> tuple[tuple[float, float], ...]:
    return (0, mega2560), (0, uno), (0, rp2040)


def near(value: float, tolerance: float) -> tuple[tuple[float, float], ...]:
    return ((value - tolerance, value + tolerance),) * len(ALL_BOARDS)


def _working(key: str) -> Callable[[str], float]:
    return lambda board: measure.working(board)[key]


def _flood(key: str) -> Callable[[str], float]:
    return lambda board: measure.flood(board)[key]


def _stop(key: str) -> Callable[[str], float]:
    return lambda board: stops_in_floods(board)[key]


def _out(samples_per_frame: int, key: str) -> Callable[[str], float]:
    return lambda board: measure.sample_to_wire_ms(board, samples_per_frame)[key]


ROWS: Final = (
    Row("sampling jitter, worst channel", "µs", _working("jitter_us"), at_most(1, 1, 0)),
    Row(
        "servo pulse spread at a held angle", "µs", lambda b: measure.servo_figures(b)["spread_us"], at_most(1, 10, 0.1)
    ),
    Row("pulse error over 0–180°", "µs", lambda b: measure.servo_figures(b)["error_us"], at_most(1.5, 5, 0.5)),
    Row("CPU, 4 ch × 2 kHz", "%", measure.cpu_percent_streaming, at_most(35, 35, 15)),
    Row("CPU, the same and 213 setpoints/s", "%", _working("cpu_percent"), at_most(38, 38, 15)),
    Row("newest sample → last byte out, 4 samples a frame, median", "ms", _out(4, "median"), at_most(1.1, 1.1, 0.5)),
    Row("the same, worst (a STATUS in the way)", "ms", _out(4, "worst")),
    Row("newest sample → last byte out, 1 sample a frame, median", "ms", _out(1, "median"), at_most(0.7, 0.7, 0.5)),
    Row("the same, worst (a STATUS in the way)", "ms", _out(1, "worst")),
    Row("EMG values not bit-exact, of 40 000", "", measure.emg_that_differs, at_most(0, 0, 0)),
    Row(
        "setpoint's last byte → new pulse width at the pin",
        "ms",
        measure.setpoint_to_pulse_ms,
        at_most(SERVO_PERIOD_MS + 0.2, SERVO_PERIOD_MS + 0.2, SERVO_PERIOD_MS + 0.2),
    ),
    Row(
        "servo period, fastest for 2.5 ms pulses",
        "ms",
        lambda b: measure.fastest_servos(b)["period_us"] / 1000,
        tuple((ms - 0.005, ms + 0.005) for ms in FASTEST_MS.values()),
    ),
    Row(
        "at this rate: setpoint's last byte → new pulse width at the pin",
        "ms",
        lambda b: measure.setpoint_to_pulse_ms(b, measure.FASTEST_SERVO_PERIOD_US[b]),
        at_most(FASTEST_MS["mega2560"] + 0.7, FASTEST_MS["uno"] + 0.2, FASTEST_MS["rp2040"] + 0.2),
    ),
    Row("at this rate: CPU, 213 setpoints/s", "%", lambda b: measure.fastest_servos(b)["cpu_percent"]),
    Row("worst interrupt latency", "µs / 16", _working("latency_cycles"), at_most(200, 200, 200)),
    Row("received byte waits (two are lost)", "byte times", _flood("rx_wait_byte_times"), at_most(2, 2, 2)),
    Row("host silent → HOLD", "ms", lambda b: measure.silence_ms(b)[0], near(HOLD_MAX_MS, 10)),
    Row("host silent → RELAX", "ms", lambda b: measure.silence_ms(b)[1], near(RELAX_MAX_MS, 20)),
    Row("ESTOP → last pulse", "ms", measure.estop_to_last_pulse_ms, at_most(SERVO_PERIOD_MS, SERVO_PERIOD_MS, 2.5)),
    Row(
        f"frames lost over {LONG_RUN_MINUTES} min, armed and moving",
        "",
        lambda b: measure.frames_lost(b, LONG_RUN_MINUTES),
        at_most(0, 0, 0),
        slow=True,
    ),
    Row("random bytes at line rate: resets", "", _flood("resets"), at_most(0, 0, 0)),
    Row("random bytes at line rate: bytes lost", "", _flood("rx_lost"), at_most(0, 0, 0)),
    Row("random bytes at line rate: EMG frames lost", "", _flood("emg_lost"), at_most(0, 0, 0)),
    Row("random bytes at line rate: → HOLD", "ms", _flood("hold_ms"), near(HOLD_MAX_MS, 10)),
    Row("random bytes at line rate: → RELAX", "ms", _flood("relax_ms"), near(RELAX_MAX_MS, 20)),
    Row("random bytes at line rate: sampling jitter", "µs", _flood("jitter_us"), at_most(1, 1, 0)),
    Row("random bytes at line rate: longest pass of the main loop", "µs", _flood("max_loop_us")),
    Row("random bytes at line rate: CPU", "%", _flood("cpu_percent")),
    Row(
        f"DISARM or ESTOP in a flood of frames, of {TRIES} the worst",
        "ms",
        _stop("obeyed_ms"),
        at_most(AT_ONCE_MS, AT_ONCE_MS, AT_ONCE_MS),
    ),
    Row("the same, last pulse's end", "ms", _stop("last_pulse_ms"), at_most(AT_ONCE_MS, AT_ONCE_MS, AT_ONCE_MS)),
    Row("the same, bytes lost", "", _stop("bytes_lost"), at_most(0, 0, 0)),
)


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    if value == int(value) or value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3f}" if value < 0.01 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _target(row: Row) -> str:
    if row.limits is None:
        return ""
    texts = []
    for low, high in row.limits:
        middle = (low + high) / 2
        texts.append(f"≤ {_number(high)}" if low == 0 else f"{_number(middle)} ± {_number(high - middle)}")
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def within(row: Row, board: str, value: float) -> bool:
    """A number that a board does not have is not a number."""
    low, high = row.limit(board)
    return math.isnan(value) or low <= value <= high


def numbers_table() -> Iterator[str]:
    yield f"| | unit | target | {' | '.join(ALL_BOARDS)} |"
    yield "|---|---|---|" + "---|" * len(ALL_BOARDS)
    for row in ROWS:
        measured = []
        for board in ALL_BOARDS:
            value = row.measure(board)
            right = row.limits is None or within(row, board, value)
            measured.append(_number(value) if right else f"**{_number(value)}**")
        yield f"| {row.what} | {row.unit} | {_target(row)} | {' | '.join(measured)} |"


def _whats(outcomes: list[Outcome]) -> str:
    """What the safe state was, and where another board's differs."""
    parts = [outcomes[0].what]
    parts += [
        f"{board}: {o.what}"
        for board, o in zip(ALL_BOARDS[1:], outcomes[1:], strict=True)
        if o.what != outcomes[0].what
    ]
    return "; ".join(parts)


def faults_table() -> Iterator[str]:
    yield f"| # | fault | {' | '.join(f'{board}, ms' for board in ALL_BOARDS)} | safe state |"
    yield "|---|---|" + "---|" * len(ALL_BOARDS) + "---|"
    for number, (title, do) in FAULTS.items():
        outcomes = [do(board) for board in ALL_BOARDS]
        times = " | ".join("–" if outcome.safe_ms is None else _number(outcome.safe_ms) for outcome in outcomes)
        yield f"| {number} | {title} | {times} | {_whats(outcomes)} |"


def replace_between_markers(text: str, name: str, body: str) -> str:
    before, found, rest = text.partition(f"<!-- generated:{name} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not found or not end:
        raise SystemExit(
            f"firmware/README.md has no place for the {name}: add <!-- generated:{name} --> and <!-- end -->"
        )
    return f"{before}{found}{body}\n{end}{after}"


def main() -> None:
    tables = {}
    for name, table in (("numbers", numbers_table), ("faults", faults_table)):
        lines = []
        for line in table():
            print(line, flush=True)
            lines.append(line)
        print()
        tables[name] = "\n".join(lines)
    if "--print" not in sys.argv[1:]:
        readme = FIRMWARE / "README.md"
        text = readme.read_text(encoding="utf-8")
        for name, body in tables.items():
            text = replace_between_markers(text, name, body)
        readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
