"""64 channels, the widest CONFIG: from the simulated hand's port to a setpoint each hop, and into a recording."""

import json

import numpy as np
import pytest

from myobridge.acquire import emg_wire_bytes
from myobridge.configure import samples_per_frame
from myobridge.feed import Chunk
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.wire import messages as m
from processes import feed_of, myobridge, running, simulated_hand
from tiny_model import tiny_spec, write_tiny_model

CHANNELS = 64
FS_HZ = 250.0
"""What 500 kbaud carry with room to spare."""


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
    assert summary["frames_received"] > FS_HZ, "one sample a frame: two do not fit"


def test_64_channels_are_recorded_and_read_again(tmp_path, model):
    path = tmp_path / "wide.myo"
    with (
        hand_of_64(tmp_path) as hand,
        running("run", "--port", hand.port, "--model", model),
        feed_of(hand.port, within_s=40) as feed,
    ):
        about = feed.subscribe("bytes")
        with RecordingWriter(path, Header(ident=about.ident, config=about.config)) as writer:
            while writer.lost_bytes == 0 and path.stat().st_size < 100_000:
                message = feed.receive(timeout_s=5.0)
                if isinstance(message, Chunk):
                    writer.bytes(message.t_s, message.data)
    recording = Recording.load(path)
    assert (recording.channels, recording.fs_hz) == (CHANNELS, FS_HZ)
    assert len(recording.counts) > FS_HZ
    assert np.ptp(recording.counts, axis=0).min() > 0, "each channel has a signal of its own"


def test_frames_hold_as_many_samples_as_fit():
    assert emg_wire_bytes(1, CHANNELS) < m.MAX_FRAME_BYTES < emg_wire_bytes(2, CHANNELS)
    assert samples_per_frame(10, 121 // 16) == 5
