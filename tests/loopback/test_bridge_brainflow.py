"""`myobridge bridge` with BrainFlow's own boards: the synthetic one, and a file that is played back."""

import json
import signal
import time

import numpy as np
import pytest

from myobridge.daemon.bridge.brainflow import library
from myobridge.errors import UserError
from processes import myobridge
from stream_bridge import bridged, daemon
from tiny_model import tiny_spec, write_tiny_model

try:
    library()
except UserError as missing:
    pytest.skip(f"{missing}", allow_module_level=True)

FS_HZ = 250.0
CHANNELS = 16
ROWS = 32
"""Of the synthetic board: a counter, 16 electrodes, others, and in row 30 the time."""


@pytest.fixture
def model(tmp_path):
    names = tuple(f"e{n}" for n in range(CHANNELS))
    spec = tiny_spec(fs_hz=FS_HZ, channels=names, scale_fs=(1 / 128,) * CHANNELS, hop_samples=1)
    return write_tiny_model(tmp_path / "m.onnx", spec)


@pytest.fixture
def recorded(tmp_path):
    """Six seconds as BrainFlow writes them; after three seconds, five samples are missing."""
    rng, n = np.random.default_rng(1), int(6 * FS_HZ)
    data = np.zeros((ROWS, n))
    number = np.arange(n) + 5 * (np.arange(n) >= n // 2)
    data[0] = number % 256
    data[1 : 1 + CHANNELS] = 200 * rng.normal(size=(CHANNELS, n))
    data[30] = 1.7e9 + number / FS_HZ
    np.savetxt(tmp_path / "play.csv", data.T, delimiter="\t", fmt="%.6f")
    return tmp_path / "play.csv"


def test_the_synthetic_board_moves_the_hand(tmp_path, model):
    trace = ("--trace", tmp_path / "trace.npz")
    emg = ("brainflow:synthetic", "--json", tmp_path / "b.json")
    with bridged(tmp_path, *emg, fs_hz=FS_HZ, hand_options=trace) as (bridge, hand):
        with daemon(bridge.port, model, "--json", tmp_path / "run.json") as (watched, _):
            watched.armed()
            time.sleep(3)
        bridge.send_signal(signal.SIGINT)
        bridge.wait(60)
    summary, between = json.loads((tmp_path / "run.json").read_text()), json.loads((tmp_path / "b.json").read_text())
    assert summary["commands_sent"] > 0
    assert summary["samples_lost"] == between["samples_lost"] == between["drops"] == 0
    assert np.ptp(np.load(tmp_path / "trace.npz")["applied_deg"]) > 5
    assert hand.summary["state"] == "DISARMED"


def test_a_file_is_played_its_gap_is_carried_through_and_its_end_leads_to_hold(tmp_path, model, recorded):
    address = f"brainflow:playback_file?file={recorded}&master_board=synthetic"
    with bridged(tmp_path, address, "--json", tmp_path / "b.json", fs_hz=FS_HZ) as (bridge, _):
        with daemon(bridge.port, model) as (watched, _):
            watched.until(lambda look: look.samples_received > FS_HZ / 2)
            watched.until(lambda look: look.state in ("HOLD", "RELAX", "LOST", "DISARMED") and look.reconnects > 0)
        bridge.send_signal(signal.SIGINT)
        bridge.wait(60)
    assert json.loads((tmp_path / "b.json").read_text())["samples_lost"] == 5
    assert "sends no samples" in bridge.stderr.read()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("brainflow:cytn", "no board 'cytn'; the nearest is 'cyton'"),
        ("brainflow:cyton", "INVALID_ARGUMENTS_ERROR"),
        ("brainflow:cyton?serial_prt=x", "no option 'serial_prt'; the nearest is 'serial_port'"),
        ("brainflow:cyton?ip_port=x", "whole number"),
        ("brainflow:cyton?timeout=-1", "whole number from 0 on"),
        ("brainflow:cyton?ip_port=99999999999999999999999", "whole number"),
        ("brainflow:cyton?serial_port=/dev/none", "check the cable and serial_port"),
        ("brainflow:shimmer3", "no electrodes"),
        ("brainflow:playback_file?file=/none&master_board=synthetic", "There is no file /none"),
    ],
)
def test_a_board_that_cannot_be_used_is_one_sentence(address, words):
    result = myobridge("bridge", "--emg", address, "--hand", "/dev/null")
    assert result.returncode == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.endswith(".\n")
