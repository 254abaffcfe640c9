"""The families by the name that `--family` takes and that ModelSpec.family carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from myobridge.errors import UserError
from myobridge_models.families.attention import Attention
from myobridge_models.families.base import Network
from myobridge_models.families.mlp import Mlp
from myobridge_models.families.recurrent import Gru, Lstm
from myobridge_models.families.tcn import Tcn
from myobridge_models.network import CnnMlp
from myobridge_models.receptive import Shape

DEFAULT_FAMILY: Final = "cnn_mlp"

Factory = Callable[[float, int, float], Network]
"""fs in Hz, EMG channels, dropout → a fresh network."""

FAMILIES: Final[Mapping[str, Factory]] = {
    DEFAULT_FAMILY: lambda fs_hz, channels, dropout: CnnMlp(Shape(fs_hz, channels), dropout),
    "mlp": Mlp,
    "lstm": Lstm,
    "gru": Gru,
    "tcn": Tcn,
    "attention": Attention,
}


def checked_family(name: str) -> str:
    """The name, if there is such a family.

    Raises:
        UserError: there is not.
    """
    if name not in FAMILIES:
        raise UserError(f"There is no family '{name}'; choose from {', '.join(FAMILIES)}.")
    return name


def create(family: str, fs_hz: float, channels: int, dropout: float) -> Network:
    """A fresh network of a family.

    Raises:
        UserError: there is no such family, or no network for such a device.
    """
    return FAMILIES[checked_family(family)](fs_hz, channels, dropout)
