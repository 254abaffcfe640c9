"""`myobridge record` as a process, on a simulated hand whose wearer follows the cues."""

import json
import os
import pty
import re
import resource
import select
import signal
import subprocess
import sys
import termios
import time

import numpy as np
import pytest

from myobridge.calibration.plan import IDLE
from myobridge.recording import Recording
from myobridge.recording.log import read_log
from processes import command, feed_of, myobridge, running, simulated_hand

POSES = """
[[pose]]
label = 0
name = "Rest"
angles_deg = [40, 40, 40, 40, 40]

[[pose]]
label = 7
name = "Fist"
angles_deg = [180, 180, 180, 180, 180]
"""
MOVEMENTS = """
[[movement]]
label = 3
name = "Fist"
angles_deg = [180, 180, 180, 180, 180]
shape = "sine"
depths = [0.6, 1.0]
stroke_s = 2.5
"""
SHORT = ("--repetitions", 1, "--seconds-per-pose", 1.5, "--seconds-of-rest", 1)


@pytest.fixture
def poses(tmp_path):
    path = tmp_path / "poses.toml"
    path.write_text(POSES)
    return path


def wearer(tmp_path, *arguments):
    return simulated_hand(tmp_path, "--follow-cues", "--seed", 1, *arguments)


def record(hand, out, *arguments, timeout_s=60):
    return myobridge("record", "--port", hand.port, "--out", out, *SHORT, *arguments, timeout_s=timeout_s)


def wait_for(process, text, within_s=60):
    """The output of the process up to a line with that text."""
    said, until_s = "", time.monotonic() + within_s
    while text not in said and time.monotonic() < until_s:
        line = process.stderr.readline()
        if not line:
            break
        said += line
    assert text in said, said
    return said


def check_recording(path):
    recording = Recording.load(path)
    assert (recording.fs_hz, recording.channels, recording.adc_bits) == (2000, 4, 10)
    assert [(pose.label, pose.name) for pose in recording.poses] == [(0, "Rest"), (7, "Fist")]
    assert np.sum(recording.label == 7) / 2000 == pytest.approx(1.5, abs=0.2)
    assert IDLE not in recording.repetition
    held = recording.counts[recording.label == 7][1600:].astype(float)
    assert held.std() > 3 * recording.counts[recording.label == 0][:2000].astype(float).std()


@pytest.mark.slow
def test_a_wearer_follows_a_shown_hand_and_the_recording_says_how_late(tmp_path):
    (tmp_path / "m.toml").write_text(MOVEMENTS)
    with wearer(tmp_path) as hand:
        result = record(hand, tmp_path / "f.myo", "--follow", tmp_path / "m.toml", "--json", "-")
    assert result.returncode == 0, result.stderr
    assert "Movements to follow: 1, which takes 0:10 minutes" in result.stderr
    assert "Movements shown: 1 of 1" in result.stderr
    assert "The EMG lags the shown hand by 0." in result.stderr
    recording = Recording.load(tmp_path / "f.myo")
    assert recording.shown
    assert recording.angles_deg[recording.label == 3].max() == pytest.approx(180, abs=1)


@pytest.mark.slow
def test_without_a_daemon_record_opens_the_port_and_never_arms(tmp_path, poses):
    with wearer(tmp_path, "--trace", tmp_path / "trace.npz") as hand:
        result = record(hand, tmp_path / "r.myo", "--poses", poses, "--json", "-")
        assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["holds_kept"], summary["problem"], summary["remarks"]) == (1, "", [])
    assert "Poses to hold: 1, which takes 0:07 minutes" in result.stderr
    assert "Poses held: 1 of 1" in result.stderr
    check_recording(tmp_path / "r.myo")
    assert set(np.load(tmp_path / "trace.npz")["state"]) == {1}, "DISARMED throughout"


@pytest.mark.slow
def test_a_recording_of_sums_of_conversions_knows_how_wide_its_counts_are(tmp_path, poses):
    (tmp_path / "c.toml").write_text("[acquisition]\noversampling = 4\n")
    with wearer(tmp_path) as hand:
        result = record(hand, tmp_path / "r.myo", "--poses", poses, "--config", tmp_path / "c.toml")
        assert result.returncode == 0, result.stderr
    recording = Recording.load(tmp_path / "r.myo")
    assert recording.adc_bits == 12
    assert recording.counts.any() and not (recording.counts % 4).any()
    assert read_log(tmp_path / "r.myo").header.config.oversampling == 4


@pytest.mark.slow
def test_beside_a_daemon_record_takes_the_daemons_bytes_and_the_daemon_continues(tmp_path, poses):
    with wearer(tmp_path) as hand:
        daemon = ("run", "--port", hand.port, "--model", "synth", "--arm", "--json", tmp_path / "run.json")
        with running(*daemon):
            with feed_of(hand.port) as feed:
                until_s = time.monotonic() + 60
                while feed.request("about").about.ident is None and time.monotonic() < until_s:
                    time.sleep(0.1)
            result = record(hand, tmp_path / "r.myo", "--poses", poses)
            assert result.returncode == 0, result.stderr
    check_recording(tmp_path / "r.myo")
    summary = json.loads((tmp_path / "run.json").read_text())
    assert (summary["frames_lost"], summary["state"]) == (0, "ARMED")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_whole_file(tmp_path, poses, number):
    with wearer(tmp_path) as hand:
        out = tmp_path / "r.myo"
        with running(
            "record", "--port", hand.port, "--out", out, "--poses", poses, "--seconds-per-pose", 30
        ) as process:
            wait_for(process, "myobridge: Fist.")
            time.sleep(1.0)
            process.send_signal(number)
            assert process.wait(60) == 0
            assert "The recording was stopped." in process.stderr.read()
    recording = Recording.load(out)
    assert np.sum(recording.label == 7) > 1000
    assert "Missing: nothing." in myobridge("inspect", out).stdout


@pytest.mark.slow
def test_record_that_is_stopped_before_the_first_pose_says_so_and_leaves_no_file(tmp_path, poses):
    with wearer(tmp_path) as hand:
        with running("record", "--port", hand.port, "--out", tmp_path / "r.myo", "--poses", poses) as process:
            wait_for(process, "Get ready")
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 1
            assert "The recording was stopped, so nothing was recorded" in process.stderr.read()
    assert not (tmp_path / "r.myo").exists()


@pytest.mark.slow
def test_an_unplugged_cable_costs_only_the_pose_that_it_interrupts(tmp_path, poses):
    with wearer(tmp_path, "--faults", "unplug=3@7") as hand:
        arguments = ("--poses", poses, "--repetitions", 2, "--json", "-")
        result = record(hand, tmp_path / "r.myo", *arguments)
        assert result.returncode == 0, result.stderr
    assert "Waiting for the board" in result.stderr
    assert json.loads(result.stdout)["holds_kept"] == 2
    recording = Recording.load(tmp_path / "r.myo")
    for repetition in (0, 1):
        held = np.sum((recording.label == 7) & (recording.repetition == repetition)) / 2000
        assert held == pytest.approx(1.5, abs=0.2)


@pytest.mark.slow
def test_a_full_disk_is_reported_and_the_data_that_fits_is_kept(tmp_path, poses):
    def no_more_than_128_kb():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (128 << 10, 128 << 10))

    with wearer(tmp_path) as hand:
        arguments = (
            "record",
            "--port",
            hand.port,
            "--out",
            tmp_path / "r.myo",
            "--poses",
            poses,
            "--seconds-per-pose",
            30,
        )
        result = subprocess.run(
            command(*arguments), capture_output=True, text=True, timeout=60, check=False, preexec_fn=no_more_than_128_kb
        )
    assert result.returncode == 1, "a script must notice the failure"
    *_, kept, wrote, why = result.stderr.splitlines()
    assert "the system does not let the file grow" in why
    assert "Traceback" not in result.stderr
    counts = Recording.load(tmp_path / "r.myo").counts
    assert len(counts) > 2000
    told_s = float(re.search(r"holds (\d+) s of EMG", kept)[1])
    assert 0 < told_s <= len(counts) / 2000 + 0.5, "the reported seconds are in the file"
    assert f"Wrote {tmp_path / 'r.myo'}" in wrote


@pytest.mark.slow
def test_two_recordings_that_begin_in_the_same_second_get_separate_files(tmp_path, poses):
    """The time names both files; the second takes the next free name."""
    frozen = "import time; time.strftime = lambda _form: 'now'; from myobridge.cli import main; main()"
    with wearer(tmp_path) as hand, running("run", "--port", hand.port, "--model", "synth"):
        with feed_of(hand.port) as feed:
            until_s = time.monotonic() + 15
            while feed.request("about").about.ident is None and time.monotonic() < until_s:
                time.sleep(0.1)
        arguments = ["record", "--port", hand.port, "--poses", poses, *SHORT]
        command_line = [sys.executable, "-c", frozen, *map(str, arguments)]
        both = [subprocess.Popen(command_line, cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        said = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert {path.name for path in tmp_path.glob("*.myo")} == {"session-now.myo", "session-now-2.myo"}
    for path in tmp_path.glob("*.myo"):
        assert sum(f"Wrote {path.name} (" in one for one in said) == 1
        check_recording(path)


@pytest.mark.slow
def test_keys_redo_pause_and_stop_and_the_terminal_is_restored(tmp_path, poses):
    with wearer(tmp_path) as hand:
        ours, theirs = pty.openpty()
        arguments = (
            "record",
            "--port",
            hand.port,
            "--out",
            tmp_path / "r.myo",
            "--poses",
            poses,
            *SHORT,
            "--json",
            "-",
        )
        terminal = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
        process = subprocess.Popen(
            command(*arguments), stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=terminal
        )
        before = termios.tcgetattr(theirs)

        def read_until(text):
            seen, until_s = "", time.monotonic() + 60
            while text not in seen and time.monotonic() < until_s:
                if select.select([ours], [], [], 0.2)[0]:
                    seen += os.read(ours, 65536).decode(errors="replace")
            assert text in seen

        read_until(" Fist ")
        os.write(ours, b"r")
        read_until(" Rest ")
        os.write(ours, b"p")
        read_until(" Paused ")
        os.write(ours, b" ")
        read_until(" Get ready ")
        read_until("1 of 1")
        os.write(ours, b"q")
        out, _ = process.communicate(timeout=60)
        summary = json.loads(out)
        assert (summary["redone"], summary["holds_kept"], summary["problem"]) == (1, 1, "The recording was stopped.")
        assert termios.tcgetattr(theirs) == before
        os.close(ours)
        os.close(theirs)


def test_mistakes_are_one_sentence(tmp_path, poses):
    poses.write_text(POSES.replace("angles_deg", "angels_deg", 1))
    wrong = myobridge("record", "--port", "/dev/none", "--poses", poses)
    assert wrong.returncode == 1
    assert f"{poses}, line 5: unknown key 'angels_deg'; the nearest key is 'angles_deg'." in wrong.stderr
    missing = myobridge("record", "--port", "/dev/none")
    assert "There is no port /dev/none" in missing.stderr
    both = myobridge("record", "--port", "/dev/none", "--model", "synth", "--fs", 1000)
    assert "leave --fs and --channels out" in both.stderr
    assert all(result.stderr.count("\n") == 1 for result in (wrong, missing, both))


def test_an_existing_file_is_not_overwritten(tmp_path):
    (tmp_path / "r.myo").write_bytes(b"precious")
    with simulated_hand(tmp_path) as hand:
        result = record(hand, tmp_path / "r.myo")
    assert result.returncode == 1
    assert (tmp_path / "r.myo").read_bytes() == b"precious"
