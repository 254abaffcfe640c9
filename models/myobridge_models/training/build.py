"""Trains a network on recordings, and describes it with the metadata that the daemon needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.model.file import MAX_NOTE, LabelledPose, ModelSpec, usual_hop_samples
from myobridge.recording import Recording
from myobridge_models.data.clipping import check_unclipped
from myobridge_models.data.takes import Take, channel_scale, design_prefilter, only_repetitions, scaled, takes_of
from myobridge_models.export.postprocess import SMOOTHING, rest_gate, rest_pose
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.registry import DEFAULT_FAMILY, create
from myobridge_models.training.checkpoint import Checkpoint
from myobridge_models.training.recipe import Recipe, history_hops
from myobridge_models.training.train import Progress, train
from myobridge_models.training.validation import Validation

Source = tuple[Path, Recording]


def check_alike(sources: Sequence[Source]) -> None:
    """Refuses recordings that one board cannot have recorded.

    Raises:
        UserError: sampling rates, channel counts or ADC widths differ.
    """
    path, one = sources[0]
    device = (one.fs_hz, one.channels, one.adc_bits)
    for other_path, other in sources[1:]:
        if (other.fs_hz, other.channels, other.adc_bits) != device:
            raise UserError(
                f"{path} and {other_path} differ in (fs Hz, channels, ADC bits): {device} and "
                f"{(other.fs_hz, other.channels, other.adc_bits)}; train on recordings of one board."
            )


def training_takes(
    sources: Sequence[Source], poses: Sequence[LabelledPose], repetitions: Sequence[int] | None = None
) -> list[Take]:
    """Returns unscaled takes of all recordings, or of these repetitions of them.

    Raises:
        UserError: the recordings do not fit together, or have no such repetition, or no targets.
    """
    check_alike(sources)
    takes: list[Take] = []
    for path, recording in sources:
        check_unclipped(recording, path)
        found = takes_of(recording, path, design_prefilter(recording.fs_hz), poses)
        if repetitions is not None:
            known = repetitions_in(recording)
            missing = set(repetitions) - set(known)
            if missing or not repetitions:
                raise UserError(f"{path} has the repetitions {known}; choose others to train on and to hold out.")
            found = only_repetitions(found, repetitions)
        takes += found
    return takes


def repetitions_in(recording: Recording) -> list[int]:
    """Returns the numbers of the repetitions; none if the recording does not number them."""
    known: list[int] = [] if recording.repetition is None else np.unique(recording.repetition).tolist()
    return known


def all_but(sources: Sequence[Source], held_out: Sequence[int]) -> list[int] | None:
    """Returns all repetitions of the recordings except the held-out ones; None (train on everything) if none is held
    out.

    Raises:
        UserError: a recording has no such repetition, or nothing is left to train on.
    """
    if not held_out:
        return None
    for path, recording in sources:
        known = repetitions_in(recording)
        if not set(held_out) < set(known):
            raise UserError(
                f"{path} has the repetitions {known}, so {sorted(held_out)} cannot be held out; choose some of them, "
                "and leave some to train on."
            )
    return sorted({r for _, recording in sources for r in repetitions_in(recording)} - set(held_out))


def build(
    name: str,
    sources: Sequence[Source],
    poses: Sequence[LabelledPose],
    recipe: Recipe,
    repetitions: Sequence[int] | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    family: str = DEFAULT_FAMILY,
    validate_on: int | None = None,
    checkpoint: Path | None = None,
    write: Callable[[Network, ModelSpec], None] = lambda _network, _spec: None,
) -> tuple[Network, ModelSpec]:
    """Returns a network trained on the recordings, and its metadata.

    Args:
        name: the model's name.
        sources: recordings of one board, with the paths that errors name.
        poses: the meaning of the labels; unused for recordings with true angles.
        recipe: how to train.
        repetitions: the repetitions to train on, default all; the others do not even influence the scale.
        device: "cpu" or "cuda".
        progress: see `train`.
        family: which network; see `families.registry`.
        validate_on: a repetition outside the training that ends the training early.
        checkpoint: the file that keeps an interrupted training.
        write: writes the model; the checkpoint is removed afterwards, so a failed write loses nothing.

    Raises:
        UserError: the recordings do not fit together or do not suffice, or there is no such family.
    """
    takes = training_takes(sources, poses, repetitions)
    fs_hz, channels = sources[0][1].fs_hz, sources[0][1].channels
    torch.manual_seed(recipe.seed)  # for the initial weights and the training
    network = create(family, fs_hz, channels, recipe.dropout)
    scale = channel_scale(takes)
    validation = None
    if validate_on is not None:
        unseen = scaled(training_takes(sources, poses, [validate_on]), scale)
        validation = Validation(unseen, rest_pose(poses), network.shape.window_samples)
    spec = described(name, family, network, sources, poses, takes, scale, recipe)
    kept = None
    if checkpoint is not None:
        kept = Checkpoint(checkpoint, _identity(spec, takes, recipe, validate_on), spec)
    network = train(scaled(takes, scale), network, recipe, device, progress, validation, kept)
    write(network, spec)
    if kept is not None:
        kept.remove()
    return network, spec


def _identity(
    spec: ModelSpec, takes: Sequence[Take], recipe: Recipe, validate_on: int | None
) -> dict[str, str | int | float | None]:
    """Returns the facts a checkpoint must match: network, data to the sample (by their scale), and recipe."""
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
        **asdict(recipe),
    }


def described(
    name: str,
    family: str,
    network: Network,
    sources: Sequence[Source],
    poses: Sequence[LabelledPose],
    takes: Sequence[Take],
    scale: NDArray[np.float32],
    recipe: Recipe,
    base: str = "",
) -> ModelSpec:
    """Returns the metadata of a trained network; `base` names the model that it was calibrated from."""
    fs_hz, channels = network.shape.fs_hz, network.shape.channels
    return ModelSpec(
        name=name,
        family=family,
        fs_hz=fs_hz,
        channels=tuple(f"EMG {n}" for n in range(1, channels + 1)),
        window_samples=network.shape.window_samples,
        hop_samples=usual_hop_samples(fs_hz),
        history_hops=history_hops(fs_hz) if network.shape.history_values else 0,
        prefilter_sos=design_prefilter(fs_hz),
        scale_fs=tuple(float(s) for s in scale),
        rest_pose_deg=rest_pose(poses),
        rest_gate=rest_gate(poses, takes),
        smoothing=SMOOTHING,
        poses=tuple(poses),
        training={
            "recordings": ", ".join(path.name for path, _ in sources)[:MAX_NOTE],
            "repetitions": ", ".join(sorted({str(r) for take in takes for r in np.unique(take.repetition) if r >= 0})),
            "minutes": round(sum(len(take) for take in takes) / fs_hz / 60, 2),
            "base": base,
            "steps": recipe.steps,
            "seed": recipe.seed,
        },
    )
