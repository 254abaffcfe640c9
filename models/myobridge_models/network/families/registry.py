"""The families by the name that `--family` takes and that ModelSpec.family carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
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


def _default(changed: Callable[[float, int], TimeShape], **options: float) -> Factory:
    """Returns a factory of the default network in another shape, or with other options."""
    return lambda fs_hz, channels, dropout: LogCnnMlp(changed(fs_hz, channels), dropout, **options)


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
    DEFAULT_FAMILY: _default(TimeShape),
}


READINGS: Final[dict[str, Factory]] = {
    "cnn_mlp/no_likeness": lambda fs_hz, channels, dropout: CnnMlp(
        Shape(fs_hz, channels, correlation_hops=()), dropout
    ),
    "cnn_mlp_log/five_means": _default(partial(TimeShape, averaged=10)),
    "cnn_mlp_log/three_layers": _default(partial(TimeShape, detectors=THREE_LAYERS)),
    "cnn_mlp_log/doubling": _default(partial(TimeShape, detectors=DOUBLING)),
    "cnn_mlp_log/silence_5": _default(partial(TimeShape, detectors=SILENCE_5)),
    "cnn_mlp_log/no_history": _default(partial(TimeShape, history_steps=0)),
    "cnn_mlp_log/no_noise": _default(TimeShape, noise=0.0),
}
"""Other readings of the notes, which `ablate` compares; "likeness" in a name is channel correlation."""


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
