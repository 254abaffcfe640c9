"""Measures everything that `myobridge bench` reports."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from myobridge.bench import decoding, inference, live, sizes
from myobridge.bench.report import LOOPS
from myobridge.daemon.realtime import enter_realtime
from myobridge.metrics import Distribution
from myobridge.model.file import ModelSpec
from myobridge.model.load import open_model
from myobridge.settings import Settings, load_settings

TURNS: Final = 5
"""Runs of each loop. The loops take turns, so that a machine that slows down slows all of them."""


def measure(model_path: Path, config_path: Path | None, seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measures everything; `tell` gets a phrase before each part, and what the system does not permit.

    Raises:
        UserError: the model or the settings cannot be used, or a loop failed.
    """
    config, model = load_settings(config_path), open_model(model_path)
    for refused in enter_realtime(config.realtime.fifo_priority):  # every loop inherits it
        tell(refused)
    tell("decoding frames")
    decoded = decoding.million_frames_per_s()
    tell("timing the network")
    windowed, streaming = inference.windowed_and_streaming(model_path)
    tell("timing other sizes")
    with TemporaryDirectory(prefix="myobridge-") as folder:
        room = sizes.room(Path(folder), config)
    loops = {
        "ours": live.daemon(model_path, config_path, seconds),
        "minimal_loop": live.minimal(model_path, "window", seconds),
    }
    if model.streaming:
        loops["minimal_loop_streaming"] = live.minimal(model_path, "streaming", seconds)
    runs = take_turns(loops, model.spec, config, tell)
    ours, least, streaming_least = (runs.get(name) for name in LOOPS)
    assert ours and least
    return {
        "machine": machine(),
        "model": model.spec.name,
        "channels": len(model.spec.channels),
        "fs_hz": model.spec.fs_hz,
        "hop_ms": model.spec.hop_ms,
        "million_frames_per_s": decoded,
        "windowed": {"inference_ms": windowed.summary_ms()},
        "streaming": None if streaming is None else {"inference_ms": streaming.summary_ms()},
        "ours": ours,
        "minimal_loop": least,
        "minimal_loop_streaming": streaming_least,
        "ratios": ratios(ours, least),
        "ratios_streaming": streaming_least and ratios(ours, streaming_least),
        "sizes": room,
        "largest_in_time": sizes.largest(room),
    }


def take_turns(
    loops: dict[str, live.Command], spec: ModelSpec, config: Settings, tell: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Runs the loops in turn on a simulated hand; the summary of each."""
    source = live.emg_for(spec)
    runs: dict[str, list[live.Run]] = {name: [] for name in loops}
    for turn in range(TURNS):
        for name in sorted(loops, reverse=bool(turn % 2)):
            tell(f"running {LOOPS[name]} on a simulated hand")
            runs[name].append(live.run_loop(loops[name], source, config))
    return {name: summary(of_loop, spec) for name, of_loop in runs.items()}


def machine() -> dict[str, Any]:
    """The machine and the versions on which this was measured."""
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": ort.__version__,
    }


def summary(runs: list[live.Run], spec: ModelSpec) -> dict[str, Any]:
    """Medians of the runs' own summaries; delays of all runs in one distribution."""
    said = [run.said for run in runs]
    delay = Distribution()
    for run in runs:
        delay.merge(run.sample_age.spread([i / spec.fs_hz for i in range(spec.hop_samples)]))
    latency = {p: round(median(one["latency_ms"][p] for one in said), 3) for p in ("p50", "p99")}
    keys = ("cpu_seconds_per_second", "rss_mb", "start_to_first_command_s", "samples_lost", "deadline_misses")
    return {
        "latency_ms": latency,
        "sample_to_hand_ms": delay.summary_ms(),
        "sample_to_hand_histogram": delay.bars(),
        **{key: round(median(one[key] for one in said), 4) for key in keys if key in said[0]},
    }


def ratios(ours: dict[str, Any], least: dict[str, Any]) -> dict[str, float]:
    """Our figures divided by a minimal loop's."""
    pairs = {
        "latency_p50": (ours["latency_ms"]["p50"], least["latency_ms"]["p50"]),
        "latency_p99": (ours["latency_ms"]["p99"], least["latency_ms"]["p99"]),
        "cpu": (ours["cpu_seconds_per_second"], least["cpu_seconds_per_second"]),
    }
    return {name: round(one / other, 3) for name, (one, other) in pairs.items()}
