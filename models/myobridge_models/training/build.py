"""Trains a network on recordings, and describes it with the metadata that the daemon needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from myobridge.model.file import LabelledPose, ModelSpec
from myobridge_models.data.labels import rest_pose
from myobridge_models.data.takes import channel_scale, design_prefilter, scaled
from myobridge_models.data.training_set import Source, training_takes
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.registry import DEFAULT_FAMILY, create
from myobridge_models.training.checkpoint import Checkpoint
from myobridge_models.training.metadata import identity, metadata_of
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.train import Progress, train
from myobridge_models.training.validation import Validation


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
    fs_hz, channels = sources[0][1].fs_hz, sources[0][1].channels
    sections = design_prefilter(fs_hz)
    takes = training_takes(sources, poses, sections, repetitions)
    torch.manual_seed(recipe.seed)  # for the initial weights and the training
    network = create(family, fs_hz, channels, recipe.dropout)
    scale = channel_scale(takes)
    validation = None
    if validate_on is not None:
        unseen = scaled(training_takes(sources, poses, sections, [validate_on]), scale)
        validation = Validation(unseen, rest_pose(poses), network.shape.window_samples)
    spec = metadata_of(name, family, network, sources, poses, takes, sections, scale, recipe)
    kept = None
    if checkpoint is not None:
        kept = Checkpoint(checkpoint, identity(spec, takes, recipe, validate_on), spec)
    network = train(scaled(takes, scale), network, recipe, device, progress, validation, kept)
    write(network, spec)
    if kept is not None:
        kept.remove()
    return network, spec
