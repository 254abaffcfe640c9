"""`myobridge bridge` between a real LSL outlet, a simulated board and a real daemon, each a process or thread."""

import json
import signal
import time

import numpy as np
import pytest

from amplifier import amplifier
from myobridge.simulator.synth import SynthOptions, SynthSource
from own_lsl import pylsl
from processes import myobridge
from stream_bridge import FS_HZ, MYO_HZ, bridged, bridged_myo, daemon, myo, myo_model


@pytest.fixture(scope="module")
def emg():
    """What the simulated wearer's four electrodes give, in counts of 10 bits."""
    counts, _ = SynthSource(SynthOptions(fs_hz=FS_HZ, channels=4)).read(int(20 * FS_HZ))
    return counts


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


def test_arm_disarm_and_an_emergency_stop_pass_while_the_stream_is_dead(tmp_path):
    with myo() as sender:
        with bridged(tmp_path, "lsl:Myo", fs_hz=MYO_HZ) as (bridge, hand):
            with daemon(bridge.port, myo_model(tmp_path)) as (watched, _):
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


def test_a_stream_of_an_armband_is_recorded_through_the_bridge(tmp_path):
    with myo(), bridged(tmp_path, "lsl:Myo", fs_hz=MYO_HZ) as (bridge, _):
        once = ("--repetitions", 1, "--seconds-per-pose", 1, "--seconds-of-rest", 1)
        result = myobridge(
            "record", "--port", bridge.port, "--fs", 200, "--channels", 8, "--out", tmp_path / "r.myo", *once
        )
    assert result.returncode == 0, result.stderr
    facts = json.loads(myobridge("inspect", tmp_path / "r.myo", "--json", "-").stdout)
    assert (facts["channels"], facts["fs_hz"], facts["adc_bits"]) == (8, MYO_HZ, 8)
    assert facts["log"]["samples_lost"] == 0


# --- faults of the stream ---------------------------------------------------------------------------------


def test_a_stream_that_stops_leads_to_hold_and_relax_and_goes_on_when_it_comes_back(tmp_path):
    with bridged_myo(tmp_path) as (sender, watched, bridge):
        watched.armed()
        sender.paused = True
        watched.until(lambda look: look.state == "HOLD")
        watched.until(lambda look: look.state in ("RELAX", "DISARMED"))  # the daemon greets again, and disarms
        sender.paused = False
        watched.armed()
    errors = bridge.stderr.read()
    assert "sends no samples" in errors
    assert "in time again" in errors


def test_a_stream_that_is_three_seconds_late_moves_no_hand(tmp_path):
    with bridged_myo(tmp_path, late_s=3.0) as (_, watched, bridge):
        watched.until(lambda look: look.withheld == "stale")
        assert "follows" not in watched.feed.request("arm").text
    assert "s old, so the board refuses setpoints" in bridge.stderr.read()


def test_time_stamps_that_jump_lead_to_hold_and_the_hand_moves_again_when_they_are_right(tmp_path):
    with bridged_myo(tmp_path) as (sender, watched, bridge):
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


def test_a_stream_that_runs_at_another_rate_than_it_says_is_refused(tmp_path):
    with bridged_myo(tmp_path) as (sender, watched, _):
        watched.armed()
        sender.speed = 1.3
        look = watched.until(lambda look: look.withheld == "rate_off")
        assert look.fs_hz > 1.1 * MYO_HZ
        watched.until(lambda look: look.state in ("HOLD", "RELAX"))


def test_lost_samples_are_counted_by_the_daemon(tmp_path):
    with bridged_myo(tmp_path, "--json", tmp_path / "b.json") as (sender, watched, _):
        watched.armed()
        time.sleep(3)  # the stamps have shown that they are steady
        sender.skip = 3
        watched.until(lambda look: look.samples_lost >= 3)
    assert json.loads((tmp_path / "b.json").read_text())["samples_lost"] >= 3
