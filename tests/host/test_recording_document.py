"""RECORDING.md is true: its reader reads, and its table of types is the code's."""

import re
from pathlib import Path

import numpy as np
import pytest
from test_recording_log import HEADER, stream

from myobridge.recording import RecordingWriter
from myobridge.recording.log_frames import LogFrame
from myobridge.wire import messages as m

DOCUMENT = (Path(__file__).parents[2] / "host" / "RECORDING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read_myo():
    (code,) = re.findall("```python\n(.*?)```", DOCUMENT, re.DOTALL)
    names = {}
    exec(code, names)
    return names["read_myo"]


def test_a_strangers_reader_reads_what_we_write(read_myo, tmp_path):
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


def test_the_table_names_every_type_and_the_wire_has_none_of_them():
    rows = dict(re.findall(r"^\| `(F\d)` \| (\w+) \|", DOCUMENT, re.MULTILINE))
    assert {int(number, 16): name for number, name in rows.items()} == {frame.value: frame.name for frame in LogFrame}
    assert max(m.BY_TYPE) < min(LogFrame)
