"""A file that cannot be imported is refused in one sentence that names it, and nothing is written."""

import gzip
import random
import sys

import h5py
import numpy as np
import pytest
import scipy.io
from test_import_formats import CHANNELS, FS_HZ, MINUTES, imported, options, xdf
from test_recording_log import HEADER

import foreign_files as foreign
from labelled_recording import labelled
from myobridge.errors import UserError
from myobridge.recording import Recording, RecordingWriter
from myobridge.recording.importing.mapping import Mapping
from myobridge.recording.importing.run import import_files


def refusal(path, **said):
    (path.parent / "imported.npz").unlink(missing_ok=True)
    before = sorted(path.parent.iterdir())
    with pytest.raises(UserError) as error:
        imported(path, **said)
    sentence = str(error.value)
    assert str(path) in sentence and sentence.endswith(".") and "\n" not in sentence
    assert sorted(path.parent.iterdir()) == before
    return sentence


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The bytes of a file of each format."""
    folder = tmp_path_factory.mktemp("made")
    files = {}
    for name, writer in foreign.WRITERS.items():
        writer.write(folder / name, MINUTES, CHANNELS, FS_HZ)
        found = next(path for path in folder.iterdir())  # np.save appends a suffix
        files[name] = found.read_bytes()
        found.unlink()
    return files


@pytest.mark.parametrize("name", foreign.WRITERS)
def test_a_file_that_is_cut_short_is_refused(name, made, tmp_path):
    path = tmp_path / "cut"
    content = made[name]
    path.write_bytes(
        content[: content.rindex(b"\n", 0, len(content) // 2) + 8]
        if name in TEXTS
        else content[: len(content) * 3 // 5]
    )
    said = refusal(path, **options(name))
    assert "copy the file again" in said or "copy it again" in said


TEXTS = ("csv", "tsv", "openbci", "brainflow")


@pytest.mark.parametrize("name", foreign.WRITERS)
def test_a_header_alone_is_refused(name, made, tmp_path):
    (tmp_path / "head").write_bytes(made[name][:40])
    refusal(tmp_path / "head", **options(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", foreign.WRITERS)
def test_a_damaged_file_gives_a_recording_or_a_sentence(name, made, tmp_path):
    """Bytes are changed, lost and doubled, mostly in the headers."""
    chance = random.Random(name)
    for _ in range(60):
        content = bytearray(made[name])
        for _ in range(chance.choice([1, 1, 3, 20])):
            at = chance.randrange(chance.choice([64, 300, 2000, len(content)])) % len(content)
            kind = chance.randrange(4)
            if kind == 0:
                content[at] = chance.randrange(256)
            elif kind == 1:
                content[at] ^= 1 << chance.randrange(8)
            elif kind == 2:
                del content[at : at + chance.choice([1, 8, 500])]
            else:
                content[at:at] = content[at : at + chance.choice([1, 8, 500])]
        (tmp_path / "damaged").write_bytes(content)
        try:
            imported(tmp_path / "damaged", **options(name))
        except UserError as error:
            assert str(error).endswith(".") and "\n" not in str(error)


FOREIGN = {
    "nothing": (b"", "is empty"),
    "blanks": (b" \n\n", "is empty"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), "is a picture"),
    "gzip": (gzip.compress(b"a,b\n1,2\n"), "packed with gzip; unpack it"),
    "utf-16": ("a;b\n1;2\n".encode("utf-16"), "text in UTF-16; save it as UTF-8"),
    "old excel": (b"\xd0\xcf\x11\xe0" + bytes(500), "old Excel workbook; save its table as CSV"),
    "bytes": (bytes(range(256)) * 20, "in no format that import reads"),
    "prose": (b"Dear reader,\nthere is no table here.\n", "text without a table of numbers"),
    "zip": (b"PK\x05\x06" + bytes(18), "a zip archive without NumPy arrays"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_named_for_what_it_is(name, tmp_path):
    content, why = FOREIGN[name]
    (tmp_path / "x.csv").write_bytes(content)
    assert why in refusal(tmp_path / "x.csv")


def test_a_recording_of_ours_needs_no_import(tmp_path):
    with RecordingWriter(tmp_path / "r.myo", HEADER):
        pass
    assert "is a recording of myobridge already" in refusal(tmp_path / "r.myo")


# --- missing facts --------------------------------------------------------------------------------------------


def npz(folder, **arrays):
    np.savez(folder / "a.npz", **{"emg": foreign.counts(1000, 3), "fs": 500.0, **arrays})
    return folder / "a.npz"


TABLE = np.ones((1000, 3))
MISSING = {
    "rate": ({"fs": "?"}, {}, "does not say its sampling rate; give it with --rate"),
    "unit": ({"emg": np.full((1000, 3), 0.5)}, {}, "does not say the unit of 'emg[1]', which holds 0.5"),
    "channels": ({"emg": np.zeros(1), "a": TABLE, "b": TABLE}, {}, "name them with --channels"),
    "poses": ({"label": np.ones(1000, int)}, {}, "labels without a pose (1)"),
    "a channel": ({}, {"channels": ("emg[1]", "emg[4]")}, "no column 'emg[4]'"),
    "a range": ({}, {"channels": ("2-9",)}, "no column '2-9'"),
    "twice": ({}, {"channels": ("1-2", "emg[2]")}, "'emg[2]' twice"),
    "angles": ({}, {"angles": ("emg",)}, "names 3 columns; name 5"),
    "a label": ({}, {"label": "emg"}, "--label emg names 3 columns; name one"),
    "length": ({"label": np.ones(999, int)}, {}, "'label' has 999 values and 'emg[1]' has 1000 values"),
    "fractions": ({"label": np.full(1000, 0.5)}, {}, "'label' must hold whole numbers"),
    "large labels": ({"label": np.full(1000, 256)}, {}, "from 0 to 255 and holds 256 at sample 0"),
    "large counts": ({"emg": np.full((1000, 3), 40000)}, {}, "40000 does not fit into a count of 16 bits; give"),
    "large volts": ({}, {"unit": "V", "uv_per_count": 1.0}, "give a larger --uv-per-count"),
    "steep angles": ({"angles_deg": np.full((1000, 5), 181.0)}, {}, "from 0 to 180"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_or_does_not_fit_is_asked_for_by_name(name, tmp_path):
    arrays, said, why = MISSING[name]
    assert why in refusal(npz(tmp_path, **arrays), **said)


def test_nan_is_refused_with_channel_and_sample(tmp_path):
    emg = np.ones((50_000, 3))
    emg[40_000, 1] = np.nan
    assert "the channel 'emg[2]' holds NaN or infinity at sample 40000; leave the channel out" in refusal(
        npz(tmp_path, emg=emg), unit="V"
    )
    assert imported(tmp_path / "a.npz", unit="V", channels=("1", "3")).channels == 2


def test_a_recording_that_is_too_long_is_refused_before_or_while_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("myobridge.recording.importing.gather.MAX_UNPACKED_MB", 1.1)
    with h5py.File(tmp_path / "a.h5", "w") as file:  # a kilobyte that declares 64 GB
        file.create_dataset("emg", (1 << 32, 4), np.float32, chunks=(1 << 20, 4), compression="gzip")
    assert "too long: a recording may have 1.1 MB of arrays" in refusal(tmp_path / "a.h5", rate_hz=500.0)
    (tmp_path / "a.csv").write_text("EMG 1,EMG 2\n" + "1,2\n" * 200_000)
    assert "too long: a recording may have 1.1 MB of arrays" in refusal(tmp_path / "a.csv", rate_hz=500.0)


def test_an_existing_recording_is_not_overwritten(tmp_path):
    labelled().save(tmp_path / "r.npz")
    before = (tmp_path / "r.npz").read_bytes()
    with pytest.raises(UserError, match="exists already and import does not overwrite it"):
        import_files([npz(tmp_path)], Mapping(), tmp_path / "r.npz")
    assert (tmp_path / "r.npz").read_bytes() == before


def test_structures_of_matlab_are_not_read(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"data": {"emg": np.zeros((100, 4))}})
    assert "structures and cells are not read" in refusal(tmp_path / "a.mat")


def test_streams_of_different_rates_are_refused(tmp_path):
    xdf(tmp_path / "a.xdf", [(100, foreign.counts(1000, 2))])
    assert "different rates ('Cuff EMG/E2' 1000 Hz and 'Gyro/E1' 50 Hz)" in refusal(
        tmp_path / "a.xdf", channels=("Cuff EMG", "Gyro/E1")
    )


@pytest.mark.parametrize(
    ("name", "module"), [("edf", "edfio"), ("bdf", "edfio"), ("xdf", "pyxdf"), ("matlab", "scipy"), ("hdf5", "h5py")]
)
def test_without_the_extra_one_sentence_says_what_to_install(name, module, made, tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(made[name])
    for loaded in [one for one in sys.modules if one.partition(".")[0] == module]:
        monkeypatch.setitem(sys.modules, loaded, None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        UserError, match=rf"needs {module}, which .* not installed; `pip install 'myobridge\[import\]'`"
    ):
        imported(tmp_path / "a")


def test_a_recording_of_ours_may_be_imported_with_other_poses(tmp_path):
    labelled(poses=()).save(tmp_path / "own.npz")
    assert imported(tmp_path / "own.npz", pose=labelled().poses).poses == labelled().poses
    assert isinstance(Recording.load(tmp_path / "imported.npz"), Recording)
