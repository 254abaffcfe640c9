"""A recording of each format arrives with every sample, whatever the file's name is."""

import csv

import edfio
import h5py
import numpy as np
import pytest
import scipy.io
from test_recording_export import recorded  # noqa: F401 - a fixture

import foreign_files as foreign
from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording import Recording
from myobridge.recording.export import export
from myobridge.recording.importing.mapping import Mapping
from myobridge.recording.importing.run import import_files
from myobridge.recording.open import open_recording

MINUTES, CHANNELS, FS_HZ = 0.05, 4, 1000
POSES = (LabelledPose(1, "fist", (180,) * 5), LabelledPose(2, "open", (0,) * 5))
WITH_DECIMALS = ("tsv", "openbci", "brainflow")


def imported(*paths, **said):
    out = paths[0].with_name("imported.npz")
    out.unlink(missing_ok=True)
    import_files(paths, Mapping(**said), out)
    return Recording.load(out)


def options(name):
    said = {"rate_hz": float(FS_HZ)}
    if name == "brainflow":
        said["channels"] = (f"2-{CHANNELS + 1}",)
    if name == "matlab":
        said["label"] = ""
    if name in ("matlab", "matlab-7.3", "hdf5", "npy", "npz"):
        said["unit"] = "uV"
    return said


@pytest.mark.parametrize("suffix", ["", ".csv", ".edf"])
@pytest.mark.parametrize("name", foreign.WRITERS)
def test_every_sample_arrives_whatever_the_name_of_the_file_is(name, suffix, tmp_path):
    writer = foreign.WRITERS[name]
    path = tmp_path / f"file{suffix or '.' + writer.suffix}"
    made = tmp_path / f"made.{writer.suffix}"
    writer.write(made, MINUTES, CHANNELS, FS_HZ)
    made.rename(path)
    counts = foreign.repeated(MINUTES, CHANNELS, FS_HZ)
    if name == "xdf":
        counts = np.tile(foreign.counts(FS_HZ // 2, CHANNELS), (6, 1))
    if name in WITH_DECIMALS:  # they hold c / 2 + 0.25
        recording = imported(path, uv_per_count=0.25, **options(name))
        assert np.array_equal(recording.counts, 2 * counts.astype(int) + 1)
    else:
        recording = imported(path, uv_per_count=None if name == "csv" else foreign.SCALE_UV, **options(name))
        assert np.array_equal(recording.counts, counts)
    assert recording.fs_hz == FS_HZ


# --- our own exports ------------------------------------------------------------------------------------------


def same(one, other, *names):
    for name in names:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert [*one.takes()] == [*other.takes()]


@pytest.mark.parametrize("form", ["npz", "csv", "edf", "bids"])
def test_our_own_exports_come_back_to_the_bit(recorded, form, tmp_path):  # noqa: F811
    path, _ = recorded
    original = Recording.load(path)
    exported = export(
        open_recording(path), form, tmp_path / f"out.{form}" if form != "bids" else tmp_path / "study", "01"
    )
    known = {} if form in ("npz", "bids") else {"pose": original.poses}
    again = imported(exported, **({"adc_bits": original.adc_bits} if form == "csv" else {}), **known)
    same(again, original, "counts", "fs_hz", "adc_bits", "label", "repetition")
    assert set(again.poses) == set(original.poses)
    if form in ("npz", "csv"):
        same(again, original, "run")


def test_an_edf_without_poses_asks_for_those_of_its_annotations(recorded, tmp_path):  # noqa: F811
    exported = export(open_recording(recorded[0]), "edf", tmp_path / "out.edf", "01")
    with pytest.raises(UserError, match=r"labels without a pose \('fist'\).*--look --map"):
        imported(exported)


def test_finger_angles_come_back(tmp_path):
    angles = np.random.default_rng(0).uniform(0, 180, (3000, 5)).astype(np.float32)
    original = Recording(foreign.counts(3000, 2), 1000.0, 12, angles_deg=angles)
    original.save(tmp_path / "own.npz")
    same(imported(tmp_path / "own.npz"), original, "counts", "angles_deg", "adc_bits")


# --- EDF and BDF ----------------------------------------------------------------------------------------------


def edf(path, kind="Edf", rates=(1000, 1000), annotations=(), seconds=4, **signal):
    make = getattr(edfio, f"{kind}Signal")
    values = [np.random.default_rng(k).uniform(-90, 90, seconds * rate) for k, rate in enumerate(rates)]
    signals = [
        make(
            values[k],
            rate,
            label=f"EMG {k + 1}",
            **{"physical_dimension": "uV", "physical_range": (-100, 100), **signal},
        )
        for k, rate in enumerate(rates)
    ]
    getattr(edfio, kind)(signals, annotations=annotations).write(path)
    return values


@pytest.mark.parametrize("kind", ["Edf", "Bdf"])
@pytest.mark.parametrize("unit", ["uV", "mV"])
def test_the_values_of_edf_and_bdf_have_the_unit_of_their_header(kind, unit, tmp_path):
    values = edf(tmp_path / "a.edf", kind, physical_dimension=unit)
    factor = {"uV": 1, "mV": 1000}[unit]
    recording = imported(tmp_path / "a.edf", uv_per_count=0.01 * factor)
    assert np.abs(recording.counts[:, 0] - values[0] * 100).max() <= 0.5 + 100 * 200 / 65535


def test_annotations_are_labels_until_they_end(tmp_path):
    cues = [("fist/1", 0.5, 1.0), ("open/1", 2.0, 0.5), ("fist/2", 3.0, 0.25), ("BAD electrode", 0.1, 3)]
    edf(tmp_path / "a.edf", annotations=[edfio.EdfAnnotation(at, long, text) for text, at, long in cues])
    recording = imported(tmp_path / "a.edf", pose=POSES)
    expected = np.zeros(4000, int)
    expected[500:1500], expected[2000:2500], expected[3000:3250] = 1, 2, 1
    assert np.array_equal(recording.label, expected)
    assert recording.repetition[600] == 1 and recording.repetition[3100] == 2


def test_an_annotation_without_an_end_lasts_until_the_next(tmp_path):
    cues = [("fist", 0.5), ("rest", 1.0), ("open", 2.0)]
    edf(tmp_path / "a.edf", annotations=[edfio.EdfAnnotation(at, None, text) for text, at in cues])
    recording = imported(tmp_path / "a.edf", pose=POSES)
    assert np.array_equal(np.flatnonzero(np.diff(recording.label)) + 1, [500, 1000, 2000])


def test_signals_of_another_rate_are_left_out(tmp_path):
    edf(tmp_path / "a.edf", rates=(1000, 1000, 100))
    assert imported(tmp_path / "a.edf", channels=("EMG 1", "2")).channels == 2
    with pytest.raises(UserError, match=r"different rates \('EMG 2' 1000 Hz and 'EMG 3' 100 Hz\)"):
        imported(tmp_path / "a.edf")


# --- XDF ------------------------------------------------------------------------------------------------------


def xdf(path, pieces, markers=(), fs_hz=1000):
    """Pieces are (first time, values)."""
    content = foreign.XDF_BEGINS + foreign.xdf_stream(1, "Cuff EMG", 2, fs_hz)
    content += foreign.xdf_stream(2, "Cues", 1, 0, "string") + foreign.xdf_stream(3, "Gyro", 3, 50)
    for at_s, values in pieces:
        content += foreign.xdf_samples(1, values, at_s, fs_hz)
    content += foreign.xdf_samples(3, np.zeros((60, 3)), pieces[0][0], 50)
    path.write_bytes(content + (foreign.xdf_markers(2, markers) if markers else b""))


def test_markers_of_an_xdf_are_labels_at_the_samples_of_their_times(tmp_path):
    values = foreign.counts(2000, 2)
    xdf(tmp_path / "a.xdf", [(100, values)], [(100.2505, "fist"), (101.0, "rest"), (101.4995, "open")])
    recording = imported(tmp_path / "a.xdf", uv_per_count=1.0, pose=POSES)
    assert np.array_equal(recording.counts, values)
    assert np.array_equal(np.flatnonzero(np.diff(recording.label)) + 1, [251, 1000, 1500])
    assert [recording.label[at] for at in (0, 500, 1200, 1800)] == [0, 1, 0, 2]


def test_a_pause_in_an_xdf_begins_a_new_take(tmp_path):
    values = foreign.counts(2000, 2)
    xdf(tmp_path / "a.xdf", [(100, values[:1200]), (103, values[1200:])])
    assert [*imported(tmp_path / "a.xdf").takes()] == [slice(0, 1200), slice(1200, 2000)]


# --- MATLAB, HDF5, NumPy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_73", [False, True])
def test_ninapros_layout_is_known_in_both_matlab_formats(as_73, tmp_path):
    label = np.repeat([0, 1, 0, 2, 0, 1, 0, 2], 500)[:, None]
    number = np.repeat([0, 1, 0, 1, 0, 2, 0, 2], 500)[:, None]
    emg = np.random.default_rng(0).standard_normal((4000, 6)) * 1e-5
    variables = {
        "emg": emg,
        "glove": np.zeros((4000, 22)),
        "stimulus": np.roll(label, -100),
        "restimulus": label,
        "repetition": np.roll(number, -100),
        "rerepetition": number,
        "frequency": 2000.0,
    }
    path = tmp_path / "S1_E1_A1.mat"
    if as_73:
        with h5py.File(path, "w", userblock_size=512) as file:
            for name, values in variables.items():
                file[name] = np.asarray(values, float).T if np.ndim(values) else [[values]]
        with path.open("r+b") as file:
            file.write(foreign.MATLAB_HEADER)
    else:
        scipy.io.savemat(path, variables)
    recording = imported(path, unit="V", uv_per_count=0.01, pose=POSES)
    assert (recording.fs_hz, recording.channels) == (2000, 6)
    assert np.abs(recording.counts * 1e-8 - emg).max() <= 0.5e-8 + 1e-12
    assert np.array_equal(recording.label, label[:, 0])
    assert np.array_equal(recording.repetition, np.repeat([1, 1, 1, 1, 1, 2, 2, 2], 500)), (
        "a rest belongs to its movement"
    )


def test_arrays_are_read_the_other_way_round_and_column_by_column(tmp_path):
    counts = foreign.counts(3000, 3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["emg"] = counts.T
        for k in range(3):
            file[f"single/ch{k + 1}"] = counts[:, k]
    assert np.array_equal(imported(tmp_path / "a.h5", rate_hz=500.0).counts, counts)
    singles = ("single/ch1", "single/ch3")
    assert np.array_equal(imported(tmp_path / "a.h5", rate_hz=500.0, channels=singles).counts, counts[:, [0, 2]])


def test_python_objects_in_an_npz_are_left_alone(tmp_path):
    np.savez(tmp_path / "a.npz", emg=foreign.counts(500, 2), Fs=500, notes=np.array([{}], object))
    assert imported(tmp_path / "a.npz").fs_hz == 500


def test_several_files_become_the_takes_of_one_recording(tmp_path):
    for name, seed in (("a", 1), ("b", 2)):
        np.savez(tmp_path / f"{name}.npz", emg=foreign.counts(500, 2, seed), fs=500.0)
    recording = imported(tmp_path / "a.npz", tmp_path / "b.npz")
    assert [*recording.takes()] == [slice(0, 500), slice(500, 1000)]
    assert np.array_equal(recording.counts[500:], foreign.counts(500, 2, 2))


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", emg=foreign.counts(500, 2), fs=500.0)
    np.savez(tmp_path / "b.npz", emg=foreign.counts(500, 2), fs=250.0)
    with pytest.raises(UserError, match=r"a.npz and .*b.npz have different sampling rates \(500 Hz and 250 Hz\)"):
        imported(tmp_path / "a.npz", tmp_path / "b.npz")


def test_the_csv_of_another_program_that_reads_ours_is_the_same_table(recorded, tmp_path):  # noqa: F811
    """The reader agrees with Python's own on every field."""
    exported = export(open_recording(recorded[0]), "csv", tmp_path / "a.csv", "01")
    with exported.open(newline="") as file:
        rows = [[int(value) for value in row[1:5]] for row in list(csv.reader(file))[1:]]
    assert np.array_equal(imported(exported, label="").counts, rows)
