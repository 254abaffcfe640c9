"""A recording through the pipeline, as fast as it goes: the commands that the hand would have got."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.config import Config
from myobridge.errors import UserError
from myobridge.model_file import ModelSpec
from myobridge.pipeline import Pipeline, Withheld
from myobridge.recording import Recording


@dataclass(frozen=True)
class Replay:
    """One row a decision with a full window.

    sample: int64 (decisions,), row in the recording of the newest sample seen.
    raw_deg, angles_deg: float32 (decisions, 5), network output, and after smoothing and limits.
    withheld: uint8 (decisions,), values of Withheld.
    """

    sample: NDArray[np.int64]
    raw_deg: NDArray[np.float32]
    angles_deg: NDArray[np.float32]
    withheld: NDArray[np.uint8]


def check_fits(recording: Recording, spec: ModelSpec, path: Path) -> None:
    """Refuses a recording that the model was not made for.

    Raises:
        UserError: another sampling rate or another number of channels.
    """
    if recording.fs_hz != spec.fs_hz or recording.channels != len(spec.channels):
        raise UserError(
            f"{path} has {recording.channels} channels at {recording.fs_hz:g} Hz, but the model {spec.name} was made "
            f"for {len(spec.channels)} at {spec.fs_hz:g} Hz; choose a model made for this recording."
        )


def replay(recording: Recording, pipeline: Pipeline) -> Replay:
    """Decisions of `pipeline` on each take of the recording, each from rest."""
    rows, raw, angles, withheld = [], [], [], []
    hop = pipeline.spec.hop_samples
    for take in recording.takes():
        pipeline.reset()
        counts = recording.counts[take]
        for at in range(0, len(counts) - hop + 1, hop):
            for decision in pipeline.push(at, counts[at : at + hop]):
                if decision.withheld in (Withheld.WARMING_UP, Withheld.NOT_A_NUMBER):
                    continue
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
    """float32 (samples, 5): the recording's own angles, or its labels through the model's poses, or None."""
    if recording.angles_deg is not None:
        return recording.angles_deg
    if recording.label is None or not spec.poses:
        return None
    known = {pose.label: pose.angles_deg for pose in spec.poses}
    if not set(np.unique(recording.label).tolist()) <= set(known):
        return None
    table = np.zeros((max(known) + 1, len(SERVOS)), np.float32)
    for label, pose in known.items():
        table[label] = pose
    result: NDArray[np.float32] = table[recording.label]
    return result


def load_pipeline(model: Path, config: Config, recording: Recording, path: Path) -> Pipeline:
    """A pipeline that fits the recording.

    Raises:
        UserError: the model cannot be used, or not on this recording.
    """
    pipeline = Pipeline(model, config, recording.adc_bits)
    check_fits(recording, pipeline.spec, path)
    return pipeline
