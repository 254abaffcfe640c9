"""Recordings as .npz files: a stored recording loads unchanged, and any other file gives one sentence."""

import io
import zipfile

import numpy as np
import pytest

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording import DEFAULT_ADC_BITS, Recording

SAMPLES, CHANNELS = 300, 4
RNG = np.random.default_rng(0)
WHOLE = {
    "emg": RNG.integers(-512, 512, (SAMPLES, CHANNELS)).astype(np.int16),
    "fs": 2000.0,
    "adc_bits": 10,
    "label": RNG.integers(0, 11, SAMPLES).astype(np.uint8),
    "repetition": RNG.integers(0, 3, SAMPLES).astype(np.uint8),
    "run": np.repeat([0, 1, 2], 100).astype(np.uint8),
    "angles_deg": RNG.uniform(0, 180, (SAMPLES, 5)).astype(np.float32),
}


@pytest.fixture
def stored(tmp_path):
    def store(**changes):
        path = tmp_path / "recording.npz"
        np.savez_compressed(path, **{name: value for name, value in {**WHOLE, **changes}.items() if value is not None})
        return path

    return store


def refusal(path):
    with pytest.raises(UserError) as error:
        Recording.load(path)
    sentence = str(error.value)
    assert str(path) in sentence
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def same(a, b):
    return all(np.array_equal(a.__dict__[name], b.__dict__[name]) for name in a.__dict__)


def test_a_saved_recording_loads_unchanged(tmp_path, stored):
    recording = Recording.load(stored())
    assert np.array_equal(recording.counts, WHOLE["emg"])
    assert (recording.fs_hz, recording.adc_bits, recording.channels) == (2000.0, 10, CHANNELS)
    recording.save(tmp_path / "again.npz")
    assert same(Recording.load(tmp_path / "again.npz"), recording)


def test_emg_and_rate_are_enough(stored):
    recording = Recording.load(stored(adc_bits=None, label=None, repetition=None, run=None, angles_deg=None))
    assert recording.adc_bits == DEFAULT_ADC_BITS
    assert recording.label is recording.repetition is recording.run is recording.angles_deg is None
    assert [*recording.takes()] == [slice(0, SAMPLES)]


def test_takes_are_cut_where_the_run_changes(stored):
    takes = [*Recording.load(stored()).takes()]
    assert takes == [slice(0, 100), slice(100, 200), slice(200, 300)]
    back_and_forth = np.repeat([255, 0, 255], 100).astype(np.uint8)
    assert [*Recording.load(stored(run=back_and_forth)).takes()] == takes


def test_poses_are_kept_with_the_labels(tmp_path):
    poses = (LabelledPose(0, "rest", (40,) * 5), LabelledPose(7, "Zeigefinger ↑", (0, 180, 0, 0, 0)))
    Recording(WHOLE["emg"], 2000.0, poses=poses).save(tmp_path / "r.npz")
    assert Recording.load(tmp_path / "r.npz").poses == poses


def with_value(array, value):
    changed = np.array(array, dtype=np.float64)
    changed[-1, 1] = value
    return changed


BAD = {
    "no emg": ({"emg": None}, "no array 'emg'"),
    "no rate": ({"fs": None}, "no array 'fs'"),
    "one-dimensional": (
        {"emg": np.zeros(SAMPLES, np.int16)},
        "'emg' must have the shape (samples, channels) and has (300,)",
    ),
    "no sample": ({"emg": np.zeros((0, 4), np.int16)}, "and has (0, 4)"),
    "no channel": ({"emg": np.zeros((SAMPLES, 0), np.int16)}, "and has (300, 0)"),
    "NaN": ({"emg": with_value(WHOLE["emg"], np.nan)}, "channel 1 holds NaN or infinity"),
    "infinity": ({"emg": with_value(WHOLE["emg"], -np.inf)}, "channel 1 holds NaN or infinity"),
    "volts": ({"emg": WHOLE["emg"] * 1e-6}, "must be int16 ADC counts and is float64"),
    "text": ({"emg": np.full((SAMPLES, 4), "x")}, "must be int16 ADC counts"),
    "complex": ({"emg": np.full((SAMPLES, 4), 1j)}, "must be int16 ADC counts"),
    "objects": ({"emg": np.array([[None] * 4] * SAMPLES, dtype=object)}, "not a valid .npz recording"),
    "rate 0": ({"fs": 0}, "'fs' must hold numbers from 1 to 100000"),
    "rate NaN": ({"fs": np.nan}, "'fs' must hold numbers"),
    "rate infinite": ({"fs": np.inf}, "'fs' must hold numbers"),
    "rate as text": ({"fs": "2000"}, "'fs' must hold numbers"),
    "two rates": ({"fs": [2000.0, 1000.0]}, "'fs' must have the shape () and has (2,)"),
    "bits": ({"adc_bits": 24}, "'adc_bits' must hold numbers from 8 to 16"),
    "bits NaN": ({"adc_bits": np.nan}, "'adc_bits'"),
    "short labels": ({"label": np.zeros(299)}, "'label' must have the shape (300,) and has (299,)"),
    "a single label": ({"label": 3}, "'label' must have the shape (300,) and has ()"),
    "labels past a byte": ({"label": np.full(SAMPLES, 256)}, "'label' must hold numbers from 0 to 255"),
    "negative run": ({"run": np.full(SAMPLES, -1)}, "'run' must hold numbers from 0 to 255"),
    "labels NaN": ({"label": np.full(SAMPLES, np.nan)}, "'label' must hold whole numbers"),
    "labels as text": ({"label": np.full(SAMPLES, "rest")}, "'label' must hold numbers"),
    "four angles": ({"angles_deg": np.zeros((SAMPLES, 4))}, "'angles_deg' must have the shape (300, 5)"),
    "an angle NaN": ({"angles_deg": with_value(WHOLE["angles_deg"], np.nan)}, "'angles_deg' must hold numbers"),
    "poses as objects": ({"poses": np.array([{}], object)}, "not a valid .npz recording"),
    "poses as numbers": ({"poses": np.arange(3)}, "'poses' is not a table of poses"),
    "poses that are cut off": ({"poses": '[{"label": 1, "na'}, "'poses' is not a table of poses"),
    "a pose of four angles": ({"poses": '[{"label":1,"name":"x","angles_deg":[0,0,0,0]}]'}, "'poses' is not a table"),
    "a pose past a byte": ({"poses": '[{"label":256,"name":"x","angles_deg":[0,0,0,0,0]}]'}, "255"),
    "an endless table": ({"poses": "[" * 100_000}, "'poses' is not a table of poses"),
    "an angle past 180": ({"angles_deg": with_value(WHOLE["angles_deg"], 181)}, "numbers from 0 to 180"),
}


@pytest.mark.parametrize("name", BAD)
def test_arrays_that_do_not_fit_are_named(stored, name):
    changes, why = BAD[name]
    assert why in refusal(stored(**changes))


def test_a_missing_file_a_folder_and_other_files_are_refused(tmp_path):
    assert "No such file or directory" in refusal(tmp_path / "none.npz")
    assert "Is a directory" in refusal(tmp_path)
    for content in (b"", b"time,emg\n1,2\n", b"\x93NUMPY", bytes(5000)):
        path = tmp_path / "other.npz"
        path.write_bytes(content)
        assert "not a whole .npz recording" in refusal(path)
    np.save(tmp_path / "array.npy", WHOLE["emg"])
    assert "not a whole .npz recording" in refusal(tmp_path / "array.npy")


def test_a_zip_of_other_files_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("emg.npy", "no array, whatever its name says")
    assert "no array 'emg'" in refusal(tmp_path / "other.npz")


def test_a_file_cut_off_anywhere_is_refused(stored, tmp_path):
    content = stored().read_bytes()
    path = tmp_path / "cut.npz"
    for length in range(0, len(content), 41):
        path.write_bytes(content[:length])
        refusal(path)


def test_damaged_bytes_are_refused_or_do_no_harm(stored, tmp_path):
    """Each array has a CRC-32, so a file that still loads is unchanged."""
    whole = stored()
    content, recording = whole.read_bytes(), Recording.load(whole)
    path, rng = tmp_path / "damaged.npz", np.random.default_rng(1)
    for _ in range(400):
        damaged = bytearray(content)
        for at in rng.integers(0, len(content), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            assert same(Recording.load(path), recording)
        except UserError:
            continue


def test_an_array_that_claims_to_be_huge_does_not_allocate_memory(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i2", "fortran_order": False, "shape": (10**14, 4)})
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("emg.npy", header.getvalue())
    assert "not a whole .npz recording" in refusal(tmp_path / "huge.npz")
