"""The `.myo` log: a written log loads unchanged, a damaged one loads its whole part, and cues keep their samples."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.recording.log import MAX_EVENTS, read_log
from myobridge.recording.log_frames import LogEncoder, LogFrame
from myobridge.recording.open import open_recording
from myobridge.recording.summary import as_text, summarize
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder, encode
from virtual_hand import board_config

CHANNELS, SAMPLES_PER_FRAME, FS_HZ = 4, 5, 2000
IDENT = m.Ident(m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, 16, 10, 2_000_000)
POSES = (LabelledPose(0, "rest", (40,) * 5), LabelledPose(2, "fist", (180,) * 5))
HEADER = Header(ident=IDENT, config=board_config(), poses=POSES, electrodes=("A", "B", "C", "D"))


def stream(frames, first=0, seed=0):
    """EMG frames as on the wire, and their counts (samples, channels)."""
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


def test_a_written_log_loads_unchanged(path):
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
    assert read_log(path).missing() == ["15 samples never received"]


def written(path, wire, **header):
    """A closed recording of the whole stream."""
    with RecordingWriter(path, Header(ident=IDENT, config=board_config(), **header)) as writer:
        for k in range(0, len(wire), 4):
            writer.bytes(k / 400, b"".join(wire[k : k + 4]))
    return path


def test_a_read_may_end_anywhere(path):
    """The log's own frames stand between whole frames, wherever reads end."""
    wire, counts = stream(200)
    line, rng = b"".join(wire), np.random.default_rng(1)
    cuts = [0, *sorted(rng.integers(0, len(line), 300).tolist()), len(line)]
    with RecordingWriter(path, HEADER) as writer:
        for at, (start, end) in enumerate(zip(cuts, cuts[1:], strict=False)):
            writer.bytes(at * 0.2, line[start:end])
            writer.cue(at % 7, at % 5)
    decoder = FrameDecoder()
    decoder.feed(path.read_bytes())
    assert (decoder.counters.crc_errors, decoder.counters.length_errors) == (0, 0)
    assert np.array_equal(Recording.load(path).counts, counts)
    assert not read_log(path).missing()


def test_a_recording_joins_a_running_stream(path):
    wire, counts = stream(10)
    with RecordingWriter(path, HEADER) as writer:
        writer.bytes(0.0, wire[0][9:] + b"".join(wire[1:]))
    assert np.array_equal(Recording.load(path).counts, counts[5:])
    assert (writer.lost_bytes, read_log(path).missing()) == (0, [])


def test_frames_of_several_lengths_and_other_messages_stay_in_order(path):
    rng, line, expected, index = np.random.default_rng(2), [], [], 0
    for k in range(300):
        n = int(rng.integers(1, 20))
        counts = rng.integers(-512, 512, (n, CHANNELS)).astype("<i2")
        line.append(encode(m.Emg.TYPE, k & 255, m.Emg(index, n, 0).pack() + counts.tobytes()))
        line.append(encode(m.Ping.TYPE, k & 255, m.Ping(k).pack()))
        expected.append(counts)
        index += n
    assert np.array_equal(Recording.load(written(path, line)).counts, np.concatenate(expected))


def test_the_index_wraps_and_a_restart_begins_a_new_take(path):
    before, counts = stream(20, first=(1 << 32) - 50)
    after, more = stream(10, seed=1)
    recording = Recording.load(written(path, before + after))
    assert read_log(path).samples_lost == 0
    assert [*recording.takes()] == [slice(0, 100), slice(100, 150)]
    assert np.array_equal(recording.counts, np.concatenate([counts, more]))


def test_repeated_samples_do_not_count(path):
    """DISCARD covers samples under its cue before it, not after it."""
    wire, counts = stream(6)
    with RecordingWriter(path, HEADER) as writer:
        writer.bytes(0.0, wire[0])
        writer.cue(2, 1)
        writer.bytes(0.1, wire[1] + wire[2])
        writer.cue(0, 1)
        writer.bytes(0.2, wire[3])
        writer.discard(2, 1)
        writer.bytes(0.3, wire[4])
        writer.cue(2, 1)
        writer.bytes(0.4, wire[5])
    recording = Recording.load(path)
    assert np.array_equal(recording.counts, np.delete(counts, range(5, 15), axis=0))
    assert recording.label.tolist() == [0] * 15 + [2] * 5
    assert [*recording.takes()] == [slice(0, 5), slice(5, 20)]
    assert len(read_log(path).counts) == 30


def test_notes_keep_their_place(path):
    wire, _ = stream(2)
    long = "électrode 3 « pressée » " * 40
    with RecordingWriter(path, HEADER) as writer:
        writer.bytes(0.0, wire[0])
        writer.note(long)
        writer.note("")
        writer.bytes(0.1, wire[1])
    assert read_log(path).notes == [(5, long), (5, "")]


def test_cues_that_do_not_fit_into_a_byte_are_refused(path):
    with RecordingWriter(path, HEADER) as writer:
        for label, repetition in ((-1, 0), (256, 0), (0, 256)):
            with pytest.raises(ValueError, match="within 0 and 255"):
                writer.cue(label, repetition)


def test_a_board_cannot_write_cues(path):
    """A good frame of one of the log's types that arrives over the wire is not written to the file."""
    wire, _ = stream(2)
    forged = encode(LogFrame.CUE, 1, bytes((5, 5)))
    with RecordingWriter(path, HEADER) as writer:
        writer.bytes(0.0, wire[0] + forged + wire[1])
    assert Recording.load(path).label is None
    assert writer.lost_bytes == len(forged) - 1


def test_endless_noise_does_not_fill_memory(path):
    with RecordingWriter(path, HEADER) as writer:
        for _ in range(100):
            writer.bytes(0.0, b"\x55" * 10_000)
        wire, counts = stream(3)
        writer.bytes(0.1, b"\0" + b"".join(wire))
    assert writer.lost_bytes > 900_000
    assert path.stat().st_size < 5000
    assert np.array_equal(Recording.load(path).counts, counts)


# --- a file that is not whole -----------------------------------------------------------------------------


def test_a_file_can_be_read_while_it_is_written(path):
    wire, counts = stream(100)
    with RecordingWriter(path, HEADER) as writer:
        for k, frame in enumerate(wire):
            writer.bytes(k / 400, frame)
        seen = []
        while not seen or seen[-1] < 500:
            time.sleep(0.005)
            log = read_log(path)
            assert not log.closed and np.array_equal(log.counts, counts[: len(log.counts)])
            seen.append(len(log.counts))
        assert "still being written" in log.missing()[-1]


def test_a_file_cut_off_anywhere_loads_its_whole_part(path):
    wire, counts = stream(8)
    content = written(path, wire).read_bytes()
    samples = 0
    for length in range(len(content)):
        path.write_bytes(content[:length])
        try:
            log = read_log(path)
        except UserError:
            assert samples == 0
            continue
        assert samples <= len(log.counts) <= samples + SAMPLES_PER_FRAME
        samples = len(log.counts)
        assert np.array_equal(log.counts, counts[:samples])
        assert not log.closed and log.missing()
    assert samples == len(counts)


def test_a_flipped_byte_costs_only_the_frames_that_it_touches(path):
    wire, counts = stream(100)
    content = written(path, wire).read_bytes()
    rng = np.random.default_rng(3)
    for at in rng.integers(0, len(content), 200).tolist():
        damaged = bytearray(content)
        damaged[at] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            log = read_log(path)
        except UserError as error:
            assert "header" in str(error) and at < 1500
            continue
        lost = len(counts) - len(log.counts)
        assert lost in (0, SAMPLES_PER_FRAME, 2 * SAMPLES_PER_FRAME)
        assert set(map(bytes, log.counts)) <= set(map(bytes, counts))
        assert log.missing()


def test_noise_of_any_length_is_one_piece(path):
    wire, counts = stream(20)
    content = written(path, wire).read_bytes()
    path.write_bytes(content + b"\x55" * 1_000_000 + b"\0" + b"".join(stream(10, first=100, seed=1)[0]))
    log = read_log(path)
    assert (log.damage.length_errors, log.damage.unfinished_bytes, log.samples_lost) == (1, 0, 0)
    assert len(log.counts) == len(counts) + 50


def test_a_repeated_header_replaces_a_damaged_beginning(path):
    wire, counts = stream(8000)
    content = bytearray(written(path, wire).read_bytes())
    content[:600] = bytes([0x55] * 600)
    path.write_bytes(content)
    log = read_log(path)
    assert log.header.config == HEADER.config and log.header.poses == ()
    assert len(log.counts) > len(counts) - 100 and log.missing()


def refusal(path):
    with pytest.raises(UserError) as error:
        Recording.load(path)
    sentence = str(error.value)
    assert str(path) in sentence and sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_a_file_that_is_not_a_recording_is_refused_in_one_sentence(path, tmp_path):
    assert "No such file" in refusal(path)
    assert "directory" in refusal_of_folder(tmp_path)
    for content in (b"", b"time,emg\n1,2\n", bytes(5000), b"\x55" * 5000, np.random.default_rng(4).bytes(300_000)):
        path.write_bytes(content)
        assert "not a .myo recording" in refusal(path)
    written_header_only = tmp_path / "header.myo"
    RecordingWriter(written_header_only, HEADER).close()
    assert "no sample" in refusal(written_header_only)


def refusal_of_folder(folder):
    (folder / "f.myo").mkdir()
    return refusal(folder / "f.myo")


ABSURD = {
    "no channels": {"config": board_config(channel_mask=0)},
    "65 channels": {"config": board_config(channel_mask=(1 << 65) - 1)},
    "no rate": {"config": board_config(sample_period_ticks=0)},
    "a huge rate": {"ident": msgspec.structs.replace(IDENT, tick_hz=1 << 80)},
    "40 bits": {"ident": msgspec.structs.replace(IDENT, adc_bits=40)},
    "10 bits that are summed to 18": {"config": board_config(oversampling=255)},
    "two poses of a label": {"poses": [POSES[1], POSES[1]]},
    "a label past a byte": {"poses": [{"label": 1 << 40, "name": "x", "angles_deg": [0] * 5}]},
    "an electrode too few": {"electrodes": ["A", "B", "C"]},
    "another format": {"format": 2},
    "nothing": {"ident": None},
}


@pytest.mark.parametrize("name", ABSURD)
def test_an_invalid_header_is_ignored(path, name):
    fields = {**msgspec.to_builtins(HEADER), **msgspec.to_builtins(ABSURD[name])}
    path.write_bytes(LogEncoder().text(LogFrame.HEADER, msgspec.json.encode(fields)) + b"".join(stream(3)[0]))
    assert "not a .myo recording" in refusal(path)


def test_a_header_that_is_not_utf_8_is_ignored_and_the_next_header_counts(path):
    nonsense = LogEncoder().text(LogFrame.HEADER, b'{"electrodes": ["\xeb"]}')
    path.write_bytes(nonsense)
    assert "not a .myo recording" in refusal(path)
    path.write_bytes(nonsense + LogEncoder().header(HEADER) + b"".join(stream(3)[0]))
    assert read_log(path).header == HEADER


@given(st.data())
@settings(max_examples=60)
def test_hostile_files_are_read_or_refused(tmp_path_factory, data):
    """Good frames of every type with any payload, and noise, in any order, raise a UserError or nothing."""
    path = tmp_path_factory.mktemp("hostile") / "h.myo"
    header, kinds = LogEncoder().header(HEADER), [*LogFrame, *m.BY_TYPE, 0, 0xFF]
    frame = st.builds(encode, st.sampled_from(kinds), st.integers(0, 255), st.binary(max_size=60))
    pieces = data.draw(st.lists(st.one_of(frame, frame, st.binary(max_size=400), st.just(header)), max_size=40))
    path.write_bytes(header + b"".join(pieces))
    log = read_log(path)
    assert log.counts.shape[1] == CHANNELS and all(cue.row <= len(log.counts) for cue in log.cues)
    try:
        Recording.load(path)
    except UserError as error:
        assert "no sample" in str(error)


def test_notes_beyond_the_limit_are_counted_and_left_out(path):
    log = LogEncoder()
    wire = [log.header(HEADER), *[log.frame(LogFrame.CUE, b"\1\1") for _ in range(MAX_EVENTS + 10)], *stream(2)[0]]
    path.write_bytes(b"".join(wire))
    read = read_log(path)
    assert len(read.cues) == MAX_EVENTS and read.log_frames_lost == 10


NASTY = {
    "zeros": lambda: bytes(200_000),
    "no end": lambda: b"\x55" * 200_000,
    "pieces of a byte": lambda: b"\1\0" * 100_000,
    "the shortest frames": lambda: encode(m.Stop.TYPE, 1, b"") * 30_000,
    "the longest frames": lambda: encode(m.Emg.TYPE, 1, m.Emg(7, 30, 0).pack() + bytes(240)) * 800,
    "a gap after each frame": lambda: encode(m.Emg.TYPE, 1, m.Emg(7, 1, 0).pack() + bytes(8)) * 10_000,
    "cues and discards": lambda: (
        b"".join(encode(kind, 1, bytes((k, k))) for k in range(256) for kind in (0xF2, 0xF3)) * 45
    ),
    "a text that never ends": lambda: encode(LogFrame.NOTE, 1, b"\0\xff" + b"x" * 240) * 800,
}


@pytest.mark.parametrize("name", NASTY)
def test_a_hostile_file_does_not_fill_memory(path, name):
    path.write_bytes(LogEncoder().header(HEADER) + NASTY[name]())
    tracemalloc.start()
    read_log(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24e6


# --- a disk that does not do what it should ----------------------------------------------------------------


def test_a_recording_is_never_overwritten_and_only_its_owner_can_read_it(path, tmp_path):
    path.write_text("mine")
    with pytest.raises(UserError, match="does not overwrite"):
        RecordingWriter(path, HEADER)
    assert path.read_text() == "mine"
    with pytest.raises(UserError, match="cannot be created"):
        RecordingWriter(tmp_path / "none" / "r.myo", HEADER)
    with pytest.raises(UserError, match=r"end in \.myo"):
        RecordingWriter(tmp_path / "r.npz", HEADER)
    fresh = tmp_path / "fresh.myo"
    RecordingWriter(fresh, HEADER).close()
    assert fresh.stat().st_mode & 0o777 == 0o600


FULL_DISK = """
import resource, sys
from pathlib import Path
from test_recording_log import HEADER, RecordingWriter, stream
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
wire, _ = stream(2000)
writer = RecordingWriter(Path(sys.argv[1]), HEADER)
for k in range(0, 2000, 10):
    writer.bytes(k / 400, b"".join(wire[k : k + 10]))
    if k == 1000:
        while not writer.problem: pass
writer.cue(1, 1)
writer.close()
print(writer.lost_bytes, writer.problem)
"""


def test_a_full_disk_ends_the_recording_keeps_its_whole_frames_and_stops_nothing_else(path):
    """The system's limit on file sizes simulates a full disk: one write is partial, the next fails."""
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here}:{here.parents[1]}"}
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    lost, _, problem = run.stdout.strip().partition(" ")
    assert "has stopped because the system does not let the file grow" in problem and str(path) in problem
    log, (wire, counts) = read_log(path), stream(2000)
    assert 0 < len(log.counts) < len(counts) and np.array_equal(log.counts, counts[: len(log.counts)])
    assert log.damage.unfinished_bytes == 0, "the partial frame is removed"
    in_file = sum(map(len, wire[: len(log.counts) // SAMPLES_PER_FRAME]))
    assert abs(int(lost) - (sum(map(len, wire)) - in_file)) < 3000, "every byte but those of the log's own frames"


def test_a_disk_that_is_full_at_the_start_is_an_error(path, monkeypatch):
    def write(_fd, _data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(UserError, match="the disk is full"):
        RecordingWriter(path, HEADER)
    assert not path.exists()


def test_the_end_of_the_file_reports_a_slow_disk(path, monkeypatch):
    real_sync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: time.sleep(0.15) or real_sync(fd))
    with RecordingWriter(path, HEADER) as writer:
        writer.bytes(0.0, stream(1)[0][0])
    assert read_log(path).slowest_sync_ms >= 150
    assert "a power cut could have lost as much" in as_text(summarize(open_recording(path)))


def test_a_disk_that_hangs_costs_samples_and_the_file_says_so(path, monkeypatch):
    """The caller never waits; bytes that do not fit into the queue are counted, and the file reports them."""
    real_write, stands_still, released = os.write, threading.Event(), threading.Event()
    wire, counts = stream(40_000)

    def write(fd, data):
        stands_still.set()
        released.wait()
        return real_write(fd, data)

    with RecordingWriter(path, HEADER) as writer:
        monkeypatch.setattr(os, "write", write)
        writer.cue(0, 0)
        stands_still.wait()
        for k in range(0, 36_000, 100):
            writer.bytes(k / 400, b"".join(wire[k : k + 100]))
        assert writer.lost_bytes > 0 and not writer.problem
        released.set()
        while writer._queue:
            time.sleep(0.001)
        writer.bytes(100.0, b"".join(wire[36_000:]))
    log = read_log(path)
    assert log.bytes_lost == writer.lost_bytes
    assert len(log.counts) + log.samples_lost == len(counts)
    assert any("disk was too slow" in phrase for phrase in log.missing())


def test_kills_cost_less_than_100_ms():
    """tests/kill_recorder.py does thousands of kills. Time in which the system blocks the recorder is not its fault."""
    run = [sys.executable, Path(__file__).parents[2] / "kill_recorder.py", "--kills", "30"]
    result = json.loads(subprocess.run(run, capture_output=True, text=True, check=True, timeout=100).stdout)
    assert result["kill"]["over_100_ms_beyond_wait"] == 0
    assert result["plug"]["over_100_ms_beyond_wait"] <= 3, "a busy machine may block some kills"
