"""A recording as one array of samples with its labels; loads the `.npz` form.

Fields of an `.npz`: `emg` int16 (samples, channels) in ADC counts and `fs`; optional `adc_bits` (16),
`label`, `repetition` and `run` (one value a sample; runs are separate takes laid end to end), and
`angles_deg` (samples, 5), the true angles where they are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.errors import UserError

DEFAULT_ADC_BITS: Final = 16


@dataclass(frozen=True)
class Recording:
    """Samples in the order in which they were taken.

    counts: int16 (samples, channels), signed ADC counts.
    label, repetition, run: uint8 (samples,) or None.
    angles_deg: float32 (samples, 5) or None.
    """

    counts: NDArray[np.int16]
    fs_hz: float
    adc_bits: int = DEFAULT_ADC_BITS
    label: NDArray[np.uint8] | None = None
    repetition: NDArray[np.uint8] | None = None
    run: NDArray[np.uint8] | None = None
    angles_deg: NDArray[np.float32] | None = None

    @property
    def channels(self) -> int:
        """Number of electrodes."""
        return int(self.counts.shape[1])

    def takes(self) -> Iterator[slice]:
        """Stretches that were recorded without a break."""
        if self.run is None:
            yield slice(0, len(self.counts))
            return
        edges = np.flatnonzero(np.diff(self.run)) + 1
        bounds = [0, *edges.tolist(), len(self.counts)]
        for start, end in pairwise(bounds):
            yield slice(start, end)

    def save(self, path: Path) -> None:
        """Writes the `.npz` form."""
        optional = {"label": self.label, "repetition": self.repetition, "run": self.run, "angles_deg": self.angles_deg}
        arrays: dict[str, Any] = {name: values for name, values in optional.items() if values is not None}
        np.savez_compressed(path, emg=self.counts, fs=self.fs_hz, adc_bits=self.adc_bits, **arrays)

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Reads the `.npz` form.

        Raises:
            UserError: no such file, not a recording, cut off, or its arrays do not fit together.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except OSError as error:
            raise UserError(f"The recording {path} cannot be read ({error.strerror}); check the path.") from error
        except Exception as error:  # zipfile, zlib and numpy's header parser each have their own ways to fail
            raise UserError(f"{path} is not a whole .npz recording; copy or record it again.") from error
        return _checked(arrays, path)


def _checked(arrays: dict[str, NDArray[np.generic]], path: Path) -> Recording:
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
    per_sample = {
        name: _numbers(arrays[name], (len(emg),), 0, 255, f"{path}: '{name}'").astype(np.uint8)
        for name in ("label", "repetition", "run")
        if name in arrays
    }
    adc_bits = _numbers(arrays.get("adc_bits", np.array(DEFAULT_ADC_BITS)), (), 8, 16, f"{path}: 'adc_bits'")
    return Recording(
        counts=emg.astype(np.int16, copy=False),
        fs_hz=float(_numbers(arrays["fs"], (), 1, 100_000, f"{path}: 'fs'")),
        adc_bits=int(adc_bits),
        angles_deg=angles,
        **per_sample,
    )


def _numbers(values: NDArray[Any], shape: tuple[int, ...], low: float, high: float, what: str) -> NDArray[Any]:
    """The values, if they are finite numbers of this shape and within these limits."""
    if values.shape != shape:
        raise UserError(f"{what} must have the shape {shape}, here it is {values.shape}; store it so.")
    if not np.issubdtype(values.dtype, np.number) or not ((values >= low) & (values <= high)).all():
        raise UserError(f"{what} must hold numbers from {low:g} to {high:g}; correct it.")
    return values
