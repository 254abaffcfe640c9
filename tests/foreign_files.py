"""Writes recordings in the formats of other programs, with the libraries of the field or by hand, of any length."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import edfio
import h5py
import numpy as np
import scipy.io

SECOND_BLOCKS = 10
"""The signal repeats after this many seconds; long files are written quickly."""
SCALE_UV = 0.5
MATLAB_HEADER = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"


class Writer(NamedTuple):
    """How a format is written: `write(path, minutes, channels, fs_hz)`; and the options that the import needs."""

    suffix: str
    write: Callable[[Path, float, int, int], None]
    options: Sequence[object] = ()


def counts(samples: int, channels: int, seed: int = 0) -> np.ndarray:
    """Noise, int16 (samples, channels)."""
    return np.random.default_rng(seed).integers(-500, 500, (samples, channels)).astype(np.int16)


def repeated(minutes: float, channels: int, fs_hz: int) -> np.ndarray:
    """Counts of a whole file."""
    block = counts(SECOND_BLOCKS * fs_hz, channels)
    samples = round(60 * minutes * fs_hz)
    return np.tile(block, (-(-samples // len(block)), 1))[:samples]


def rows_of_text(minutes: float, channels: int, fs_hz: int, delimiter: str, *, decimals: bool) -> Iterator[str]:
    """Values of each sample, joined."""
    block = counts(SECOND_BLOCKS * fs_hz, channels)
    values = block * SCALE_UV + 0.25 if decimals else block
    lines = [delimiter.join(f"{value:.3f}" if decimals else str(value) for value in row) for row in values.tolist()]
    for at in range(round(60 * minutes * fs_hz)):
        yield lines[at % len(lines)]


def write_csv(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    """As our own export: time, counts, label, repetition, run."""
    with path.open("w") as file:
        file.write(",".join(["time_s", *(f"EMG {k + 1}" for k in range(channels)), "run"]) + "\n")
        for at, row in enumerate(rows_of_text(minutes, channels, fs_hz, ",", decimals=False)):
            file.write(f"{at / fs_hz:.6f},{row},0\n")


def write_tsv(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    with path.open("w") as file:
        file.write("\t".join(f"EMG {k + 1} (uV)" for k in range(channels)) + "\n")
        file.writelines(row + "\n" for row in rows_of_text(minutes, channels, fs_hz, "\t", decimals=True))


def write_openbci(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    with path.open("w") as file:
        file.write(f"%OpenBCI Raw EXG Data\n%Number of channels = {channels}\n%Sample Rate = {fs_hz} Hz\n")
        file.write("%Board = OpenBCI_GUI$BoardCytonSerialDaisy\n")
        file.write(", ".join(["Sample Index", *(f"EXG Channel {k}" for k in range(channels)), "Timestamp"]) + "\n")
        for at, row in enumerate(rows_of_text(minutes, channels, fs_hz, ", ", decimals=True)):
            file.write(f"{at % 256}.0, {row}, {1.7e9 + at / fs_hz:.6f}\n")


def write_brainflow(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    """As DataFilter.write_file of BrainFlow: every row of the board, no names; the times come in bursts."""
    with path.open("w") as file:
        for at, row in enumerate(rows_of_text(minutes, channels, fs_hz, "\t", decimals=True)):
            file.write(f"{at % 256:.6f}\t{row}\t{1.7e9 + at // 16 * 16 / fs_hz:.6f}\t0.000000\n")


def write_edf(path: Path, minutes: float, channels: int, fs_hz: int, kind: str = "Edf") -> None:
    data = repeated(minutes, channels, fs_hz)
    top = 32767 if kind == "Edf" else 8388607
    signal = getattr(edfio, f"{kind}Signal")
    signals = [
        signal.from_digital(
            np.ascontiguousarray(data[:, k]).astype(np.int16 if kind == "Edf" else np.int32),
            fs_hz,
            label=f"EMG {k + 1}",
            physical_dimension="uV",
            physical_range=(-top * SCALE_UV, top * SCALE_UV),
            digital_range=(-top, top),
        )
        for k in range(channels)
    ]
    getattr(edfio, kind)(signals).write(path)


def write_bdf(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    write_edf(path, minutes, channels, fs_hz, "Bdf")


def write_mat(path: Path, minutes: float, channels: int, fs_hz: int, *, compressed: bool = True) -> None:
    """As Ninapro: one matrix for each signal; doubles, as MATLAB has them."""
    data = repeated(minutes, channels, fs_hz)
    label = np.zeros((len(data), 1), np.int8)
    scipy.io.savemat(
        path, {"emg": data * SCALE_UV, "restimulus": label, "rerepetition": label}, do_compression=compressed
    )


def write_mat73(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    """HDF5 behind a header of 512 bytes, arrays transposed, as MATLAB writes it."""
    with h5py.File(path, "w", userblock_size=512) as file:
        values = (repeated(minutes, channels, fs_hz) * SCALE_UV).T
        file.create_dataset(
            "emg", data=values, chunks=(1, min(8192, values.shape[1])), compression="gzip", compression_opts=3
        )
    with path.open("r+b") as file:
        file.write(MATLAB_HEADER)


def write_hdf5(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    with h5py.File(path, "w") as file:
        file["trial/emg"] = repeated(minutes, channels, fs_hz).astype(np.float32) * SCALE_UV
        file.attrs["fs"] = fs_hz


def write_npy(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    np.save(path, repeated(minutes, channels, fs_hz) * SCALE_UV)


def write_npz(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    np.savez(path, signal_emg=repeated(minutes, channels, fs_hz) * SCALE_UV)


# --- XDF, by its specification (https://github.com/sccn/xdf/wiki/Specifications) ------------------------------


def xdf_chunk(tag: int, body: bytes) -> bytes:
    return b"\4" + struct.pack("<IH", len(body) + 2, tag) + body


def xdf_stream(
    number: int, name: str, channels: int, fs_hz: float, form: str = "float32", unit: str = "microvolts"
) -> bytes:
    """The header of a stream."""
    described = "".join(f"<channel><label>E{k + 1}</label><unit>{unit}</unit></channel>" for k in range(channels))
    return xdf_chunk(
        2,
        struct.pack("<I", number)
        + f"<?xml version='1.0'?><info><name>{name}</name><type>EMG</type><channel_count>{channels}</channel_count>"
        f"<nominal_srate>{fs_hz}</nominal_srate><channel_format>{form}</channel_format><source_id>s</source_id>"
        f"<created_at>0</created_at><desc><channels>{described}</channels></desc></info>".encode(),
    )


def xdf_samples(number: int, values: np.ndarray, at_s: float, fs_hz: float) -> bytes:
    """Samples with a time each, as LabRecorder writes them."""
    rows = np.zeros(len(values), [("bytes", "u1"), ("time", "<f8"), ("values", "<f4", (values.shape[1],))])
    rows["bytes"], rows["time"], rows["values"] = 8, at_s + np.arange(len(values)) / fs_hz, values
    return xdf_chunk(3, struct.pack("<I", number) + b"\4" + struct.pack("<I", len(values)) + rows.tobytes())


def xdf_markers(number: int, markers: Sequence[tuple[float, str]]) -> bytes:
    body = struct.pack("<I", number) + b"\1" + bytes([len(markers)])
    for at_s, text in markers:
        body += b"\x08" + struct.pack("<d", at_s) + b"\1" + bytes([len(text.encode())]) + text.encode()
    return xdf_chunk(3, body)


XDF_BEGINS = b"XDF:" + xdf_chunk(1, b"<?xml version='1.0'?><info><version>1.0</version></info>")


def write_xdf(path: Path, minutes: float, channels: int, fs_hz: int) -> None:
    values = counts(fs_hz // 2, channels) * SCALE_UV
    with path.open("wb") as file:
        file.write(XDF_BEGINS + xdf_stream(1, "Amplifier EMG", channels, fs_hz))
        for half in range(round(120 * minutes)):
            file.write(xdf_samples(1, values, 1000 + half / 2, fs_hz))


UNIT_UV = ("--unit", "uV")
WRITERS = {
    "csv": Writer("csv", write_csv),
    "tsv": Writer("tsv", write_tsv),
    "openbci": Writer("txt", write_openbci),
    "brainflow": Writer("txt", write_brainflow, ("--channels", "2-9")),
    "edf": Writer("edf", write_edf),
    "bdf": Writer("bdf", write_bdf),
    "xdf": Writer("xdf", write_xdf),
    "matlab": Writer("mat", write_mat, (*UNIT_UV, "--label", "", "--repetition", "")),
    "matlab-7.3": Writer("mat", write_mat73, UNIT_UV),
    "hdf5": Writer("h5", write_hdf5, UNIT_UV),
    "npy": Writer("npy", write_npy, UNIT_UV),
    "npz": Writer("npz", write_npz, UNIT_UV),
}
