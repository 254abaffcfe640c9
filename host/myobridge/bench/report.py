"""What `myobridge bench` prints."""

from __future__ import annotations

from typing import Any


def as_text(result: dict[str, Any]) -> str:
    """The result for people."""
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
        *_loops(result["ours"], result["minimal_loop"]),
        "",
        "a turn of the loop without a port, p99 in ms, of the hop's 5 ms:",
        *_sizes(result["sizes"]),
        _largest(result["largest_in_time"]),
    ]
    return "\n".join(lines)


def _inference(how: str, ms: dict[str, float]) -> str:
    return f"{how} inference: p50 {ms['p50']:.3f} ms, p99 {ms['p99']:.3f} ms"


def _loops(ours: dict[str, Any], least: dict[str, Any]) -> list[str]:
    rows = [
        ("read → setpoint written, p50", "ms", "latency_ms", "p50"),
        ("the same, p99", "ms", "latency_ms", "p99"),
        ("sampled → command at the hand, p50", "ms", "sample_to_hand_ms", "p50"),
        ("the same, p99", "ms", "sample_to_hand_ms", "p99"),
        ("processor", "s/s", "cpu_seconds_per_second", ""),
        ("memory", "MB", "rss_mb", ""),
    ]
    lines = [f"{'':38}{'myobridge':>14}{'minimal loop':>14}{'ratio':>8}"]
    for text, unit, key, percentile in rows:
        one, other = (loop[key][percentile] if percentile else loop[key] for loop in (ours, least))
        lines.append(f"{f'{text} ({unit})':38}{one:14.3f}{other:14.3f}{one / other:8.2f}")
    lines.append(f"{'start → first setpoint (s)':38}{ours['start_to_first_command_s']:14.2f}")
    lines.append(f"{'samples lost':38}{ours['samples_lost']:14.0f}")
    lines.append(f"{'hops that were not done in time':38}{ours['deadline_misses']:14.0f}")
    return lines


def _sizes(rows: list[dict[str, Any]]) -> list[str]:
    rates, counts = sorted({row["fs_hz"] for row in rows}), sorted({row["channels"] for row in rows})
    p99 = {(row["channels"], row["fs_hz"]): row["turn_ms"]["p99"] for row in rows}
    lines = [f"{'channels':>10}" + "".join(f"{f'{rate} Hz':>10}" for rate in rates)]
    return lines + [f"{n:10}" + "".join(f"{p99[n, rate]:10.2f}" for rate in rates) for n in counts]


def _largest(row: dict[str, Any] | None) -> str:
    if row is None:
        return "None of these sizes is done in time here."
    return (
        f"The largest that is done in time here: {row['channels']} channels × {row['fs_hz']} Hz, which needs "
        f"{row['turn_ms']['p99']:.2f} ms of each {row['hop_ms']:g} ms."
    )
