"""`myobridge import`: --look, the mapping file and what the command says."""

import re
import resource
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from click.testing import CliRunner
from test_import_formats import POSES, xdf

import foreign_files as foreign
from myobridge.commands.command_line import commands
from myobridge.errors import UserError
from myobridge.recording import Recording
from myobridge.recording.importing.mapping import COMMENTS, Mapping, mapping_text, read_mapping
from myobridge.recording.importing.ninapro import EXERCISE_B


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda _number, _action: None)


def run(line, code=0):
    result = CliRunner().invoke(commands, ["import", *shlex.split(line)])
    assert result.exit_code == code, result.stderr
    return result.stdout + result.stderr


def table(name="a.csv", label=True):
    counts = foreign.counts(3000, 3)
    rows = np.column_stack([np.arange(3000) / 1000, counts, np.repeat([0, 1, 0, 2], 750)][: 3 if label else 2])
    head = "time,ch1,ch2,ch3,label" if label else "time,ch1,ch2,ch3"
    np.savetxt(name, rows, "%.3f", ",", header=head, comments="")
    return counts


def test_look_shows_every_column_with_its_number_and_what_is_taken():
    table()
    said = run("a.csv --look")
    assert said.splitlines() == [
        "a.csv: CSV, 5 columns",
        "  1  time",
        "  2  ch1",
        "  3  ch2",
        "  4  ch3",
        "  5  label",
        "Import takes 3 channels (ch1, ch2, ch3).",
        "The file does not say their unit: whole numbers become counts, and other numbers need --unit.",
        "It also takes label from label; time from time.",
        "There are no poses.",
    ]
    assert [path.name for path in Path().iterdir()] == ["a.csv"]


def test_look_says_what_is_missing():
    np.savez("a.npz", emg=foreign.counts(500, 8))
    assert run("a.npz --look").splitlines() == [
        "a.npz: NumPy .npz, 8 columns",
        "  1-8  emg  (500 values)",
        "Missing: a.npz does not say its sampling rate; give it with --rate, in Hz.",
    ]


def test_look_counts_the_columns_of_ninapro_in_groups_and_names_its_poses():
    label = np.zeros((100, 1))
    scipy.io.savemat("s.mat", {"emg": np.zeros((100, 12)), "glove": np.zeros((100, 22)), "restimulus": label})
    said = run("s.mat --look")
    assert "1-12  emg" in said and "13-34  glove" in said and "--poses ninapro-b" in said


def test_look_writes_a_mapping_that_the_import_reads_once_the_angles_are_there():
    counts = table()
    assert "Wrote m.toml (mapping" in run("a.csv --look --map m.toml")
    mapping = tomllib.loads(Path("m.toml").read_text())
    assert mapping["channels"] == ["ch1", "ch2", "ch3"] and mapping["time"] == "time"
    assert [pose["label"] for pose in mapping["pose"]] == [0, 1, 2]
    assert "m.toml, line" in run("a.csv --map m.toml --out r.npz", code=1)
    filled = Path("m.toml").read_text().replace("angles_deg = []", "angles_deg = [180, 180, 180, 180, 180]")
    Path("m.toml").write_text(filled)
    assert "3.0 s of 3 channels at 1000 Hz" in run("a.csv --map m.toml --out r.npz")
    recording = Recording.load(Path("r.npz"))
    assert np.array_equal(recording.counts, counts)
    assert [(pose.label, pose.name) for pose in recording.poses] == [(0, "rest"), (1, "label 1"), (2, "label 2")]


def test_an_existing_mapping_is_not_overwritten_by_look():
    table()
    Path("m.toml").write_text('channels = ["ch2"]\n')
    assert "Import takes 1 channel (ch2)" in run("a.csv --look --map m.toml")
    assert Path("m.toml").read_text() == 'channels = ["ch2"]\n'


def test_an_option_goes_before_the_mapping():
    table()
    Path("m.toml").write_text('channels = ["ch2"]\nlabel = ""\n')
    run("a.csv --map m.toml --channels ch1,3 --out r.npz")
    recording = Recording.load(Path("r.npz"))
    assert np.array_equal(recording.counts, foreign.counts(3000, 3)[:, :2]) and recording.label is None


def test_the_template_names_the_markers_of_a_stream():
    xdf(Path("a.xdf"), [(100, foreign.counts(2000, 2))], [(100.5, "fist/1"), (101.0, "rest"), (101.5, "fist/2")])
    run("a.xdf --look --map m.toml")
    poses = tomllib.loads(Path("m.toml").read_text())["pose"]
    assert [(pose["label"], pose["name"]) for pose in poses] == [(1, "fist"), (0, "rest")]


def test_markers_that_are_numbers_are_the_labels():
    xdf(Path("a.xdf"), [(100, foreign.counts(2000, 2))], [(100.5, "7"), (101.0, "0"), (101.5, "label 9")])
    run("a.xdf --look --map m.toml")
    poses = tomllib.loads(Path("m.toml").read_text())["pose"]
    assert [(pose["label"], pose["name"]) for pose in poses] == [(0, "rest"), (7, "label 7"), (9, "label 9")]
    Path("m.toml").write_text(Path("m.toml").read_text().replace("= []", "= [0, 0, 0, 0, 0]"))
    run("a.xdf --map m.toml --out r.npz")
    assert np.array_equal(np.unique(Recording.load(Path("r.npz")).label), [0, 7, 9])


def test_the_command_says_the_microvolts_of_a_count_which_other_files_may_take():
    np.savez("a.npz", emg=np.linspace(-1, 1, 1000).reshape(-1, 2) * 3e-3, fs=500.0)
    assert "1 count is 0.2 µV" in run("a.npz --unit V --out r.npz")
    assert "1 count is 0.5 µV" in run("a.npz --unit V --uv-per-count 0.5 --out s.npz")
    assert Recording.load(Path("s.npz")).counts.max() == 6000


def test_zero_moves_unsigned_counts():
    np.save("a.npy", np.arange(1024, dtype=np.uint16).reshape(-1, 2))
    run("a.npy --rate 1000 --zero 512 --adc-bits 10 --out r.npz")
    recording = Recording.load(Path("r.npz"))
    assert (recording.counts.min(), recording.counts.max(), recording.adc_bits) == (-512, 511, 10)


def test_poses_come_from_a_file_of_poses_or_from_ninapro():
    table()
    Path("p.toml").write_text(
        "".join(
            f'[[pose]]\nlabel = {k}\nname = "{name}"\nhow = "so"\nangles_deg = [0, 0, 0, 0, 0]\n'
            for k, name in enumerate(("Rest", "A", "B"))
        )
    )
    run("a.csv --poses p.toml --out r.npz")
    assert [pose.name for pose in Recording.load(Path("r.npz")).poses] == ["Rest", "A", "B"]
    run("a.csv --poses ninapro-b --out s.npz")
    assert Recording.load(Path("s.npz")).poses == EXERCISE_B


def test_without_the_name_of_a_recording_nothing_is_done():
    table()
    assert "give it with --out R.npz, or look first with --look" in run("a.csv", code=1)


def test_a_full_disk_leaves_no_recording_and_an_error():
    np.save("a.npy", foreign.counts(200_000, 4))
    command = [sys.executable, "-m", "myobridge", "import", "a.npy", "--rate", "1000", "--out", "r.npz"]

    def almost_full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = subprocess.run(command, preexec_fn=almost_full, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "r.npz cannot be written" in done.stderr
    assert [path.name for path in Path().iterdir()] == ["a.npy"]


# --- the mapping file -----------------------------------------------------------------------------------------


def test_the_mapping_file_has_a_line_for_each_of_its_keys():
    assert {*COMMENTS, "pose"} == {*Mapping.__struct_fields__}


def test_a_written_mapping_reads_back_unchanged(tmp_path):
    full = Mapping(
        rate_hz=1999.5, unit="mV", uv_per_count=0.25, zero=-1.5, adc_bits=12, channels=("a", '"b"'), label="", run="r",
        repetition="x", angles=("angles",), time="t", pose=POSES,
    )  # fmt: skip
    for mapping in (full, Mapping()):
        (tmp_path / "m.toml").write_text(mapping_text(mapping, "a.csv", ()))
        assert read_mapping(tmp_path / "m.toml") == (mapping if mapping is full else Mapping())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("unit = 'mV'\nrates = 5", "line 2: unknown key 'rates'; the nearest key is 'rate_hz'"),
        ("rate_hz = 0", "line 1: rate_hz: expected a number >= 1"),
        ("# unit = 5\n\nunit = 'kV'", "line 3: unit: invalid enum value 'kV'"),
        ("channels = 'emg'", "line 1: channels: expected a list"),
        ("[[pose]]\nlabel = 1\nname = 'a'\nangles_deg = [1, 2]", "line 4: pose[0].angles_deg"),
        (
            "[[pose]]\nlabel=1\nname='a'\nangles_deg=[1,1,1,1,1]\n" * 2,
            "the label 1 is above 255, or stands for two poses",
        ),
        ("unit = ", "is not valid TOML"),
    ],
)
def test_a_mistake_in_the_mapping_is_named_by_its_line(text, why, tmp_path):
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(UserError) as error:
        read_mapping(tmp_path / "m.toml")
    assert why in str(error.value) and str(tmp_path / "m.toml") in str(error.value)


def test_the_document_names_every_option():
    document = (Path(__file__).parents[3] / "host" / "IMPORT.md").read_text(encoding="utf-8")
    options = set(re.findall(r"--[a-z-]+", CliRunner().invoke(commands, ["import", "--help"]).stdout))
    assert options - {"--help", "--version"} <= set(re.findall(r"--[a-z-]+", document))
