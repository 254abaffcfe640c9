"""The `.myo` log: what is written comes back, a damaged file gives what is whole, and cues find their samples."""

import numpy as np
import pytest

from myobridge.model_file import LabelledPose
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.recording.log import read_log
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from virtual_hand import device_config

CHANNELS, SAMPLES_PER_FRAME, FS_HZ = 4, 5, 2000
IDENT = m.Ident(m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, 16, 10, 2_000_000)
POSES = (LabelledPose(0, "rest", (40,) * 5), LabelledPose(2, "fist", (180,) * 5))
HEADER = Header(ident=IDENT, config=device_config(), poses=POSES, electrodes=("A", "B", "C", "D"))


def stream(frames, first=0, seed=0):
    """EMG frames on the wire, and their counts (samples, channels)."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(-512, 512, (frames * SAMPLES_PER_FRAME, CHANNELS)).astype("<i2")
    wire = []
    for k in range(frames):
        rows = counts[k * SAMPLES_PER_FRAME : (k + 1) * SAMPLES_PER_FRAME]
        head = m.Emg((first + k * SAMPLES_PER_FRAME) % (1 << 32), SAMPLES_PER_FRAME, 0).pack()
        wire.append(encode(m.Emg.TYPE, k & 255, head + rows.tobytes()))
    return wire, counts


@pytest.fixture
def path(tmp_path):
    return tmp_path / "r.myo"


def test_what_is_written_is_loaded(path):
    wire, counts = stream(1000)
    with RecordingWriter(path, HEADER) as writer:
        for k in range(0, 1000, 2):
            writer.bytes(k / 400, wire[k] + wire[k + 1])
    recording = Recording.load(path)
    assert np.array_equal(recording.counts, counts)
    assert (recording.fs_hz, recording.adc_bits, recording.channels) == (FS_HZ, 10, CHANNELS)
    assert recording.poses == POSES
    assert recording.label is None and recording.repetition is None
    assert [*recording.takes()] == [slice(0, 5000)]
    assert (writer.lost_bytes, writer.problem) == (0, "")
    log = read_log(path)
    assert log.header == HEADER and log.closed and not log.missing()


def test_a_cue_belongs_to_the_next_sample(path):
    wire, _ = stream(6)
    with RecordingWriter(path, HEADER) as writer:
        writer.bytes(0.0, wire[0] + wire[1][:7])
        writer.cue(2, 1)
        writer.bytes(0.1, wire[1][7:] + wire[2])
        writer.cue(0, 1)
        writer.bytes(0.2, wire[3])
        writer.cue(2, 2)
        writer.bytes(0.3, wire[4] + wire[5])
    recording = Recording.load(path)
    assert recording.label.tolist() == [0] * 5 + [2] * 10 + [0] * 5 + [2] * 10
    assert recording.repetition.tolist() == [0] * 5 + [1] * 15 + [2] * 10


def test_a_gap_begins_a_new_take(path):
    wire, counts = stream(100)
    with RecordingWriter(path, HEADER) as writer:
        writer.bytes(0.0, b"".join(wire[:40] + wire[43:]))
    recording = Recording.load(path)
    assert np.array_equal(recording.counts, np.delete(counts, range(200, 215), axis=0))
    assert [*recording.takes()] == [slice(0, 200), slice(200, 485)]
    assert read_log(path).missing() == ["15 samples were never received"]
