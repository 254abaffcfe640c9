"""Restores a trainable network from a model file; no other file of a training needs to be kept."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from myobridge.errors import UserError
from myobridge.model.file import ModelSpec
from myobridge.model.load import open_model
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.registry import create


def restore(path: Path, dropout: float) -> tuple[Network, ModelSpec]:
    """Returns the network of a model file with its weights, and the file's metadata.

    Raises:
        UserError: the file cannot be used, or its weights do not fit its family.
    """
    spec = open_model(path).spec
    network = create(spec.family, spec.fs_hz, len(spec.channels), dropout)
    stored = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
    wanted = network.state_dict()
    misfits = [name for name, own in wanted.items() if name not in stored or tuple(stored[name].dims) != own.shape]
    if misfits:
        raise UserError(
            f"{path} does not hold the weights of a {spec.family} ({misfits[0]} is missing or has another size); "
            "train the model again with this version."
        )
    network.load_state_dict({name: torch.from_numpy(numpy_helper.to_array(stored[name]).copy()) for name in wanted})
    return network, spec
