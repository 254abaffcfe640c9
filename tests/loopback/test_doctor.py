"""`myobridge doctor` against the simulated hand: it finds each fault and nothing else."""

import json
import os
import pty
import re
import signal
import subprocess
import time

import numpy as np
import pytest

from myobridge.doctor.gather import gather_port
from myobridge.recording import Recording
from myobridge.simulator.script import POSES_DEG, StepScript
from myobridge.simulator.synth import SynthOptions, SynthSource
from processes import command, feed_of, myobridge, running, simulated_hand, wait_for_emg

FS_HZ = 2000
QUICK = ("--no-clench", "--seconds", 1)


def examine(port, *arguments):
    """Returns exit code and report."""
    result = myobridge("doctor", "--port", port, "--json", "-", *arguments)
    assert "Traceback" not in result.stderr, result.stderr
    return result.returncode, json.loads(result.stdout)


def ids(report, severity=None):
    return {f["id"] for f in report["findings"] if severity in (None, f["severity"])}


def wait_for_a_doctor(port):
    """Waits until the doctor has opened the port and listens to the stream, which takes it a second."""
    while not gather_port(str(port)).holders:
        time.sleep(0.1)
    time.sleep(4)


@pytest.fixture
def wearer(tmp_path):
    """A recording of a synthetic wearer: seconds of rest, then a fist; `change` may damage it."""

    def record(rest_s=4.0, change=lambda counts: None, **options):
        script = StepScript([(rest_s, POSES_DEG["rest"]), (20, POSES_DEG["fist"])])
        counts, _ = SynthSource(SynthOptions(fs_hz=FS_HZ, script=script, seed=3, **options)).read(15 * FS_HZ)
        change(counts)
        path = tmp_path / "wearer.npz"
        Recording(counts, FS_HZ, adc_bits=10).save(path)
        return "--source", path, "--loop"

    return record


def test_a_good_hand_on_a_cooperative_wearer_has_no_bad_finding(tmp_path):
    with simulated_hand(tmp_path, "--follow-cues") as hand:
        code, report = examine(hand.port, "--seconds", 3)
        assert hand.process.poll() is None
    assert (code, report["ok"], ids(report, "bad")) == (0, True, set())
    facts = report["facts"]
    assert facts["source"] == "port"
    assert (facts["device"]["board"], facts["device"]["protocol_matches"]) == ("simulated", True)
    stream = facts["stream"]
    assert stream["fs_measured_hz"] == pytest.approx(FS_HZ, rel=5e-3)
    assert (stream["samples_lost"], stream["crc_errors"], stream["frames_to_hand_lost"]) == (0, 0, 0)
    assert stream["round_trips"] > 50
    assert 0 < stream["round_trip_ms"]["p50"] <= stream["round_trip_ms"]["max"]
    assert [channel["contact"] for channel in facts["channels"]] == ["good"] * 4
    assert all(channel["signal_to_rest"] > 3 for channel in facts["channels"])
    assert hand.summary["state"] == "DISARMED"


def test_a_missing_clench_is_found(tmp_path, wearer):
    with simulated_hand(tmp_path, *wearer(rest_s=100)) as hand:
        code, report = examine(hand.port, "--seconds", 2)
    assert (code, ids(report, "bad")) == (1, {"no_signal"})


def flat(counts):
    counts[:, 2] = 100


def repeat(counts):
    counts[:, 1] = np.resize(counts[:64, 1], len(counts))


def bridge(counts):
    counts[:, 3] = counts[:, 0]


def saturate_clench(counts):
    counts[:, 0] = np.clip(counts[:, 0].astype(int) * 12, -512, 511)


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        ({"change": flat}, "channel_flat"),
        ({"change": repeat}, "channel_repeating"),
        ({"change": bridge}, "channels_identical"),
        ({"change": saturate_clench, "rest_s": 0.1}, "channel_saturated"),
        ({"hum_uv": 400.0, "hum_hz": 60.0}, "channel_mains"),
        ({"hum_uv": 20.0}, "mains_high"),
    ],
)
def test_a_bad_electrode_is_found(tmp_path, wearer, spoil, finding):
    with simulated_hand(tmp_path, *wearer(**{"rest_s": 100} | spoil)) as hand:
        code, report = examine(hand.port, *QUICK)
    assert finding in ids(report)
    assert code == (0 if finding == "mains_high" else 1)


@pytest.mark.parametrize(
    ("faults", "findings"),
    [
        ("flips=2e-6", {"line_errors"}),
        ("flips=2e-4", {"samples_lost"}),
        ("stall=60@0.5", {"arrivals_bunched", "round_trip_long"}),
    ],
)
def test_a_bad_cable_is_found(tmp_path, faults, findings):
    with simulated_hand(tmp_path, "--faults", faults, "--seed", 3) as hand:
        code, report = examine(hand.port, "--no-clench", "--seconds", 4)
    assert findings <= ids(report)
    assert code == ("samples_lost" in findings)


def test_a_cable_that_is_pulled_out_during_the_examination_is_found(tmp_path):
    with simulated_hand(tmp_path, "--faults", "unplug=20@2") as hand:
        code, report = examine(hand.port, "--no-clench", "--seconds", 8)
    assert (code, ids(report, "bad")) == (1, {"port_unusable"})


def test_a_stream_that_stops_is_found(tmp_path):
    with simulated_hand(tmp_path, "--faults", "stall=5900@6") as hand:
        code, report = examine(hand.port, "--no-clench", "--seconds", 9)
    assert (code, ids(report, "bad")) == (1, {"no_samples"})


def test_a_missing_port_is_found(tmp_path):
    code, report = examine(tmp_path / "none")
    assert (code, ids(report, "bad")) == (1, {"port_missing"})
    assert report["facts"]["stream"] is None


def test_a_file_that_is_not_a_port_is_found(tmp_path):
    (tmp_path / "file").touch()
    assert ids(examine(tmp_path / "file")[1], "bad") == {"port_unusable"}


def test_a_program_that_holds_the_port_is_found(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with running("doctor", "--port", hand.port, "--no-clench", "--seconds", 200):
            wait_for_a_doctor(hand.port)
            code, report = examine(hand.port)
    assert (code, ids(report, "bad")) == (1, {"port_busy"})
    (finding,) = (f for f in report["findings"] if f["id"] == "port_busy")
    assert "doctor" in finding["what"]


def test_a_foreign_device_on_the_port_is_found():
    master, slave = pty.openpty()
    code, report = examine(os.ttyname(slave))
    os.close(master)
    os.close(slave)
    assert (code, ids(report, "bad")) == (1, {"no_answer"})


def test_beside_a_daemon_the_doctor_listens_to_the_daemon_and_disturbs_nothing(tmp_path):
    with simulated_hand(tmp_path, "--trace", tmp_path / "trace.npz") as hand:
        with running(
            "run", "--port", hand.port, "--model", "synth", "--arm", "--json", tmp_path / "run.json"
        ) as daemon:
            time.sleep(2.5)
            code, report = examine(hand.port, "--no-clench", "--seconds", 3)
            daemon.send_signal(signal.SIGINT)
            daemon.communicate(timeout=60)
    assert (code, ids(report, "bad"), report["facts"]["source"]) == (0, set(), "daemon")
    assert report["facts"]["stream"]["samples_received"] > 2 * FS_HZ
    assert report["facts"]["stream"]["samples_lost"] == 0
    assert len(report["facts"]["channels"]) == 4
    summary = json.loads((tmp_path / "run.json").read_text())
    assert (summary["samples_lost"], summary["reconnects"]) == (0, 0)
    states = np.load(tmp_path / "trace.npz")["state"].tolist()
    assert [s for s, before in zip(states[1:], states, strict=False) if s != before][:1] == [2]  # armed
    assert 1 not in states[states.index(2) : -20]  # and not disarmed before the daemon's end


def test_a_hand_in_emergency_stop_is_found_with_and_without_a_daemon(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with running("run", "--port", hand.port, "--model", "synth"):
            wait_for_emg(hand.port)
            with feed_of(hand.port) as feed:
                assert feed.request("estop").ok
            beside = examine(hand.port, *QUICK)
            told = myobridge("doctor", "--port", hand.port, "--channels", 2, *QUICK).stderr
        assert "A daemon holds the port, so these are the channels of its model" in told
        alone = examine(hand.port, *QUICK)
    for code, report in (beside, alone):
        assert (code, ids(report, "bad")) == (1, {"emergency_stop"})
    assert [report["facts"]["source"] for _, report in (beside, alone)] == ["daemon", "port"]


@pytest.mark.parametrize("asks", [(), ("--no-clench",)], ids=["while it asks", "while it listens"])
def test_ctrl_c_stops_the_stream_frees_the_port_and_reports_the_findings(tmp_path, asks):
    with simulated_hand(tmp_path) as hand:
        with running("doctor", "--port", hand.port, *asks, "--seconds", 60) as doctor:
            wait_for_a_doctor(hand.port)
            doctor.send_signal(signal.SIGINT)
            output, errors = doctor.communicate(timeout=60)
        assert doctor.returncode == 130
        assert "Traceback" not in errors and "Aborted" not in errors and "relax your hand" not in errors
        assert (
            errors.splitlines()[-1] == "myobridge: The examination ended early; the report holds its findings so far."
        )
        assert "board     simulated" in output
        assert "clock     " in output
        assert "Total: " in output
        time.sleep(0.3)
        first = hand.process.poll()
    assert first is None
    assert hand.summary["samples_taken"] < 30 * FS_HZ, "the stream has stopped"
    assert hand.summary["state"] == "DISARMED"


def test_the_json_after_ctrl_c_says_that_it_was_interrupted(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with running("doctor", "--port", hand.port, "--no-clench", "--seconds", 60, "--json", "-") as doctor:
            wait_for_a_doctor(hand.port)
            doctor.send_signal(signal.SIGINT)
            output, _ = doctor.communicate(timeout=60)
    report = json.loads(output)
    assert report["facts"]["interrupted"] is True
    assert report["facts"]["stream"]["samples_received"] > 0
    assert len(report["facts"]["channels"]) == 4


@pytest.mark.parametrize("columns", [48, 80])
def test_lines_fit_the_terminal_and_words_stay_whole(tmp_path, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    result = myobridge("doctor", "--port", tmp_path / "none")
    monkeypatch.delenv("COLUMNS")
    whole = myobridge("doctor", "--port", tmp_path / "none")
    lines = result.stdout.splitlines()
    assert all(len(line) <= columns or len(line.split()) <= 2 for line in lines), result.stdout
    assert set(re.findall(r"[a-z]{4,}", result.stdout)) == set(re.findall(r"[a-z]{4,}", whole.stdout))


def test_at_a_terminal_the_doctor_waits_for_enter(tmp_path, wearer):
    master, slave = pty.openpty()
    with simulated_hand(tmp_path, *wearer(rest_s=5)) as hand:
        asked = command("doctor", "--port", hand.port, "--seconds", 1)
        with subprocess.Popen(asked, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as doctor:
            for word in ("Relax the arm", "Make a firm fist"):
                while word not in (line := doctor.stderr.readline()):
                    assert line, doctor.stderr.read()
                time.sleep(0.5)
                assert doctor.poll() is None
                os.write(master, b"\n")
            text, _ = doctor.communicate(timeout=60)
    os.close(master)
    os.close(slave)
    assert "times that in a clench" in text
    assert "Total: " in text
