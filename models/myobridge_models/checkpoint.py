"""An interrupted training goes on where it was: everything that a step depends on, in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from myobridge.errors import UserError


@dataclass(frozen=True)
class Checkpoint:
    """A file that a training writes as it goes, and that is gone when it is over.

    of: what the training is of (family, shape, recipe, data); a file of another one is refused.
    """

    path: Path
    of: Mapping[str, str | int | float]

    def save(self, state: Mapping[str, Any]) -> None:
        """Writes the state; a crash in mid-write leaves the older file.

        Raises:
            UserError: the disk does not take it.
        """
        beside = self.path.with_name(self.path.name + ".part")
        try:
            torch.save({"of": json.dumps(self.of), **state}, beside)
            beside.replace(self.path)
        except OSError as error:
            raise UserError(f"{self.path}: the checkpoint cannot be written ({error.strerror}).") from error
        except RuntimeError as error:  # how torch tells that the disk is full
            raise UserError(f"{self.path}: the checkpoint cannot be written; make room on the disk.") from error

    def load(self) -> dict[str, Any] | None:
        """The state, or None where there is no file.

        Raises:
            UserError: the file is of another training, or no checkpoint.
        """
        if not self.path.exists():
            return None
        try:
            state = cast("dict[str, Any]", torch.load(self.path, weights_only=True))
            of = json.loads(state.pop("of"))
        except Exception as error:  # torch, zipfile and json each have their own ways to fail
            raise UserError(f"{self.path} is not a whole checkpoint; delete it to train from the start.") from error
        differ = [key for key in self.of if of.get(key) != self.of[key]]
        if differ:
            key = differ[0]
            raise UserError(
                f"{self.path} is of another training ({key}: {of.get(key)} instead of {self.of[key]}); "
                "delete it, or train with what it was begun with."
            )
        return state

    def remove(self) -> None:
        """The training is over."""
        with suppress(FileNotFoundError):
            self.path.unlink()
