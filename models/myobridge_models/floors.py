"""The classical decoders that any network has to beat, on the same takes and windows.

Features per channel over 400 ms: logarithms of RMS, mean absolute value and waveform length, and zero crossings
(Hudgins, Parker and Scott, IEEE Trans. Biomed. Eng. 40, 1993).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestRegressor

from myobridge_models.data import Take

WINDOW_S: Final = 0.4
TREES: Final = 100
Floor = Literal["mean", "forest", "lda"]
FLOORS: Final[tuple[Floor, ...]] = ("mean", "forest", "lda")
_SILENT: Final = 1e-9
"""Keeps the logarithm of a dead channel finite."""

Floats = NDArray[np.float32]


def features(take: Take, ends: NDArray[np.int64], window: int) -> Floats:
    """Four features per channel of the windows whose last samples are `ends`: (windows, 4 · channels)."""
    rows = []
    for end in ends:
        x = take.emg[:, end - window + 1 : end + 1]
        rms = np.sqrt(np.mean(np.square(x), axis=1))
        mav = np.mean(np.abs(x), axis=1)
        length = np.mean(np.abs(np.diff(x, axis=1)), axis=1)
        crossings = np.mean(np.diff(np.signbit(x), axis=1), axis=1)
        rows.append(np.concatenate([*np.log(np.stack([rms, mav, length]) + _SILENT), crossings]))
    return np.array(rows, np.float32).reshape(len(ends), -1)


def windows(takes: Sequence[Take], window: int, step: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Features, targets (windows, 5) and movements (windows,) of all usable windows, one every `step` samples."""
    found = []
    for take in takes:
        ends = np.arange(step - 1, len(take), step)
        ends = ends[(ends >= window - 1) & take.usable[ends]]
        found.append((features(take, ends, window), take.target_deg[ends], take.movement[ends]))
    x, target, movement = zip(*found, strict=True)
    return np.concatenate(x), np.concatenate(target), np.concatenate(movement)


def predict(
    kind: Floor, train: tuple[Floats, Floats, NDArray[np.int64]], x: Floats, pose_of: Mapping[int, Sequence[float]]
) -> Floats:
    """Angles (windows, 5) in degrees for features x; `pose_of` gives the angles of a movement."""
    x_train, target, movement = train
    if kind == "mean":
        return np.tile(target.mean(axis=0), (len(x), 1))
    if kind == "forest":
        forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=0).fit(x_train, target)
        return np.asarray(forest.predict(x), np.float32)
    said = LinearDiscriminantAnalysis().fit(x_train, movement).predict(x)
    return np.array([pose_of[int(label)] for label in said], np.float32)
