"""The daemon against the simulated hand, two processes over a virtual serial port."""

import json
import os
import signal
import time

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.link import SerialLink
from processes import myobridge, running, simulated_hand
from tiny_model import tiny_spec, write_tiny_model

MODEL = ("--model", "synth")
KEYS = """
    seconds fs_hz channels hop_samples window_samples frames_received frames_lost samples_lost crc_errors commands_sent
    commands_per_second latency_ms sample_to_command_ms cpu_seconds_per_second rss_mb deadline_misses
    start_to_first_command_s state mae_deg
""".split()


def run(hand, *arguments):
    result = myobridge("run", "--port", hand.port, *MODEL, "--json", "-", *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def kinds_sent(port, for_s):
    """Types of the frames that a hand sends unasked."""
    link, frames, kinds = SerialLink(port), FrameDecoder(), set()
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        link.wait(0.05)
        kinds.update(frame[0] for frame in frames.feed(link.read()))
    link.close()
    return kinds


def test_an_armed_daemon_sends_a_setpoint_each_hop_and_loses_nothing(tmp_path):
    with simulated_hand(tmp_path, "--trace", tmp_path / "trace.npz") as hand:
        summary = run(hand, "--arm", "--seconds", 4)
    assert set(KEYS) <= set(summary)
    assert summary["state"] == "ARMED"
    assert (summary["frames_lost"], summary["samples_lost"], summary["crc_errors"]) == (0, 0, 0)
    hops = (summary["seconds"] * summary["fs_hz"] - summary["window_samples"]) / summary["hop_samples"]
    assert summary["commands_sent"] > 0.9 * hops
    for key in ("latency_ms", "sample_to_command_ms"):
        assert 0 < summary[key]["p50"] <= summary[key]["p95"] <= summary[key]["p99"] <= summary[key]["max"]
    assert hand.summary["state"] == "DISARMED"  # the daemon's goodbye
    assert hand.summary["range_rejects"] == hand.summary["stale_rejects"] == 0
    trace = np.load(tmp_path / "trace.npz")
    assert (trace["applied_deg"] >= 0).all()
    assert (trace["applied_deg"] <= 180).all()
    assert np.ptp(trace["applied_deg"]) > 20  # it moved
    steps = np.abs(np.diff(trace["applied_deg"], axis=0)).max()
    assert steps <= 2 * 400 * 0.02 + 0.1  # the slew of two servo periods, as rows may be late by one


def test_an_unarmed_daemon_predicts_but_does_not_move_the_hand(tmp_path):
    with simulated_hand(tmp_path, "--trace", tmp_path / "trace.npz") as hand:
        summary = run(hand, "--seconds", 2)
    assert summary["decisions"] > 200
    assert summary["commands_sent"] == 0
    assert summary["state"] == "DISARMED"
    assert np.ptp(np.load(tmp_path / "trace.npz")["applied_deg"]) == 0


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.15, 0.4, 2.0])
def test_a_daemon_that_is_stopped_at_any_moment_disarms_without_a_traceback(tmp_path, ending, after_s):
    with simulated_hand(tmp_path) as hand:
        with running("run", "--port", hand.port, *MODEL, "--arm", "--json", tmp_path / "run.json") as daemon:
            time.sleep(after_s)
            daemon.send_signal(ending)
            output, errors = daemon.communicate(timeout=60)
        assert "Traceback" not in errors + output
    assert hand.summary["state"] == "DISARMED"


def test_a_model_that_does_not_run_is_one_sentence_and_the_hand_stops_streaming(tmp_path):
    model = onnx.load(write_tiny_model(tmp_path / "m.onnx", tiny_spec(fs_hz=2000.0)))
    last = next(tensor for tensor in model.graph.initializer if tensor.name == "last")
    last.CopyFrom(numpy_helper.from_array(np.array([1 << 20]), "last"))  # of a window: no check computes that
    onnx.save(model, tmp_path / "m.onnx")
    with simulated_hand(tmp_path) as hand:
        result = myobridge("run", "--port", hand.port, "--model", tmp_path / "m.onnx", "--arm")
        assert m.Emg.TYPE not in kinds_sent(hand.port, for_s=0.5)
    assert result.returncode == 1
    assert "is not an ONNX model that can be run" in result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert hand.summary["samples_taken"] > 0, "the hand streamed"


def test_when_an_armed_daemon_is_killed_the_hand_holds_then_relaxes(tmp_path):
    with simulated_hand(tmp_path, "--trace", tmp_path / "trace.npz") as hand:
        with running("run", "--port", hand.port, *MODEL, "--arm") as daemon:
            time.sleep(2.5)
            daemon.kill()
            daemon.wait()
            time.sleep(3.0)
    states = np.load(tmp_path / "trace.npz")["state"].tolist()
    assert [s for s, before in zip(states[1:], states, strict=False) if s != before] == [2, 3, 4]
    assert hand.summary["state"] == "RELAX"


def test_a_reconnected_hand_streams_again_and_arms_only_on_request(tmp_path):
    faults = ("--faults", "unplug=1@3")
    with simulated_hand(tmp_path, *faults, "--trace", tmp_path / "trace.npz") as hand:
        with running("run", "--port", hand.port, *MODEL, "--arm", "--json", tmp_path / "run.json") as daemon:
            time.sleep(11.5)
            os.kill(daemon.pid, signal.SIGUSR1)
            time.sleep(1.5)
            daemon.send_signal(signal.SIGINT)
            _, errors = daemon.communicate(timeout=60)
    summary = json.loads((tmp_path / "run.json").read_text())
    assert summary["reconnects"] >= 1
    assert "stays disarmed" in errors
    assert summary["state"] == "ARMED"
    states = np.load(tmp_path / "trace.npz")["state"].tolist()
    changes = [s for s, before in zip(states[1:], states, strict=False) if s != before]
    assert changes[:3] == [2, 3, 4]  # ARMED, HOLD, RELAX while the daemon was away
    assert changes[3:5] == [1, 2]  # DISARMED by the new session, ARMED by SIGUSR1


@pytest.mark.parametrize("faults", ["flips=1e-4", "lost=1e-4", "burst=300@1", "stall=120@1"])
def test_a_bad_cable_loses_counted_samples_and_never_delivers_a_wrong_sample(tmp_path, faults):
    with simulated_hand(tmp_path, "--faults", faults, "--seed", 3) as hand:
        summary = run(hand, "--arm", "--seconds", 5)
    taken = hand.summary["samples_taken"]
    accounted = summary["samples_received"] + summary["samples_lost"]
    assert 0 <= taken - accounted <= 0.25 * summary["fs_hz"]  # samples on the line or lost at the very end
    assert hand.summary["range_rejects"] == 0
    if faults.startswith(("flips", "lost", "burst")):
        assert summary["samples_lost"] > 0
        assert summary["crc_errors"] + summary["length_errors"] > 0
    else:
        assert summary["samples_lost"] == 0
