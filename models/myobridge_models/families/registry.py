"""The families by the name that `--family` takes and that ModelSpec.family carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from myobridge.errors import UserError
from myobridge_models.families.base import Network
from myobridge_models.network import CnnMlp
from myobridge_models.receptive import Shape

DEFAULT_FAMILY: Final = "cnn_mlp"

Factory = Callable[[float, int, float], Network]
"""fs in Hz, EMG channels, dropout → a fresh network."""

FAMILIES: Final[dict[str, Factory]] = {
    DEFAULT_FAMILY: lambda fs_hz, channels, dropout: CnnMlp(Shape(fs_hz, channels), dropout),
}


def create(family: str, fs_hz: float, channels: int, dropout: float) -> Network:
    """A fresh network of a family.

    Raises:
        UserError: there is no such family, or no network for such a device.
    """
    if family not in FAMILIES:
        raise UserError(f"There is no family '{family}'; choose from {', '.join(FAMILIES)}.")
    return FAMILIES[family](fs_hz, channels, dropout)
