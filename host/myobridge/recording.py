"""A recording as one array of samples with its labels; loads the `.npz` form.

Fields of an `.npz`: `emg` int16 (samples, channels) in ADC counts and `fs`; optional `adc_bits` (16),
`label`, `repetition` and `run` (one value a sample; runs are separate takes laid end to end), and
`angles_deg` (samples, 5), the true angles where they are known.
"""

from __future__ import annotations

import zipfile
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
        except FileNotFoundError as error:
            raise UserError(f"There is no recording {path}.") from error
        except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path} is not a whole .npz recording ({error}); copy or record it again.") from error
        return _checked(arrays, path)


def _checked(arrays: dict[str, NDArray[np.generic]], path: Path) -> Recording:
    for name in ("emg", "fs"):
        if name not in arrays:
            raise UserError(f"{path} has no array '{name}', so it is not a recording of EMG.")
    emg = arrays["emg"]
    if emg.ndim != 2 or not len(emg):
        raise UserError(f"{path}: 'emg' must be (samples, channels), here it is {emg.shape}.")
    if np.issubdtype(emg.dtype, np.floating) and not np.isfinite(emg).all():
        channel = int(np.flatnonzero(~np.isfinite(emg).all(axis=0))[0])
        raise UserError(f"{path}: channel {channel} holds NaN or infinity; record it again or leave the channel out.")
    if emg.dtype != np.int16:
        raise UserError(f"{path}: 'emg' must be int16 ADC counts, here it is {emg.dtype}.")
    fs_hz = float(arrays["fs"])
    if not 1 <= fs_hz <= 100_000:
        raise UserError(f"{path}: a sampling rate of {fs_hz} Hz is not possible; correct 'fs'.")
    adc_bits = int(arrays["adc_bits"]) if "adc_bits" in arrays else DEFAULT_ADC_BITS
    if not 8 <= adc_bits <= 16:
        raise UserError(f"{path}: 'adc_bits' must be from 8 to 16, here it is {adc_bits}.")
    for name in ("label", "repetition", "run", "angles_deg"):
        if name in arrays and len(arrays[name]) != len(emg):
            raise UserError(f"{path}: '{name}' has {len(arrays[name])} values for {len(emg)} samples.")
    angles = arrays.get("angles_deg")
    if angles is not None and (angles.shape[1:] != (len(SERVOS),) or not np.isfinite(angles).all()):
        raise UserError(f"{path}: 'angles_deg' must hold five finite angles a sample.")
    bytes_or_none = {n: arrays[n].astype(np.uint8) if n in arrays else None for n in ("label", "repetition", "run")}
    return Recording(
        counts=emg.astype(np.int16, copy=False),
        fs_hz=fs_hz,
        adc_bits=adc_bits,
        angles_deg=None if angles is None else angles.astype(np.float32),
        **bytes_or_none,
    )
