"""The families by the name that `--family` takes and that ModelSpec.family carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from myobridge.errors import UserError
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.families.attention import Attention
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.mlp import Mlp
from myobridge_models.network.families.recurrent import Gru, Lstm
from myobridge_models.network.families.ring import Ring
from myobridge_models.network.families.separable import Separable
from myobridge_models.network.families.tcn import Tcn
from myobridge_models.network.log_cnn_mlp import LogCnnMlp
from myobridge_models.network.shape import NOTES_DETECTORS, Shape
from myobridge_models.network.time_shape import TimeShape

DEFAULT_FAMILY: Final = "cnn_mlp_log"


THREE_LAYERS: Final = tuple(d if d.ap_hz is None else replace(d, layers=3) for d in NOTES_DETECTORS)
DOUBLING: Final = tuple(d if d.ap_hz is None else replace(d, layers=3, growth=2) for d in NOTES_DETECTORS)
SILENCE_5: Final = tuple(replace(d, kernel=5) if d.ap_hz is None else d for d in NOTES_DETECTORS)

Factory = Callable[[float, int, float], Network]
"""fs in Hz, EMG channels, dropout → a fresh network."""

FAMILIES: Final[dict[str, Factory]] = {
    "cnn_mlp": lambda fs_hz, channels, dropout: CnnMlp(Shape(fs_hz, channels), dropout),
    "cnn_mlp_full": lambda fs_hz, channels, dropout: CnnMlp(
        Shape(fs_hz, channels, averaged=1, correlation_hops=()), dropout
    ),
    "mlp": Mlp,
    "lstm": Lstm,
    "gru": Gru,
    "tcn": Tcn,
    "separable": Separable,
    "attention": Attention,
    "ring": Ring,
    DEFAULT_FAMILY: lambda fs_hz, channels, dropout: LogCnnMlp(TimeShape(fs_hz, channels), dropout),
}


READINGS: Final[dict[str, Factory]] = {
    "cnn_mlp/no_likeness": lambda fs_hz, channels, dropout: CnnMlp(
        Shape(fs_hz, channels, correlation_hops=()), dropout
    ),
    "cnn_mlp/five_means": lambda fs_hz, channels, dropout: CnnMlp(Shape(fs_hz, channels, averaged=10), dropout),
    "cnn_mlp/three_layers": lambda fs_hz, channels, dropout: CnnMlp(Shape(fs_hz, channels, THREE_LAYERS), dropout),
    "cnn_mlp/doubling": lambda fs_hz, channels, dropout: CnnMlp(Shape(fs_hz, channels, DOUBLING), dropout),
    "cnn_mlp/silence_5": lambda fs_hz, channels, dropout: CnnMlp(Shape(fs_hz, channels, SILENCE_5), dropout),
    "cnn_mlp/no_gain": lambda fs_hz, channels, dropout: CnnMlp(Shape(fs_hz, channels), dropout, fits_gain=False),
    "cnn_mlp/no_history": lambda fs_hz, channels, dropout: CnnMlp(Shape(fs_hz, channels, history_steps=0), dropout),
}
"""Other readings of the network `cnn_mlp`, which `ablate` compares; "likeness" in a name is channel correlation."""


def checked_family(name: str) -> str:
    """Returns the name of a known family.

    Raises:
        UserError: there is no such family.
    """
    if name not in FAMILIES | READINGS:
        raise UserError(f"There is no family '{name}'; choose from {', '.join(FAMILIES)}.")
    return name


def create(family: str, fs_hz: float, channels: int, dropout: float) -> Network:
    """Makes a fresh network of a family.

    Raises:
        UserError: there is no such family, or the sampling rate or the channel count is impossible.
    """
    return (FAMILIES | READINGS)[checked_family(family)](fs_hz, channels, dropout)
