"""The metadata of a model file, and the identity of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from myobridge.model.file import MAX_NOTE, LabelledPose, ModelSpec, usual_hop_samples
from myobridge_models.data.labels import rest_pose
from myobridge_models.data.takes import Sections, Take
from myobridge_models.data.training_set import Source
from myobridge_models.export.postprocess import follows, rest_gate, smoothing
from myobridge_models.network.families.base import Network
from myobridge_models.training.recipe import OF_ANGLES, Recipe, history_hops


def metadata_of(
    name: str,
    family: str,
    network: Network,
    sources: Sequence[Source],
    poses: Sequence[LabelledPose],
    takes: Sequence[Take],
    sections: Sections,
    scale: NDArray[np.float32],
    recipe: Recipe,
    base: str = "",
) -> ModelSpec:
    """Returns the metadata of a trained network; `base` names the model that it was calibrated from.

    takes, sections, scale: the training's EMG, its pre-filter, and the RMS of each channel behind that.
    """
    fs_hz, channels = network.shape.fs_hz, network.shape.channels
    return ModelSpec(
        name=name,
        family=family,
        fs_hz=fs_hz,
        channels=tuple(f"EMG {n}" for n in range(1, channels + 1)),
        window_samples=network.shape.window_samples,
        hop_samples=usual_hop_samples(fs_hz),
        history_hops=history_hops(fs_hz) if network.shape.history_values else 0,
        prefilter_sos=sections,
        scale_fs=tuple(float(s) for s in scale),
        rest_pose_deg=rest_pose(poses),
        rest_gate=rest_gate(poses, takes),
        smoothing=smoothing(takes),
        poses=tuple(poses),
        training={
            "recordings": ", ".join(path.name for path, _ in sources)[:MAX_NOTE],
            "repetitions": ", ".join(sorted({str(r) for take in takes for r in np.unique(take.repetition) if r >= 0})),
            "minutes": round(sum(len(take) for take in takes) / fs_hz / 60, 2),
            "proportional": int(follows(takes)),
            "base": base,
            "steps": recipe.steps,
            "seed": recipe.seed,
        },
    )


def identity(
    spec: ModelSpec, takes: Sequence[Take], recipe: Recipe, validate_on: int | None
) -> dict[str, str | int | float | None]:
    """Returns the facts a checkpoint must match: network, data to the sample (by their scale), and recipe."""
    numbers = {key: value for key, value in asdict(recipe).items() if follows(takes) or key not in OF_ANGLES}
    return {
        "family": spec.family,
        "fs_hz": spec.fs_hz,
        "channels": len(spec.channels),
        "window": spec.window_samples,
        "recordings": spec.training["recordings"],
        "repetitions": spec.training["repetitions"],
        "validated on": validate_on,
        "samples": sum(len(take) for take in takes),
        "loudness": ", ".join(f"{s:.6g}" for s in spec.scale_fs),
        **numbers,
    }
