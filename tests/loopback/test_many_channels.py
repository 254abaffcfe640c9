"""64 channels, the most of a CONFIG: from the simulated hand's port to a setpoint each hop, and into a recording."""

import json

import numpy as np
import pytest

from myobridge.board import samples_per_frame
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.wire import messages as m
from myobridge.wire.emg import emg_wire_bytes
from myobridge.wire.frame import encode
from processes import myobridge, simulated_hand
from tiny_model import tiny_spec, write_tiny_model
from virtual_hand import board_config

CHANNELS = 64
FS_HZ = 250.0
"""A rate that 500 kbaud carry easily."""


@pytest.fixture
def model(tmp_path):
    names = tuple(f"e{n}" for n in range(CHANNELS))
    spec = tiny_spec(fs_hz=FS_HZ, channels=names, scale_fs=(1 / 512,) * CHANNELS)
    return write_tiny_model(tmp_path / "wide.onnx", spec)


def hand_of_64(folder):
    return simulated_hand(folder, "--channels", CHANNELS, "--fs", FS_HZ)


def test_the_daemon_runs_on_64_channels_and_loses_nothing(tmp_path, model):
    with hand_of_64(tmp_path) as hand:
        result = myobridge("run", "--port", hand.port, "--model", model, "--seconds", 3, "--json", "-")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["channels"] == CHANNELS
    assert summary["samples_lost"] == summary["crc_errors"] == 0
    assert summary["frames_received"] > FS_HZ, "one sample in a frame: two do not fit"


def test_64_channels_are_recorded_and_read_again(tmp_path):
    counts = np.random.default_rng(1).integers(-512, 512, (300, CHANNELS)).astype("<i2")
    ident = m.Ident(
        m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, CHANNELS, 10, 2_000_000
    )
    config = board_config(channel_mask=(1 << CHANNELS) - 1, sample_period_ticks=8000, samples_per_frame=1)
    with RecordingWriter(tmp_path / "wide.myo", Header(ident=ident, config=config)) as writer:
        for k, row in enumerate(counts):
            writer.bytes(k / FS_HZ, encode(m.Emg.TYPE, k & 0xFF, m.Emg(k, 1, 0).pack() + row.tobytes()))
    recording = Recording.load(tmp_path / "wide.myo")
    assert (recording.channels, recording.fs_hz) == (CHANNELS, FS_HZ)
    assert np.array_equal(recording.counts, counts)


def test_frames_hold_as_many_samples_as_fit():
    assert emg_wire_bytes(1, CHANNELS) < m.MAX_FRAME_BYTES < emg_wire_bytes(2, CHANNELS)
    assert samples_per_frame(10, 16, 121) == 5
