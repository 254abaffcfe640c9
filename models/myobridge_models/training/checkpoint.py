"""Checkpoints: one file with everything that the next step of an interrupted training depends on."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from myobridge.errors import UserError
from myobridge.files import check_file, write_bytes
from myobridge.model.file import ModelSpec, decode_spec, encode_spec
from myobridge_models.network.families.base import CacheableNetwork, Network
from myobridge_models.network.families.registry import create


@dataclass(frozen=True)
class Checkpoint:
    """A file that a training writes while it runs and removes at its end.

    identity: family, shape, recipe and data of the training; a file with another identity is refused.
    """

    path: Path
    identity: Mapping[str, str | int | float | None]
    spec: ModelSpec
    """Metadata of the finished network, so that an unfinished one can be exported."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Writes the state; a crash during the write leaves the older file.

        Raises:
            UserError: the file cannot be written.
        """
        buffer = io.BytesIO()  # torch reports a full disk in many ways, write_bytes in one sentence
        torch.save({"of": json.dumps(self.identity), "spec": encode_spec(self.spec), **state}, buffer)
        write_bytes(self.path, buffer.getvalue())

    def load(self) -> dict[str, Any] | None:
        """Returns the state, or None if there is no file.

        Raises:
            UserError: the file belongs to another training, or is not a checkpoint.
        """
        if not self.path.exists():
            return None
        state = _read(self.path)
        found = json.loads(state["of"])
        differ = [key for key in self.identity if found.get(key) != self.identity[key]]
        if differ:
            key = differ[0]
            raise UserError(
                f"{self.path} belongs to another training ({key}: {found.get(key)} instead of {self.identity[key]}); "
                "repeat the recordings and options that it began with, or choose another --out."
            )
        return state

    def remove(self) -> None:
        """Removes the file, after the model is written."""
        with suppress(FileNotFoundError):
            self.path.unlink()


def _read(path: Path) -> dict[str, Any]:
    check_file(path)
    try:
        state = cast("dict[str, Any]", torch.load(path, weights_only=True))
        if not {"of", "spec", "steps"} <= set(state):
            raise ValueError("not ours")
    except Exception as error:  # torch, zipfile and pickle fail in many ways
        raise UserError(
            f"{path} is not a whole checkpoint; move it away, and the training starts from the beginning."
        ) from error
    return state


def network_in(path: Path) -> tuple[Network, ModelSpec]:
    """Returns the network of an unfinished training, with the running average of its weights, and its metadata.

    Raises:
        UserError: the file is missing, or is not a checkpoint.
    """
    if not path.exists():
        raise UserError(f"There is no checkpoint {path}; a training keeps one beside its model until it ends.")
    state = _read(path)
    spec = decode_spec(state["spec"], path)
    network = create(spec.family, spec.fs_hz, len(spec.channels), dropout=0.0)
    prefix = "module."
    average = state["steps"]["average"]
    network.load_state_dict({k.removeprefix(prefix): v for k, v in average.items() if k.startswith(prefix)})
    if isinstance(network, CacheableNetwork):
        network.fold()
    return network.eval(), spec
