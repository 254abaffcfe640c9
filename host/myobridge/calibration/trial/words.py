"""The result of a trial in sentences and in a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from myobridge.calibration.trial.judge import Result
from myobridge.errors import printable

MEASURED: Final = {
    "commanded": "the angles that the daemon commands",
    "applied": "the angles that the board applies to the servos",
}


def limits_of(result: Result) -> list[str]:
    """What the trial measured, as sentences; the second one only if the model has learned no partial closings."""
    said = [f"Judged: {MEASURED[result.measured]}; the servos report no position of their own."]
    if not result.proportional:
        said.append(
            f"The model {printable(result.model)} has not learned partial closings, so the trial measures how well "
            "poses are chosen and held, not how well the hand follows half a grip."
        )
    return said


def sentences(result: Result) -> tuple[str, ...]:
    """The result for the wearer."""
    if not result.targets:
        return ("The trial ended without a finished target, so there is no result.",)
    over = len(result.targets)
    broken = () if result.finished else (f"The trial ended early, after {over} of {result.planned} targets.",)
    if result.task == "rest":
        times = "once" if result.false_movements == 1 else f"{result.false_movements} times"
        return (*broken, f"The hand left rest {times}, for {result.away_s:.1f} s in total.")
    reached = sum(target.outcome == "reached" for target in result.targets)
    said = [f"{reached} of {over} targets reached ({result.completion:.0%})."]
    if result.time_s is not None:
        said.append(f"Half of them took less than {result.time_s:.2f} s, not counting the time to stay.")
    if result.path_efficiency is not None:
        said.append(f"Path efficiency {result.path_efficiency:.0%}, {result.overshoots:.2f} overshoots a target.")
    if result.throughput is not None:
        said.append(_throughput(result))
    if result.score is not None:
        said.append(f"Score: {result.score} of {result.best_score} points.")
    return (*broken, *said)


def _throughput(result: Result) -> str:
    through = result.throughput
    assert through is not None
    if through.low_bits_s is None:
        return f"Throughput {through.bits_s:.2f} bits/s, from one condition."
    between = f"95 % confidence {through.low_bits_s:.2f} to {through.high_bits_s:.2f}"
    return f"Throughput {through.bits_s:.2f} bits/s ({between}), mean of {len(result.conditions)} conditions."


HEAD: Final = ("target", "depth", "outcome", "time_s", "path_efficiency", "overshoots")


def rows(result: Result) -> list[tuple[str, ...]]:
    """A row for each target, as HEAD; an empty cell for what was not measured."""
    return [
        (
            printable(target.name),
            f"{target.depth:.2f}",
            target.outcome,
            _cell(target.time_s),
            _cell(target.path_efficiency),
            str(target.overshoots),
        )
        for target in result.targets
    ]


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text with aligned columns."""
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in (head, *body)]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
