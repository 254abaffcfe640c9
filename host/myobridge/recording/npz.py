"""The `.npz` form of a recording.

Its arrays: `emg` int16 (samples, channels) in ADC counts and `fs`; optional `adc_bits` (16), `label`, `repetition` and
`run` (one value a sample; runs are separate takes laid end to end), `angles_deg` (samples, 5), the true angles where
they are known, and `poses`, one text: JSON of the list of label, name and five angles.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.model_file import LabelledPose
from myobridge.reading import check_file
from myobridge.recording.log_frames import check_poses

DEFAULT_ADC_BITS: Final = 16


def load_arrays(path: Path) -> dict[str, Any]:
    """The fields of a Recording.

    Raises:
        UserError: no such file, not a recording, cut off, or its arrays do not fit together.
    """
    try:
        check_file(path)
        with np.load(path, allow_pickle=False) as stored:
            members = {name: stored[name] for name in stored.files}
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"The recording {path} cannot be read ({error.strerror}); check the path.") from error
    except Exception as error:  # zipfile, zlib and numpy's header parser each have their own ways to fail
        raise UserError(f"{path} is not a whole .npz recording; copy or record it again.") from error
    arrays = {name: member for name, member in members.items() if isinstance(member, np.ndarray)}
    return _checked(arrays, path)


def _checked(arrays: dict[str, NDArray[np.generic]], path: Path) -> dict[str, Any]:
    for name in ("emg", "fs"):
        if name not in arrays:
            raise UserError(f"{path} has no array '{name}'; choose a file that is a recording of EMG.")
    emg = arrays["emg"]
    if emg.ndim != 2 or not emg.size:
        raise UserError(f"{path}: 'emg' must be (samples, channels), here it is {emg.shape}; store it so.")
    if np.issubdtype(emg.dtype, np.inexact) and not np.isfinite(emg).all():
        channel = int(np.flatnonzero(~np.isfinite(emg).all(axis=0))[0])
        raise UserError(f"{path}: channel {channel} holds NaN or infinity; record it again or leave the channel out.")
    if emg.dtype != np.int16:
        raise UserError(f"{path}: 'emg' must be int16 ADC counts, here it is {emg.dtype}; store the counts themselves.")
    angles = None
    if "angles_deg" in arrays:
        shape = len(emg), len(SERVOS)
        angles = _numbers(arrays["angles_deg"], shape, 0, 180, f"{path}: 'angles_deg'").astype(np.float32)
    per_sample: dict[str, Any] = {
        name: _numbers(arrays[name], (len(emg),), 0, 255, f"{path}: '{name}'").astype(np.uint8)
        for name in ("label", "repetition", "run")
        if name in arrays
    }
    adc_bits = _numbers(arrays.get("adc_bits", np.array(DEFAULT_ADC_BITS)), (), 8, 16, f"{path}: 'adc_bits'")
    return {
        "counts": emg.astype(np.int16, copy=False),
        "fs_hz": float(_numbers(arrays["fs"], (), 1, 100_000, f"{path}: 'fs'")),
        "adc_bits": int(adc_bits),
        "angles_deg": angles,
        "poses": _poses(arrays["poses"], path) if "poses" in arrays else (),
        **per_sample,
    }


def _poses(stored: NDArray[np.generic], path: Path) -> tuple[LabelledPose, ...]:
    try:
        poses = msgspec.json.decode(str(stored), type=tuple[LabelledPose, ...])
        check_poses(poses)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise UserError(f"{path}: 'poses' is no table of poses ({error}); store it as it was.") from error
    return poses


def _numbers(values: NDArray[Any], shape: tuple[int, ...], low: float, high: float, what: str) -> NDArray[Any]:
    """The values, if they are finite numbers of this shape and within these limits."""
    if values.shape != shape:
        raise UserError(f"{what} must have the shape {shape}, here it is {values.shape}; store it so.")
    if not np.issubdtype(values.dtype, np.number) or not ((values >= low) & (values <= high)).all():
        raise UserError(f"{what} must hold numbers from {low:g} to {high:g}; correct it.")
    return values
