"""The text that `myobridge bench` prints."""

from __future__ import annotations

from typing import Any, Final

LOOPS: Final = {
    "ours": "myobridge",
    "minimal_loop": "minimal loop",
    "minimal_loop_streaming": "streaming minimal loop",
}
"""Names of the loops, by their keys in the result."""
WIDTH: Final = 38
ROWS: Final = (
    ("read → setpoint written, p50 (ms)", "latency_ms", "p50"),
    ("read → setpoint written, p99 (ms)", "latency_ms", "p99"),
    ("sampled → setpoint at the hand, p50", "sample_to_hand_ms", "p50"),
    ("sampled → setpoint at the hand, p99", "sample_to_hand_ms", "p99"),
    ("processor (s/s)", "cpu_seconds_per_second", ""),
    ("memory (MB)", "rss_mb", ""),
)


def as_text(result: dict[str, Any]) -> str:
    """The result as text."""
    at = result["machine"]
    decoded = ", ".join(f"{rate:.2f} {how}" for how, rate in result["million_frames_per_s"].items())
    lines = [
        f"{at['machine']}, {at['cores']} cores, load {at['load']:g}; Python {at['python']}, numpy {at['numpy']}, "
        f"onnxruntime {at['onnxruntime']}",
        f"{result['model']}: {result['channels']} channels × {result['fs_hz']:g} Hz, a decision every "
        f"{result['hop_ms']:g} ms",
        "",
        f"decoding, million frames/s: {decoded}",
        *[_inference(how, result[how]["inference_ms"]) for how in ("windowed", "streaming") if result[how]],
        "",
        *_loops(result),
        "",
        f"a turn of the loop without a port, p99 in ms, of the hop's {result['sizes'][0]['hop_ms']:g} ms:",
        *_sizes(result["sizes"]),
        _largest(result["largest_in_time"]),
    ]
    return "\n".join(lines)


def _inference(how: str, ms: dict[str, float]) -> str:
    return f"{how} inference: p50 {ms['p50']:.3f} ms, p99 {ms['p99']:.3f} ms"


def _loops(result: dict[str, Any]) -> list[str]:
    ours, *others = [result[key] for key in LOOPS if result[key]]
    heads = [f"{LOOPS[key]:>24}{'ratio':>7}" for key in LOOPS if key != "ours" and result[key]]
    lines = [f"{'':{WIDTH}}{LOOPS['ours']:>10}" + "".join(heads)]
    for text, key, percentile in ROWS:
        own, *theirs = (loop[key][percentile] if percentile else loop[key] for loop in (ours, *others))
        lines.append(f"{text:{WIDTH}}{own:10.3f}" + "".join(f"{one:24.3f}{own / one:7.2f}" for one in theirs))
    lines.append(f"{'start → first setpoint (s)':{WIDTH}}{ours['start_to_first_command_s']:10.2f}")
    lines.append(f"{'samples lost':{WIDTH}}{ours['samples_lost']:10.0f}")
    lines.append(f"{'hops that were not done in time':{WIDTH}}{ours['deadline_misses']:10.0f}")
    return [
        *lines,
        "The minimal loops do not filter, check or limit anything. The minimal loop computes the whole window at each",
        "decision. The streaming one runs myobridge's own graph: its ratio shows the cost of filter, checks and feed.",
    ]


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
