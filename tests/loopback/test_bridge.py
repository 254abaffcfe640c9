"""`myobridge bridge` between a real LSL outlet, a simulated board and a real daemon, each a process or thread."""

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager

import numpy as np
import pytest

from amplifier import amplifier
from myobridge.feed import Snapshot
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire import messages as m
from own_lsl import pylsl
from processes import command, feed_of, myobridge, running, simulated_hand
from starvation import eventually
from tiny_model import tiny_spec, write_tiny_model

FS_HZ = 2000.0
MYO_HZ = 200.0
OPEN = ("ARMED", "HOLD", "RELAX")


@pytest.fixture(scope="module")
def emg():
    """What the simulated wearer's four electrodes give, in counts of 10 bits."""
    counts, _ = SynthSource(SynthOptions(fs_hz=FS_HZ, channels=4)).read(int(20 * FS_HZ))
    return counts


@pytest.fixture(scope="module")
def noise():
    """Eight channels of noise as a Myo gives them: integers of 8 bits."""
    return np.random.default_rng(1).normal(0, 20, (2000, 8)).clip(-128, 127).astype(np.int8)


@pytest.fixture
def myo_model(tmp_path):
    spec = tiny_spec(
        fs_hz=MYO_HZ, channels=tuple("abcdefgh"), scale_fs=(1 / 128,) * 8, hop_samples=1, window_samples=40
    )
    return write_tiny_model(tmp_path / "myo.onnx", spec)


@contextmanager
def bridged(folder, address, *options, fs_hz=FS_HZ, hand_options=()):
    """A simulated board with one electrode, and a bridge to it; yields the bridge, with its port, and the board."""
    with simulated_hand(folder, "--fs", fs_hz, "--channels", 1, *hand_options) as hand:
        bridge = running("bridge", "--emg", address, "--hand", hand.port, "--link", folder / "bridge", *options)
        with bridge as process:
            process.port = process.stdout.readline().strip()
            if not process.port:
                pytest.fail(process.communicate(timeout=60)[1])
            yield process, hand


class Watched:
    """A daemon's feed, read in the background of the conditions that a test waits for."""

    def __init__(self, port):
        self.feed = feed_of(port)
        self.feed.subscribe("snapshots")

    def until(self, condition, within_s=60):
        """The first snapshot for which the condition holds."""
        until_s, look = time.monotonic() + within_s, None
        while time.monotonic() < until_s:
            message = self.feed.receive(0.1)
            if isinstance(message, Snapshot):
                look = message
                if condition(look):
                    return look
        return pytest.fail(f"the last snapshot is {look}")

    def armed(self):
        """Arms the hand; asks again, because a decision may be late on a busy machine."""
        until_s = time.monotonic() + 60
        while (answer := self.feed.request("arm")) and "follows" not in answer.text:
            assert time.monotonic() < until_s, answer
        return self


@contextmanager
def daemon(port, model, *options):
    with running("run", "--port", port, "--model", model, *options) as process:
        watched = Watched(port)
        try:
            yield watched, process
        finally:
            watched.feed.close()


# --- the full path ----------------------------------------------------------------------------------------


def test_the_hand_follows_emg_from_the_lab_streaming_layer_and_nothing_is_lost(tmp_path, emg):
    trace = ("--trace", tmp_path / "trace.npz")
    with amplifier("Lab", emg, FS_HZ, form=pylsl.cf_int16) as sender:
        with bridged(tmp_path, "lsl:Lab", "--range", 511, "--json", tmp_path / "b.json", hand_options=trace) as (
            bridge,
            hand,
        ):
            with daemon(bridge.port, "synth", "--json", tmp_path / "run.json") as (watched, _):
                watched.armed()
                time.sleep(4)
            bridge.send_signal(signal.SIGINT)
            bridge.wait(60)
    summary, between = json.loads((tmp_path / "run.json").read_text()), json.loads((tmp_path / "b.json").read_text())
    assert summary["commands_sent"] > 0
    assert (summary["samples_lost"], summary["crc_errors"], summary["reconnects"]) == (0, 0, 0)
    assert (between["samples_lost"], between["drops"]) == (0, 0)
    assert sender.sent >= between["samples"] >= summary["samples_received"]
    moved = np.load(tmp_path / "trace.npz")["applied_deg"]
    assert np.ptp(moved) > 20
    assert hand.summary["stale_rejects"] == hand.summary["range_rejects"] == 0
    assert hand.summary["state"] == "DISARMED"


def test_arm_disarm_and_an_emergency_stop_pass_while_the_stream_is_dead(tmp_path, noise, myo_model):
    with amplifier("Myo", noise, MYO_HZ, form=pylsl.cf_int8) as sender:
        with bridged(tmp_path, "lsl:Myo", fs_hz=MYO_HZ) as (bridge, hand):
            with daemon(bridge.port, myo_model) as (watched, _):
                watched.armed()
                assert "disarmed" in watched.feed.request("disarm").text
                watched.armed()
                sender.paused = True
                watched.until(lambda look: look.state == "HOLD")
                began_s = time.monotonic()
                watched.feed.request("estop")
                took_s = time.monotonic() - began_s
                watched.until(lambda look: look.state == "ESTOP")
            bridge.send_signal(signal.SIGINT)
    assert took_s < 5
    assert hand.summary["state"] == "ESTOP"


def test_a_stream_of_an_armband_is_recorded_through_the_bridge(tmp_path, noise):
    with amplifier("Myo", noise, MYO_HZ, form=pylsl.cf_int8), bridged(tmp_path, "lsl:Myo", fs_hz=MYO_HZ) as (bridge, _):
        once = ("--repetitions", 1, "--seconds-per-pose", 1, "--seconds-of-rest", 1)
        result = myobridge(
            "record", "--port", bridge.port, "--fs", 200, "--channels", 8, "--out", tmp_path / "r.myo", *once
        )
    assert result.returncode == 0, result.stderr
    facts = json.loads(myobridge("inspect", tmp_path / "r.myo", "--json", "-").stdout)
    assert facts["channels"] == 8
    assert facts["fs_hz"] == MYO_HZ
    assert facts["samples_lost"] == 0


# --- faults of the stream ---------------------------------------------------------------------------------


def test_a_stream_that_stops_leads_to_hold_and_relax_and_goes_on_when_it_comes_back(tmp_path, noise, myo_model):
    with bridged_myo(tmp_path, noise, myo_model) as (sender, watched, bridge):
        watched.armed()
        sender.paused = True
        watched.until(lambda look: look.state == "HOLD")
        watched.until(lambda look: look.state in ("RELAX", "DISARMED"))  # the daemon greets again, and disarms
        sender.paused = False
        watched.armed()
    errors = bridge.stderr.read()
    assert "sends no samples" in errors
    assert "in time again" in errors


def test_a_stream_that_is_three_seconds_late_moves_no_hand(tmp_path, noise, myo_model):
    with bridged_myo(tmp_path, noise, myo_model, late_s=3.0) as (_, watched, bridge):
        watched.until(lambda look: look.withheld == "stale")
        assert "follows" not in watched.feed.request("arm").text
    assert "3.0 s old" in bridge.stderr.read()


def test_time_stamps_that_jump_lead_to_hold_and_the_hand_moves_again_when_they_are_right(tmp_path, noise, myo_model):
    with bridged_myo(tmp_path, noise, myo_model) as (sender, watched, bridge):
        watched.armed()
        sender.shift_s = -5.0
        watched.until(lambda look: look.state in ("HOLD", "RELAX"))
        sender.shift_s = 0.0
        watched.feed.request("disarm")
        watched.armed()
        sender.shift_s = 9.0
        watched.until(lambda look: look.state in ("HOLD", "RELAX", "DISARMED"))
    errors = bridge.stderr.read()
    assert "old, so the board refuses" in errors
    assert "in the future" in errors


def test_a_stream_that_runs_at_another_rate_than_it_says_is_refused(tmp_path, noise, myo_model):
    with bridged_myo(tmp_path, noise, myo_model) as (sender, watched, _):
        watched.armed()
        sender.speed = 1.3
        look = watched.until(lambda look: look.withheld == "rate_off")
        assert look.fs_hz > 1.1 * MYO_HZ
        watched.until(lambda look: look.state in ("HOLD", "RELAX"))


def test_lost_samples_are_counted_by_the_daemon(tmp_path, noise, myo_model):
    with bridged_myo(tmp_path, noise, myo_model, "--json", tmp_path / "b.json") as (sender, watched, bridge):
        watched.armed()
        time.sleep(3)  # the stamps have shown that they are steady
        sender.skip = 3
        watched.until(lambda look: look.samples_lost >= 3)
    assert json.loads((tmp_path / "b.json").read_text())["samples_lost"] >= 3


@contextmanager
def bridged_myo(folder, noise, model, *options, **faults):
    with amplifier("Myo", noise, MYO_HZ, form=pylsl.cf_int8) as sender:
        for name, value in faults.items():
            setattr(sender, name, value)
        with bridged(folder, "lsl:Myo", *options, fs_hz=MYO_HZ) as (bridge, _):
            with daemon(bridge.port, model) as (watched, _):
                yield sender, watched, bridge
