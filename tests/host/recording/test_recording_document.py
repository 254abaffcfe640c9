"""RECORDING.md is correct: its example reader works, and its table of types matches the code."""

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest
from test_recording_log import HEADER, stream

from myobridge.calibration.poses import load_poses
from myobridge.recording import Recording, RecordingWriter
from myobridge.recording.log_frames import LogFrame
from myobridge.wire import messages as m

DOCUMENT = (Path(__file__).parents[3] / "host" / "RECORDING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read_myo():
    (code,) = re.findall("```python\n(.*?)```", DOCUMENT, re.DOTALL)
    names = {}
    exec(code, names)
    return names["read_myo"]


def test_a_reader_written_from_the_document_reads_our_files(read_myo, tmp_path):
    wire, counts = stream(300)
    with RecordingWriter(tmp_path / "r.myo", HEADER) as writer:
        writer.bytes(0.0, b"".join(wire[:100]))
        writer.cue(2, 7)
        writer.bytes(1.0, b"".join(wire[100:]))
        writer.discard(2, 7)
    header, samples, events = read_myo(tmp_path / "r.myo")
    assert [pose["name"] for pose in header["poses"]] == ["rest", "fist"]
    assert [index for index, _ in samples] == list(range(1500))
    assert np.array_equal([row for _, row in samples], counts)
    assert (500, LogFrame.CUE, b"\2\7") in events and (1500, LogFrame.DISCARD, b"\2\7") in events
    assert events[-1][:2] == (1500, LogFrame.END)


def test_the_document_names_the_labels_as_the_poses_file_does(tmp_path, monkeypatch):
    """Runs the document's program that adds poses to an `.npz`, and reads its example of a poses file."""
    monkeypatch.chdir(tmp_path)
    Recording(np.zeros((50, 2), np.int16), 1000.0, label=np.repeat([0, 1], 25).astype(np.uint8)).save(Path("mine.npz"))
    (code,) = re.findall(r"\n((?:    .*\n|\n)+)", DOCUMENT[DOCUMENT.index("either store it:") :].split("or give")[0])
    exec(textwrap.dedent(code), {})
    named = Recording.load(Path("named.npz"))
    assert [(pose.label, pose.name) for pose in named.poses] == [(0, "rest"), (1, "fist")]
    (lines,) = re.findall("```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    rest = lines.replace("label = 1", "label = 0").replace("fist", "rest")
    (tmp_path / "mine.toml").write_text(lines + rest)
    assert [(pose.label, pose.name) for pose in load_poses(tmp_path / "mine.toml")] == [(1, "fist"), (0, "rest")]


def test_the_table_names_every_log_frame_and_no_type_of_the_wire():
    rows = dict(re.findall(r"^\| `(F\d)` \| (\w+) \|", DOCUMENT, re.MULTILINE))
    assert {int(number, 16): name for number, name in rows.items()} == {frame.value: frame.name for frame in LogFrame}
    assert max(m.BY_TYPE) < min(LogFrame)
