"""From recordings to a trained network with the metadata that runs it right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch

from myobridge.errors import UserError
from myobridge.model_file import REST_DEG, LabelledPose, ModelSpec, Smoothing
from myobridge.recording import Recording
from myobridge_models.data import Take, channel_scale, design_prefilter, only_repetitions, scaled, takes_of
from myobridge_models.families.base import Network
from myobridge_models.families.registry import DEFAULT_FAMILY, create
from myobridge_models.recipe import Recipe, history_hops, hop_samples
from myobridge_models.train import Progress, train

SMOOTHING: Final = Smoothing(min_cutoff_hz=2.0, beta_hz_per_deg_s=0.005)
"""Mild: it takes out what differs between neighbouring hops and hardly delays a movement."""

Source = tuple[Path, Recording]


def check_alike(sources: Sequence[Source]) -> None:
    """Refuses a training set that no one device can have recorded.

    Raises:
        UserError: sampling rates, channel counts or ADC widths differ.
    """
    path, one = sources[0]
    device = (one.fs_hz, one.channels, one.adc_bits)
    for other_path, other in sources[1:]:
        if (other.fs_hz, other.channels, other.adc_bits) != device:
            raise UserError(
                f"{path} and {other_path} differ in (fs Hz, channels, ADC bits): {device} and "
                f"{(other.fs_hz, other.channels, other.adc_bits)}; train on recordings of one device."
            )


def training_takes(sources: Sequence[Source], poses: Sequence[LabelledPose], held_out: int | None) -> list[Take]:
    """Unscaled takes of all recordings without the held-out repetition.

    Raises:
        UserError: a recording has no such repetition, or no targets.
    """
    takes: list[Take] = []
    for path, recording in sources:
        sections = design_prefilter(recording.fs_hz)
        found = takes_of(recording, path, sections, poses)
        if held_out is not None:
            repetitions = {int(r) for take in found for r in np.unique(take.repetition)}
            if held_out not in repetitions or repetitions == {held_out}:
                raise UserError(f"{path} has the repetitions {sorted(repetitions)}, so {held_out} cannot be held out.")
            found = only_repetitions(found, repetitions - {held_out})
        takes += found
    return takes


def build(
    name: str,
    sources: Sequence[Source],
    poses: Sequence[LabelledPose],
    recipe: Recipe,
    held_out: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    family: str = DEFAULT_FAMILY,
) -> tuple[Network, ModelSpec]:
    """A network trained on the recordings, and its metadata.

    Args:
        name: what the model calls itself.
        sources: recordings of one device, with the paths that errors name.
        poses: what the labels mean; unused where a recording knows the true angles.
        recipe: how to train.
        held_out: repetition to leave out of everything, the scale too.
        device: "cpu" or "cuda".
        progress: see `train`.
        family: which network; see `families.registry`.

    Raises:
        UserError: the recordings do not fit together or do not suffice, or there is no such family.
    """
    check_alike(sources)
    fs_hz, channels = sources[0][1].fs_hz, sources[0][1].channels
    torch.manual_seed(recipe.seed)  # of the initial weights and of the training
    network = create(family, fs_hz, channels, recipe.dropout)
    takes = training_takes(sources, poses, held_out)
    scale = channel_scale(takes)
    network = train(scaled(takes, scale), network, recipe, device, progress)
    rest = next((pose.angles_deg for pose in poses if pose.label == 0), REST_DEG)
    spec = ModelSpec(
        name=name,
        family=family,
        fs_hz=fs_hz,
        channels=tuple(f"EMG {n}" for n in range(1, channels + 1)),
        window_samples=network.shape.window_samples,
        hop_samples=hop_samples(fs_hz),
        history_hops=history_hops(fs_hz) if network.shape.history_values else 0,
        prefilter_sos=design_prefilter(fs_hz),
        scale_fs=tuple(float(s) for s in scale),
        rest_pose_deg=rest,
        smoothing=SMOOTHING,
        poses=tuple(poses),
        training={
            "recordings": ", ".join(path.name for path, _ in sources),
            "held_out_repetition": -1 if held_out is None else held_out,
            "minutes": round(sum(len(take) for take in takes) / fs_hz / 60, 2),
            "steps": recipe.steps,
            "seed": recipe.seed,
        },
    )
    return network, spec
