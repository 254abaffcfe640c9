"""`myobridge bridge` between a real LSL outlet, a simulated board and a real daemon, each a process or thread."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from amplifier import amplifier
from myobridge.board import board_config
from myobridge.channels import spec_for
from myobridge.feed.port_stream import PortStream
from myobridge.settings import Settings
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire import messages as m
from myobridge.wire.emg import parse_emg
from myobridge.wire.link import SerialLink
from own_lsl import pylsl
from processes import myobridge, running
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


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_armband_goes_from_record_to_train_to_run(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed; tests/run.sh installs it.")
    recording, model = tmp_path / "r.myo", tmp_path / "mine.onnx"
    session = ("--repetitions", 2, "--seconds-per-pose", 2, "--seconds-of-rest", 1)
    with myo(), bridged(tmp_path, "lsl:Myo", fs_hz=MYO_HZ) as (bridge, _):
        done = myobridge(
            "record", "--port", bridge.port, "--fs", 200, "--channels", 8, "--out", recording, *session, timeout_s=200
        )
        assert done.returncode == 0, done.stderr
        train = [sys.executable, "-m", "myobridge_models", "train", recording, "--out", model, "--steps", "20"]
        trained = subprocess.run([str(word) for word in train], capture_output=True, text=True, check=False)
        assert trained.returncode == 0, trained.stderr
        with daemon(bridge.port, model) as (watched, _):
            watched.armed()
            look = watched.until(lambda look: look.state == "ARMED")
    assert len(look.channels) == 8


@pytest.mark.parametrize("board", ["mega2560", "uno"])
def test_the_real_firmware_moves_the_hand_by_more_channels_than_it_has_inputs(tmp_path, board):
    names = ("--link", tmp_path / "hand", "--json", tmp_path / "hand.json")
    with myo(), running("simulate", "--firmware", board, "--fs", 200, "--channels", 1, *names) as simulator:
        port = simulator.stdout.readline().strip()
        assert port, simulator.communicate()[1]
        with running("bridge", "--emg", "lsl:Myo", "--hand", port, "--link", tmp_path / "bridge") as bridge:
            assert bridge.stdout.readline().strip(), bridge.communicate()[1]
            with daemon(tmp_path / "bridge", myo_model(tmp_path)) as (watched, _):
                watched.armed()
                before = watched.until(lambda look: look.state == "ARMED").applied_deg
                watched.until(lambda look: max(abs(a - b) for a, b in zip(look.applied_deg, before, strict=True)) > 10)
    assert json.loads((tmp_path / "hand.json").read_text())["range_rejects"] == 0


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


def test_a_host_that_sends_setpoints_on_a_late_stream_is_refused_by_the_board(tmp_path):
    """The daemon would send none; this host checks no age."""
    spec, newest = spec_for(MYO_HZ, 8), []

    def hear(frame, _now_s):
        if (emg := parse_emg(frame, 8)) is not None:
            newest.append(emg[0])

    with myo() as sender, bridged(tmp_path, "lsl:Myo", fs_hz=MYO_HZ) as (bridge, _):
        sender.late_s = 3.0
        stream = PortStream(SerialLink(bridge.port), lambda ident: board_config(ident, spec, Settings()), hear)
        stream.start()
        session = stream.session
        until_s = time.monotonic() + 30
        while session.status.stale_rejects < m.MAX_REJECTS_IN_ROW and time.monotonic() < until_s:
            if not session.may_move and not session.busy and newest:
                session.request_arm()
            stream.receive(0.02)
            if session.may_move:
                session.setpoint((9000,) * m.SERVOS, 25, newest[-1])
        stream.receive(0.2)
        assert session.status.stale_rejects >= m.MAX_REJECTS_IN_ROW
        assert session.status.state in (m.State.HOLD, m.State.RELAX)
        assert session.status.applied_cdeg == (4000,) * m.SERVOS
        stream.close()


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
