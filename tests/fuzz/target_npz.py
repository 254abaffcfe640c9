"""An `.npz` file → a recording that can be saved and read again unchanged, or one sentence."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from promises import in_a_sentence, piece, pieces
from scratch import holding

from myobridge.recording.arrays import Recording

NAMES = ("emg", "fs", "adc_bits", "label", "repetition", "run", "angles_deg", "poses")
RAW, ZIPPED = 0, 1
ARRAYS = {
    "emg": np.arange(12, dtype=np.int16).reshape(6, 2),
    "fs": np.array(2000.0),
    "adc_bits": np.array(10),
    "label": np.array([0, 0, 0, 2, 2, 2], np.uint8),
    "repetition": np.ones(6, np.uint8),
    "run": np.array([0, 0, 1, 1, 1, 1], np.uint8),
    "angles_deg": np.full((6, 5), 40, np.float32),
    "poses": np.array("[]"),
}


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def zipped(members: list[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def seeds() -> list[bytes]:
    """A piece is the file of one array, so the fuzzer changes headers and items and does not have to guess a CRC."""
    some = [(NAMES.index(name), npy(array)) for name, array in ARRAYS.items()]
    parts = b"".join(piece(number, content) for number, content in some)
    file = zipped([(NAMES[number], content) for number, content in some])
    compressed = io.BytesIO()
    np.savez_compressed(compressed, **ARRAYS)
    return [bytes((ZIPPED,)) + parts, bytes((RAW,)) + file, bytes((RAW,)) + compressed.getvalue()]


def fuzz(data: bytes) -> None:
    if data[:1] == bytes((ZIPPED,)):
        members = {NAMES[kind % len(NAMES)]: content for kind, content in pieces(data[1:])}
        file = zipped(list(members.items()))
    else:
        file = data[1:]
    with holding(file, ".npz") as path:
        recording = in_a_sentence(Recording.load, path)
    if recording is None:
        return
    with holding(b"", ".npz") as path:
        recording.save(path)
        again = Recording.load(path)
    assert np.array_equal(again.counts, recording.counts)
    assert (again.fs_hz, again.adc_bits, again.poses) == (recording.fs_hz, recording.adc_bits, recording.poses)
