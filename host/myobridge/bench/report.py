"""The text that `myobridge bench` prints."""

from __future__ import annotations

from textwrap import fill
from typing import Any, Final

LOOPS: Final = {
    "ours": "myobridge",
    "minimal_loop": "minimal loop",
    "minimal_loop_streaming": "streaming minimal loop",
}
"""Names of the loops, by their keys in the result."""
MINIMAL: Final = "minimal loop"
COLUMNS: Final = 80
WIDTH, OURS, OTHERS = 38, 10, 16
"""Columns of the table: what was measured, myobridge, and each of the others with the ratio."""
EXPLAINED: Final = (
    "In brackets: myobridge's figure divided by the minimal loop's. The minimal loops do not filter, check or limit "
    "anything. The minimal loop computes the whole window at each decision. The streaming minimal loop runs "
    "myobridge's own graph: its ratio shows the cost of filter, checks and feed."
)
ROWS: Final = (
    ("read → setpoint written, p50 (ms)", "latency_ms", "p50"),
    ("read → setpoint written, p99 (ms)", "latency_ms", "p99"),
    ("sampled → setpoint at the hand, p50", "sample_to_hand_ms", "p50"),
    ("sampled → setpoint at the hand, p99", "sample_to_hand_ms", "p99"),
    ("processor (s/s)", "cpu_seconds_per_second", ""),
    ("memory (MB)", "rss_mb", ""),
)


def as_text(result: dict[str, Any]) -> str:
    """The result as text of at most 80 columns."""
    at = result["machine"]
    decoded = ", ".join(f"{rate:.2f} {how}" for how, rate in result["million_frames_per_s"].items())
    lines = [
        fill(
            f"{at['machine']}, {at['cores']} cores, load {at['load']:g}; Python {at['python']}, numpy {at['numpy']}, "
            f"onnxruntime {at['onnxruntime']}",
            COLUMNS,
        ),
        fill(
            f"{result['model']}: {result['channels']} channels × {result['fs_hz']:g} Hz, a decision every "
            f"{result['hop_ms']:g} ms",
            COLUMNS,
        ),
        "",
        f"decoding, million frames/s: {decoded}",
        *[_inference(how, result[how]["inference_ms"]) for how in ("windowed", "streaming") if result[how]],
        "",
        *_loops(result),
        "",
        f"a turn of the loop without a port, p99 in ms, of the hop's {result['sizes'][0]['hop_ms']:g} ms:",
        *_sizes(result["sizes"]),
        fill(_largest(result["largest_in_time"]), COLUMNS),
    ]
    return "\n".join(lines)


def _inference(how: str, ms: dict[str, float]) -> str:
    return f"{how} inference: p50 {ms['p50']:.3f} ms, p99 {ms['p99']:.3f} ms"


def _loops(result: dict[str, Any]) -> list[str]:
    ours, *others = [result[key] for key in LOOPS if result[key]]
    names = [LOOPS[key] for key in LOOPS if result[key]]
    heads = [name.removesuffix(MINIMAL).strip() for name in names], [MINIMAL * (MINIMAL in name) for name in names]
    (_, *above), (_, *below) = heads
    lines = [
        f"{'':{WIDTH}}{'':{OURS}}" + "".join(f"{word:>{OTHERS}}" for word in above),
        f"{'':{WIDTH}}{names[0]:>{OURS}}" + "".join(f"{word:>{OTHERS}}" for word in below),
    ]
    for text, key, percentile in ROWS:
        own, *theirs = (loop[key][percentile] if percentile else loop[key] for loop in (ours, *others))
        cells = (f"{f'{one:.3f} ({own / one:.2f})':>{OTHERS}}" for one in theirs)
        lines.append(f"{text:{WIDTH}}{own:{OURS}.3f}" + "".join(cells))
    lines.append(f"{'start → first setpoint (s)':{WIDTH}}{ours['start_to_first_command_s']:{OURS}.2f}")
    lines.append(f"{'samples lost':{WIDTH}}{ours['samples_lost']:{OURS}.0f}")
    lines.append(f"{'hops that were not done in time':{WIDTH}}{ours['deadline_misses']:{OURS}.0f}")
    return [*lines, fill(EXPLAINED, COLUMNS)]


def _sizes(rows: list[dict[str, Any]]) -> list[str]:
    rates, counts = sorted({row["fs_hz"] for row in rows}), sorted({row["channels"] for row in rows})
    p99 = {(row["channels"], row["fs_hz"]): row["turn_ms"]["p99"] for row in rows}
    lines = [f"{'channels':>10}" + "".join(f"{f'{rate} Hz':>10}" for rate in rates)]
    return lines + [f"{n:10}" + "".join(f"{p99[n, rate]:10.2f}" for rate in rates) for n in counts]


def _largest(row: dict[str, Any] | None) -> str:
    if row is None:
        return "No size is done in time on this machine."
    return (
        f"The largest size that is done in time on this machine: {row['channels']} channels × {row['fs_hz']} Hz, which "
        f"needs {row['turn_ms']['p99']:.2f} ms of each {row['hop_ms']:g} ms."
    )
