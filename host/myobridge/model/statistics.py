"""Class statistics in a model file: what earlier days knew of the head's features, for a calibration in seconds.

The entry STATISTICS_KEY (file.py) is JSON: `format` 1, `labels`, and the arrays `centre` (F,), `means` (K, F), `spread`
(F,) and `factors` (R, F), which are float32 in little endian, row by row, as base64. A feature is a value that the head
of the network reads (head.py), in the order of the columns of the head's first weight. A day's centre is the mean of
the movements' means on that day.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from myobridge.model.onnx_reader import Refused

MAX_FEATURES: Final = 2048
"""Limit that keeps a calibration within seconds; 16 channels have 928 features."""
MAX_FACTORS: Final = 64
LARGEST: Final = 1e4
"""Limit of every value; features have a standard deviation of about one."""
LEAST_SPREAD: Final = 1e-3
_FLOAT: Final = np.dtype("<f4")

Floats = NDArray[np.float64]


class ClassStatistics(NamedTuple):
    """Statistics of features (F,).

    labels: int64 (K,), rising.
    centre: float64 (F,), the mean of the days' centres.
    means: float64 (K, F), of each movement, from the day's centre.
    spread: float64 (F,), factors: float64 (R, F). The covariance within the movements is diag(spread²) + factorsᵀ
    factors, so it is symmetric and positive definite whatever the numbers are.
    """

    labels: NDArray[np.int64]
    centre: Floats
    means: Floats
    spread: Floats
    factors: Floats

    @property
    def covariance(self) -> Floats:
        """float64 (F, F)."""
        shared: Floats = self.factors.T @ self.factors
        return shared + np.diag(self.spread**2)


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The entry as it is written: centre, means, spread and factors row by row."""

    labels: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=0, le=255)], ...], msgspec.Meta(min_length=2, max_length=256)
    ]
    centre: bytes
    means: bytes
    spread: bytes
    factors: bytes
    format: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1


def encode_statistics(statistics: ClassStatistics) -> str:
    """The statistics as text, for the entry STATISTICS_KEY."""
    centre, means, spread, factors = (array.astype(_FLOAT).tobytes() for array in statistics[1:])
    return msgspec.json.encode(_Entry(tuple(statistics.labels.tolist()), centre, means, spread, factors)).decode()


def decode_statistics(text: str) -> ClassStatistics:
    """Reads and checks the entry.

    Raises:
        Refused: the statistics are not valid.
    """
    try:
        entry = msgspec.json.decode(text, type=_Entry)
    except msgspec.MsgspecError as error:
        raise Refused(str(error)) from error
    if list(entry.labels) != sorted(set(entry.labels)):
        raise Refused("the labels do not rise")
    centre, spread = _array(entry.centre, 1)[0], _array(entry.spread, 1)[0]
    if not 0 < len(spread) <= MAX_FEATURES or spread.min() < LEAST_SPREAD:
        raise Refused(f"there are {len(spread)} features, or their spread is less than {LEAST_SPREAD}")
    means = _array(entry.means, len(entry.labels))
    factors = _array(entry.factors, max(1, len(entry.factors) // len(entry.spread)))
    if not len(centre) == means.shape[1] == len(spread) or factors.size % len(spread) or len(factors) > MAX_FACTORS:
        raise Refused(
            f"centre {centre.shape}, means {means.shape} and factors {factors.shape} do not fit {len(spread)} features"
        )
    return ClassStatistics(np.array(entry.labels, np.int64), centre, means, spread, factors.reshape(-1, len(spread)))


def _array(data: bytes, rows: int) -> Floats:
    """float64 (rows, ·), all of them finite and not too large."""
    if len(data) % (rows * _FLOAT.itemsize):
        raise Refused(f"an array has {len(data)} bytes for {rows} rows")
    values = np.frombuffer(data, _FLOAT)
    if not np.isfinite(values).all() or np.abs(values).max(initial=0) > LARGEST:
        raise Refused(f"a value is not finite, or larger than {LARGEST:g}")
    return values.astype(np.float64).reshape(rows, -1)
