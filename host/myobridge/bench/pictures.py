"""Draws the pictures of `myobridge bench`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from myobridge.bench.report import LOOPS
from myobridge.files import draft
from myobridge.recording.extras import need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI: Final = 110
BARS: Final = 80
LONGEST_MS: Final = 12.0
COLOURS: Final = {"ours": "tab:blue", "minimal_loop": "tab:gray", "minimal_loop_streaming": "tab:orange"}


def can_draw() -> None:
    """Checks, before a minute of measuring, that a picture can be drawn.

    Raises:
        UserError: matplotlib is not installed.
    """
    need("matplotlib.figure", "Drawing")


def draw_delays(result: dict[str, Any], path: Path) -> None:
    """Draws a histogram for each loop: the time from a sample to the first setpoint at the hand that reflects it.

    Raises:
        UserError: the file cannot be written.
    """
    figure = need("matplotlib.figure", "Drawing").Figure((8, 4), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    for key, colour in COLOURS.items():
        if (loop := result[key]) is None:
            continue
        at_ms, counts = zip(*loop["sample_to_hand_histogram"], strict=True)
        delay = loop["sample_to_hand_ms"]
        label = f"{LOOPS[key]}: p50 {delay['p50']:.2f}, p99 {delay['p99']:.2f} ms"
        axes.hist(
            at_ms, bins=BARS, range=(0, LONGEST_MS), weights=counts, density=True, alpha=0.6, color=colour, label=label
        )
        axes.axvline(delay["p50"], color=colour, linestyle="--", linewidth=1)
    axes.set_xlabel("from a sample to the first setpoint at the hand that reflects it (ms)")
    axes.set_ylabel("share per ms")
    axes.set_title(f"{result['channels']} channels × {result['fs_hz']:g} Hz, a decision every {result['hop_ms']:g} ms")
    axes.legend()
    _save(figure, path)


def draw_growth(result: dict[str, Any], path: Path) -> None:
    """Draws processor share, p99 and memory against the number of channels, one line per sampling rate.

    Raises:
        UserError: the file cannot be written.
    """
    rows = result["growth"]
    figure = need("matplotlib.figure", "Drawing").Figure((12, 3.6), dpi=DPI, layout="constrained")
    values: dict[str, Callable[[dict[str, Any]], float]] = {
        "processor (s/s)": lambda row: row["cpu_seconds_per_second"],
        "read → setpoint written, p99 (ms)": lambda row: row["latency_ms"]["p99"],
        "memory (MB)": lambda row: row["rss_mb"],
    }
    for axes, (name, value) in zip(figure.subplots(1, len(values)), values.items(), strict=True):
        for fs_hz in sorted({row["fs_hz"] for row in rows}):
            of_rate = [row for row in rows if row["fs_hz"] == fs_hz]
            channels = [row["channels"] for row in of_rate]
            axes.plot(channels, [value(row) for row in of_rate], marker="o", label=f"{fs_hz} Hz")
        axes.set_xscale("log", base=2)
        counts = sorted({row["channels"] for row in rows})
        axes.set_xticks(counts, [str(n) for n in counts])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("channels")
        axes.set_ylabel(name)
    axes.legend()
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with draft(path) as half:
        figure.savefig(half, format="png")
