"""Arrays as other people store them: other types, transposed, too large, or with a false size."""

import io
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from test_recording_log import stream, written

from myobridge.errors import UserError
from myobridge.recording import Recording
from myobridge.recording.npz_file import MAX_UNPACKED_MB
from myobridge.recording.open import open_recording

SAMPLES = 3000
COUNTS = np.random.default_rng(0).integers(-512, 512, (SAMPLES, 4)).astype(np.int16)


@pytest.fixture
def stored(tmp_path):
    def store(**arrays):
        path = tmp_path / "r.npz"
        np.savez_compressed(path, **{"emg": COUNTS, "fs": 1000.0, **arrays})
        return path

    return store


def refusal(path):
    with pytest.raises(UserError) as error:
        Recording.load(path)
    sentence = str(error.value)
    assert str(path) in sentence and sentence.endswith(".") and "\n" not in sentence
    return sentence


# --- types ---------------------------------------------------------------------------------------------------

ODD = {
    "fs complex": ({"fs": 1000 + 0j}, "'fs' must hold numbers from 1 to 100000 and holds complex128"),
    "fs a duration": ({"fs": np.timedelta64(1, "s")}, "holds timedelta64[s]"),
    "fs a date": ({"fs": np.datetime64("2026-01-01")}, "holds datetime64[D]"),
    "fs text": ({"fs": "2000"}, "'fs' must hold numbers from 1 to 100000"),
    "fs bytes": ({"fs": b"2000"}, "'fs' must hold numbers"),
    "fs a list of one": ({"fs": [1000.0]}, "'fs' must have the shape () and has (1,)"),
    "fs as MATLAB has it": ({"fs": [[1000.0]]}, "'fs' must have the shape () and has (1, 1)"),
    "fs nothing": ({"fs": []}, "'fs' must have the shape ()"),
    "fs a record": ({"fs": np.array((1000.0,), [("hz", "f8")])}, "'fs' must hold numbers"),
    "fs true": ({"fs": True}, "'fs' must hold numbers"),
    "fs an object": ({"fs": np.array(1000.0, object)}, "'fs' holds Python objects, which could run code"),
    "fs negative": ({"fs": -1000}, "'fs' must hold numbers from 1 to 100000 only; correct it"),
    "labels of half": (
        {"label": np.full(SAMPLES, 1.5)},
        "whole numbers from 0 to 255 and holds float64; store it with .astype(np.uint8)",
    ),
    "labels as floats": (
        {"label": np.ones(SAMPLES)},
        "whole numbers from 0 to 255 and holds float64; store it with .astype(np.uint8)",
    ),
    "labels negative": ({"label": np.full(SAMPLES, -1)}, "'label' must hold numbers from 0 to 255"),
    "labels complex": ({"label": np.full(SAMPLES, 1j)}, "'label' must hold numbers from 0 to 255"),
    "labels objects": ({"label": np.array([None] * SAMPLES)}, "'label' holds Python objects"),
    "labels records": ({"label": np.zeros(SAMPLES, [("a", "u1")])}, "'label' must hold numbers"),
    "labels of two columns": ({"label": np.zeros((SAMPLES, 2), np.uint8)}, "'label' must have the shape (3000,)"),
    "one label too large": ({"label": np.append(np.zeros(SAMPLES - 1, np.int64), 1 << 40)}, "from 0 to 255"),
    "angles complex": ({"angles_deg": np.full((SAMPLES, 5), 1j)}, "'angles_deg' must hold numbers from 0 to 180"),
    "angles as durations": ({"angles_deg": np.zeros((SAMPLES, 5), "m8[s]")}, "'angles_deg' must hold numbers"),
    "counts as records": ({"emg": np.zeros((SAMPLES, 4), [("a", "<i2")])}, "must be int16 ADC counts"),
    "counts as int64": ({"emg": COUNTS.astype(int)}, "and is int64; store emg.astype(np.int16)"),
    "counts without a sign": ({"emg": COUNTS.astype(np.uint16)}, "and is uint16; store emg.astype(np.int16)"),
    "counts as dates": ({"emg": np.zeros((SAMPLES, 4), "M8[s]")}, "must be int16 ADC counts"),
    "three dimensions": ({"emg": COUNTS[None]}, "must have the shape (samples, channels) and has (1, 3000, 4)"),
    "the wrong way round": ({"emg": COUNTS.T}, "(4, 3000), which looks the wrong way round; store emg.T"),
    "too many channels": (
        {"emg": np.zeros((SAMPLES, 65), np.int16)},
        "at most 64 channels) and is (3000, 65), which is too many",
    ),
    "poses that fill memory": ({"poses": "x" * 3_000_000}, "'poses' is larger than such an array can be"),
}


@pytest.mark.parametrize("name", ODD)
def test_the_error_about_a_wrong_array_names_it_and_says_what_to_store(stored, name):
    arrays, why = ODD[name]
    assert why in refusal(stored(**arrays))


@pytest.mark.parametrize(
    "same",
    [
        {"emg": COUNTS.astype(">i2")},
        {"emg": np.asfortranarray(COUNTS)},
        {"emg": np.asfortranarray(COUNTS.astype(">i2"))},
        {"emg": COUNTS[::1, :]},
        {"fs": np.float32(1000)},
        {"fs": 1000},
        {"fs": np.longdouble(1000)},
        {"adc_bits": np.uint8(16)},
        {"extra": np.array([{}], object)},
        {"notes": "anything"},
    ],
    ids=str,
)
def test_equal_values_of_another_type_are_accepted(stored, same):
    recording = Recording.load(stored(**same))
    assert np.array_equal(recording.counts, COUNTS) and recording.counts.dtype == np.int16
    assert (recording.fs_hz, recording.adc_bits) == (1000.0, 16)


def test_an_array_in_fortran_order_is_read(stored):
    """Longer than a block, so that each column's reader must continue at its place."""
    counts = np.random.default_rng(1).integers(-512, 512, (300_000, 3)).astype(np.int16)
    angles = np.asfortranarray(np.random.default_rng(2).uniform(0, 180, (300_000, 5)).astype(np.float32))
    label = np.repeat(np.arange(30), 10_000)
    recording = Recording.load(stored(emg=np.asfortranarray(counts), angles_deg=angles, label=label))
    assert np.array_equal(recording.counts, counts)
    assert np.array_equal(recording.angles_deg, angles)
    assert np.array_equal(recording.label, label)


# --- sizes ---------------------------------------------------------------------------------------------------


def header(shape, dtype="<i2", columns=False):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": columns, "shape": shape})
    return file.getvalue()


def bomb(path, megabytes, channels=4):
    """Zeros, which compress to a thousandth of their size."""
    rows = megabytes * 1_000_000 // (2 * channels)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("emg.npy", "w", force_zip64=True) as file:
            file.write(header((rows, channels)))
            for _ in range(megabytes):
                file.write(bytes(1_000_000))
        with archive.open("fs.npy", "w") as file:
            np.save(file, np.array(2000.0))
    return path


def test_a_small_file_that_would_unpack_into_too_much_is_refused_before_it_unpacks(tmp_path):
    path = bomb(tmp_path / "bomb.npz", 796)
    assert path.stat().st_size < 1_000_000
    assert f"would unpack into 796 MB, and a recording may have {MAX_UNPACKED_MB} MB" in refusal(path)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (400 << 20,) * 2)\n"
        "from myobridge.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "inspect", path], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"{path} would unpack into 796 MB" in done.stderr


def test_the_limit_holds_for_all_arrays_together(tmp_path, monkeypatch):
    monkeypatch.setattr("myobridge.recording.npz_file.MAX_UNPACKED_MB", 1)
    np.savez(tmp_path / "a.npz", emg=np.zeros((200_000, 2), np.int16), fs=1000.0)
    assert len(Recording.load(tmp_path / "a.npz").counts) == 200_000
    np.savez(tmp_path / "b.npz", emg=np.zeros((200_000, 2), np.int16), fs=1000.0, label=np.zeros(200_000, np.uint8))
    assert "may have 1 MB" in refusal(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", emg=np.zeros((200, 2), np.int16), fs=1000.0, extra=np.zeros(1_000_000))
    assert len(Recording.load(tmp_path / "c.npz").counts) == 200, "arrays that are not requested are not unpacked"


@pytest.mark.parametrize("declared", [100, 24_000, 1_000_000, 400_000_000])
def test_a_zip_with_a_wrong_size_is_refused(tmp_path, declared):
    """Declares the size in both places of the zip, and in the array's own header."""
    path = tmp_path / "r.npz"
    head = header((max(1, (declared - 128) // 8), 4))
    content = head + COUNTS.tobytes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("emg.npy", content)
        with archive.open("fs.npy", "w") as file:
            np.save(file, np.array(1000.0))
    raw, true = bytearray(path.read_bytes()), len(content).to_bytes(4, "little")
    assert raw.count(true) == 2
    lying = raw.replace(true, declared.to_bytes(4, "little"))
    path.write_bytes(lying)
    assert "is not a whole .npz recording" in refusal(path)


@pytest.mark.parametrize("shape", [(10**14, 4), (-3000, -4), (3000, 4, 10**9), (2999, 4), (3001, 4), (-1, 4)])
def test_an_array_with_a_wrong_shape_is_refused(tmp_path, shape):
    with zipfile.ZipFile(tmp_path / "r.npz", "w") as archive:
        archive.writestr("emg.npy", header(shape) + COUNTS.tobytes())
    assert "is not a whole .npz recording" in refusal(tmp_path / "r.npz")


def test_an_endless_header_is_refused(tmp_path):
    endless = b"\x93NUMPY\x02\x00" + (300_000_000).to_bytes(4, "little") + b"{" * 1_000_000
    with zipfile.ZipFile(tmp_path / "r.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("emg.npy", endless)
    assert "is not a whole .npz recording" in refusal(tmp_path / "r.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compression_methods_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "r.npz", "w", method) as archive:
        archive.writestr("emg.npy", header(COUNTS.shape) + COUNTS.tobytes())
    assert "is not a whole .npz recording" in refusal(tmp_path / "r.npz")


def test_a_wrong_crc_is_found_however_the_array_is_read(stored, tmp_path):
    for order in ("C", "F"):
        path = stored(emg=np.asarray(COUNTS, order=order))
        with zipfile.ZipFile(path) as archive:
            crc = archive.getinfo("emg.npy").CRC
        raw = path.read_bytes()
        wrong = raw.replace(crc.to_bytes(4, "little"), zlib.crc32(b"wrong").to_bytes(4, "little"))
        assert wrong != raw
        path.write_bytes(wrong)
        assert "is not a whole .npz recording" in refusal(path)


def test_the_error_about_a_recording_too_long_for_arrays_says_what_to_do(stored, tmp_path, monkeypatch):
    recording = Recording.load(stored())
    monkeypatch.setattr("myobridge.recording.npz.MAX_UNPACKED_MB", 1.01)
    with pytest.raises(UserError, match=r"0\.0 h of 4 channels are 0 MB of arrays.*as edf, bids or csv"):
        recording.save(tmp_path / "long.npz")
    assert not (tmp_path / "long.npz").exists()


# --- names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["R.MYO", "R.NPZ", "R.Npz", "R", "R.dat", "R.myo", "R.npz", "R.edf"])
def test_the_first_bytes_decide_what_a_file_is_not_its_name(tmp_path, stored, recorded_log, name):
    for form, counts in ((stored(), COUNTS), recorded_log):
        path = tmp_path / name
        path.write_bytes(form.read_bytes())
        assert np.array_equal(Recording.load(path).counts, counts)
        assert (open_recording(path).log is None) == (counts is COUNTS)
        path.unlink()


@pytest.fixture
def recorded_log(tmp_path):
    frames, counts = stream(50)
    (tmp_path / "log").mkdir()
    return written(tmp_path / "log" / "r.myo", frames), counts


FOREIGN = {
    "array.npy": (lambda path: np.save(path.open("wb"), COUNTS), "NumPy .npy; `myobridge import"),
    "p.png": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500)), "a picture"),
    "m.mat": (lambda path: path.write_bytes(b"MATLAB 5.0 MAT-file" + bytes(500)), "MATLAB; `myobridge import"),
    "h.mat": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500)), "HDF5; `myobridge import"),
    "e.edf": (lambda path: path.write_bytes(b"0       " + b" " * 500), "EDF; `myobridge import"),
    "t.csv": (
        lambda path: path.write_text("a,b\n1,2\n3,4\n"),
        "CSV, TSV, OpenBCI or BrainFlow text; `myobridge import",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_the_error_about_another_kind_of_file_says_what_it_is(tmp_path, name):
    write, what = FOREIGN[name]
    write(tmp_path / name)
    assert what in refusal(tmp_path / name)


def test_no_error_advises_to_discard_a_recording(tmp_path):
    for name, content in (("a.myo", b""), ("a.npz", b"PK\3\4"), ("R.MYO", bytes(900)), ("x", b"PK")):
        (tmp_path / name).write_bytes(content)
        said = refusal(tmp_path / name)
        assert not any(word in said for word in ("record it again", "record again", "delete", "throw")), said
