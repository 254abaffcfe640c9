"""The notes' table for any sampling rate: filters, receptive fields, window, and parameters by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from myobridge_models.network.shape import Shape
from myobridge_models.report.tables import print_table


def facts(shape: Shape) -> dict[str, Any]:
    """Returns all values of the table, for JSON. Fields are in samples unless they say _ms or _hz."""
    fs_hz = shape.fs_hz
    rows = [
        {
            "name": d.name,
            "ap_hz": d.ap_hz,
            "trained": d.ap_hz is not None,
            "kernel": d.kernel,
            "layers": d.layers,
            "dilation": d.dilation(fs_hz),
            "pinned": fs_hz < d.pinned_below_hz(),
            "detector_field_samples": d.receptive_field(fs_hz),
            "detector_field_ms": 1000 * d.receptive_field(fs_hz) / fs_hz,
            "stride": shape.stride(d),
            "pattern_dilations": list(shape.dilations(d)),
            "outputs": shape.means * shape.averaged_outputs(d),
            "feature_field_samples": shape.feature_field(d),
            "feature_field_ms": 1000 * shape.feature_field(d) / fs_hz,
            "path_window_samples": shape.path_window(d),
            "path_window_ms": 1000 * shape.path_window(d) / fs_hz,
        }
        for d in shape.detectors
    ]
    parameters = shape.parameters()
    return {
        "fs_hz": fs_hz,
        "channels": shape.channels,
        "detectors": rows,
        "pattern_kernel": shape.pattern_kernel,
        "pattern_dilations": list(shape.pattern_dilations),
        "outputs": shape.outputs,
        "averaged": shape.averaged,
        "likeness_spans_samples": list(shape.correlation_spans),
        "likeness_lags_samples": list(shape.correlation_lags),
        "pattern_values": shape.pattern_values,
        "likeness_values": shape.correlation_values,
        "feature_values": shape.feature_values,
        "history_values": shape.history_values,
        "window_samples": shape.window_samples,
        "window_ms": 1000 * shape.window_samples / fs_hz,
        "parameters": parameters,
        "parameters_total": sum(parameters.values()),
        "warnings": warnings(shape),
    }


def warnings(shape: Shape) -> list[str]:
    """Returns a sentence for each detector that cannot be tuned to its AP frequency at this sampling rate."""
    beyond = [d for d in shape.detectors if d.ap_hz is not None and d.ap_hz > shape.fs_hz / 2]
    return [
        f"{d.name}: {d.ap_hz:g} Hz lies above half the sampling rate of {shape.fs_hz:g} Hz, so this filter cannot see "
        "its action potentials; record at a higher rate."
        for d in beyond
    ] + [
        f"{d.name}: its dilation is pinned at 1 below {d.pinned_below_hz():g} Hz, so at {shape.fs_hz:g} Hz a layer "
        f"spans {1000 * d.kernel / shape.fs_hz:.1f} ms, not one period of {d.ap_hz:g} Hz ({1000 / d.ap_hz:.1f} ms)."
        for d in shape.detectors
        if d.ap_hz is not None and d not in beyond and shape.fs_hz < d.pinned_below_hz()
    ]


def print_facts(shape: Shape, console: Console) -> None:
    """Prints the table."""
    values = facts(shape)
    print_table(_detector_table(values), console)
    console.print(
        f"Stage 2: k {shape.pattern_kernel}, dilations d, {shape.pattern_features} features, ReLU, n outputs a map, "
        f"of which the MLP reads {shape.means} mean{'s' * (shape.means > 1)}.\n"
        f"{shape.alike} over {_listed(shape.correlation_spans)} samples: {len(shape.neighbours)} pairs of "
        f"channels, and each channel with itself {_listed(shape.correlation_lags)} samples ago.\n"
        f"MLP: {shape.pattern_values} pattern values + {shape.correlation_values} values of {shape.alike.lower()} + "
        f"{shape.history_values} angles A(n), A(n−1).\n"
        f"Window: {shape.window_samples} samples = {values['window_ms']:.1f} ms, the longest path."
    )
    print_table(_parameter_table(values), console)
    for warning in values["warnings"]:
        console.print(f"[yellow]Warning:[/] {warning}")


def _detector_table(values: dict[str, Any]) -> Table:
    table = Table(title=f"Stage 1 at {values['fs_hz']:g} Hz: per channel, no ReLU; stage 2 reads it at the stride")
    table.add_column("filter")
    for heading in ("AP Hz", "k × layers", "d0", "R", "R ms", "stride", "d", "n", "window", "ms"):
        table.add_column(heading, justify="right")
    for row in values["detectors"]:
        table.add_row(
            row["name"],
            f"{row['ap_hz']:g}" if row["trained"] else "fixed",
            f"{row['kernel']} × {row['layers']}",
            f"{row['dilation']}{'!' if row['pinned'] else ''}",
            str(row["detector_field_samples"]),
            f"{row['detector_field_ms']:.1f}",
            str(row["stride"]),
            _listed(row["pattern_dilations"]),
            str(row["outputs"]),
            str(row["path_window_samples"]),
            f"{row['path_window_ms']:.1f}",
        )
    return table


def _parameter_table(values: dict[str, Any]) -> Table:
    total = values["parameters_total"]
    table = Table(title=f"{total:,} trained parameters, {values['channels']} channels")
    table.add_column("layer")
    table.add_column("parameters", justify="right")
    table.add_column("share", justify="right")
    for layer, count in values["parameters"].items():
        table.add_row(layer, f"{count:,}", f"{count / total:.2%}")
    return table


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def print_times(times_ms: dict[str, dict[str, float]], console: Console) -> None:
    """Prints the result of `untrained.decision_times_ms`."""
    times = "; ".join(f"{name} {own['p50']:.3f} ms (p99 {own['p99']:.3f})" for name, own in times_ms.items())
    console.print(f"Median time of a decision in onnxruntime, on one thread of this machine: {times}.")
