"""Runs a recording through the pipeline as fast as possible: the setpoints that the hand would have received."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.board import check_rate
from myobridge.decoder.pipeline import Pipeline, Withheld
from myobridge.errors import UserError
from myobridge.metrics import Distribution, ProcessCost
from myobridge.model.file import ModelSpec
from myobridge.model.load import Model
from myobridge.recording import Recording
from myobridge.recording.npz_file import save_npz
from myobridge.settings import Settings


@dataclass(frozen=True)
class Replay:
    """One row per decision on a full window.

    sample: int64 (decisions,), row in the recording of the newest sample of the window.
    raw_deg, angles_deg: float32 (decisions, 5), the network's output, and the angles after smoothing and limits.
    withheld: uint8 (decisions,), values of Withheld.
    """

    sample: NDArray[np.int64]
    raw_deg: NDArray[np.float32]
    angles_deg: NDArray[np.float32]
    withheld: NDArray[np.uint8]

    def save(self, path: Path) -> Path:
        """Writes the rows as arrays of an .npz; the path written.

        Raises:
            UserError: the file cannot be written.
        """
        return save_npz(path, vars(self))


def check_fits(recording: Recording, spec: ModelSpec, path: Path) -> None:
    """Refuses a recording that the model does not fit.

    Raises:
        UserError: the recording has another sampling rate or another number of channels.
    """
    if recording.fs_hz != spec.fs_hz or recording.channels != len(spec.channels):
        raise UserError(
            f"{path} has {recording.channels} channels at {recording.fs_hz:g} Hz, but the model {spec.name} is for "
            f"{len(spec.channels)} channels at {spec.fs_hz:g} Hz; choose a model that fits this recording."
        )


def replay(recording: Recording, pipeline: Pipeline, latency: Distribution | None = None) -> Replay:
    """Decisions of `pipeline` on each take of the recording, each from rest; `latency` collects their durations."""
    rows, raw, angles, withheld = [], [], [], []
    hop = pipeline.spec.hop_samples
    for take in recording.takes():
        pipeline.reset()
        counts = recording.counts[take]
        for at in range(0, len(counts) - hop + 1, hop):
            began_s = time.perf_counter()
            for block in pipeline.acquisition.push(at, counts[at : at + hop]):
                decision = pipeline.decide(block)
                took_s = time.perf_counter() - began_s
                pipeline.settle()
                if decision.withheld in (Withheld.WARMING_UP, Withheld.NOT_A_NUMBER):
                    continue
                if latency is not None:
                    latency.add(took_s)
                rows.append(take.start + decision.sample_index)
                raw.append(decision.raw_deg)
                angles.append(decision.angles_deg)
                withheld.append(decision.withheld)
    return Replay(
        np.array(rows, np.int64),
        np.array(raw, np.float32).reshape(-1, len(SERVOS)),
        np.array(angles, np.float32).reshape(-1, len(SERVOS)),
        np.array(withheld, np.uint8),
    )


def true_angles(recording: Recording, spec: ModelSpec) -> NDArray[np.float32] | None:
    """float32 (samples, 5): the recording's angles, or the angles of its labels' poses; None: neither is known.

    The recording's own poses come first; the model's poses are used only if the recording has none.
    """
    if recording.angles_deg is not None:
        return recording.angles_deg
    poses = recording.poses or spec.poses
    if recording.label is None or not poses:
        return None
    known = {pose.label: pose.angles_deg for pose in poses}
    if not set(np.unique(recording.label).tolist()) <= set(known):
        return None
    table = np.zeros((max(known) + 1, len(SERVOS)), np.float32)
    for label, pose in known.items():
        table[label] = pose
    result: NDArray[np.float32] = table[recording.label]
    return result


def replay_summary(recording: Recording, model: Model, config: Settings, path: Path) -> tuple[dict[str, Any], Replay]:
    """The object that `myobridge replay --json` writes, and the decisions.

    Raises:
        UserError: the recording does not fit the model, or is shorter than a window.
    """
    spec = model.spec
    check_rate(config, spec)
    check_fits(recording, spec, path)
    cost, began_s = ProcessCost(), time.monotonic()
    pipeline, latency = Pipeline(model, config, recording.adc_bits), Distribution()
    result = replay(recording, pipeline, latency)
    if not len(result.sample):
        raise UserError(
            f"{path} has no take as long as the model's window of {spec.window_samples} samples "
            f"({spec.window_ms:.0f} ms); record for longer."
        )
    cpu_s = cost.cpu_seconds_per_second() * (time.monotonic() - began_s)
    return _summary(recording, pipeline, latency, result, cpu_s, cost.rss_mb()), result


def _summary(
    recording: Recording, pipeline: Pipeline, latency: Distribution, result: Replay, cpu_s: float, rss_mb: float
) -> dict[str, Any]:
    spec, counters = pipeline.spec, pipeline.acquisition.counters
    truth = true_angles(recording, spec)
    seconds = len(recording.counts) / recording.fs_hz
    sent = int(np.sum(result.withheld == Withheld.NO))
    error = None if truth is None else float(np.mean(np.abs(result.angles_deg - truth[result.sample])))
    return {
        "seconds": round(seconds, 3),
        "fs_hz": spec.fs_hz,
        "channels": len(spec.channels),
        "hop_samples": spec.hop_samples,
        "window_samples": spec.window_samples,
        "frames_received": counters.frames_received,
        "frames_lost": counters.frames_lost,
        "samples_lost": counters.samples_lost,
        "crc_errors": 0,
        "decisions": len(result.sample),
        "commands_sent": sent,
        "commands_per_second": round(sent / seconds, 2),
        "withheld": {w.name.lower(): int(np.sum(result.withheld == w)) for w in Withheld if w},
        "latency_ms": latency.summary_ms(),
        "sample_to_command_ms": None,
        "cpu_seconds_per_second": round(cpu_s / seconds, 4),
        "rss_mb": round(rss_mb, 1),
        "deadline_misses": latency.longer_than(spec.hop_ms / 1000),
        "start_to_first_command_s": None,
        "state": "REPLAYED",
        "mae_deg": None if error is None else round(error, 2),
    }


def as_text(summary: dict[str, Any]) -> list[str]:
    """The summary as lines of text."""
    latency = summary["latency_ms"]
    withheld = [f"{name.replace('_', ' ')} {n}" for name, n in summary["withheld"].items() if n]
    late = summary["deadline_misses"]
    lines = [
        f"Recording: {summary['seconds']:.1f} s, {summary['channels']} channels at {summary['fs_hz']:g} Hz.",
        f"Setpoints: {summary['commands_sent']} of {summary['decisions']} decisions, "
        f"{summary['commands_per_second']:.1f} a second.",
        f"Decisions without a setpoint: {', '.join(withheld) or 'none'}.",
    ]
    if summary["mae_deg"] is not None:
        lines.append(f"The predicted angles are {summary['mae_deg']:.1f}° from the recording's true angles on average.")
    else:
        lines.append("The recording has no true angles to compare the predicted angles with.")
    lines.append(
        f"On this machine a decision takes {latency['p50']:.2f} ms (p50) or {latency['p99']:.2f} ms (p99); "
        f"{late or 'none'} took longer than a hop."
    )
    return lines
