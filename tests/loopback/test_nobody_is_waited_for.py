"""The loop never waits: for no stopped or lost terminal, for no full or closed pipe, and for no full disk."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from loopback.processes import command, feed_of, simulated_hand
from myobridge.feed import FeedClient, NoDaemon

CTRL_S = b"\x13"


@contextmanager
def full_pipe(_folder):
    """A pipe whose reader sleeps."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * 4096)
    yield writer, lambda: None
    os.close(reader)


@contextmanager
def reader_that_goes(_folder):
    reader, writer = os.pipe()
    yield writer, lambda: os.close(reader)


@contextmanager
def full_disk(_folder):
    yield os.open("/dev/full", os.O_WRONLY), lambda: None


@contextmanager
def stopped_terminal(_folder):
    terminal, side = pty.openpty()
    yield side, lambda: os.write(terminal, CTRL_S)
    os.close(terminal)


@contextmanager
def terminal_that_goes(_folder):
    terminal, side = pty.openpty()
    yield side, lambda: os.close(terminal)


@contextmanager
def daemon(hand, folder, stderr, *arguments):
    process = subprocess.Popen(
        command("run", "--port", hand.port, "--model", "synth", "--json", folder / "run.json", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )
    os.close(stderr)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def armed(feed):
    """Repeats ARM until the hand is armed: on a busy machine the first window may take long."""
    while not (reply := feed.request("arm")).ok:
        print(reply.text)


@pytest.mark.parametrize("output", [full_pipe, reader_that_goes, full_disk, stopped_terminal, terminal_that_goes])
def test_a_blocked_output_costs_only_sentences(tmp_path, output):
    with simulated_hand(tmp_path) as hand, output(tmp_path) as (stderr, spoil):
        with daemon(hand, tmp_path, stderr) as process, feed_of(hand.port) as feed:
            armed(feed)
            spoil()
            for _ in range(3):
                assert feed.request("disarm").ok
                armed(feed)
            assert feed.request("estop").ok
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    summary = json.loads((tmp_path / "run.json").read_text())
    assert summary["notices_dropped"] > 0
    assert (summary["state"], hand.summary["state"]) == ("ESTOP", "ESTOP")


def test_when_the_terminal_hangs_up_the_daemon_ends_and_disarms_the_hand(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with daemon(hand, tmp_path, os.open(os.devnull, os.O_WRONLY)) as process, feed_of(hand.port) as feed:
            armed(feed)
            process.send_signal(signal.SIGHUP)
            assert process.wait(60) == 0
    before = json.loads((tmp_path / "run.json").read_text())["state"]
    assert before in ("ARMED", "HOLD")  # the hand holds where the machine kept the daemon waiting
    assert hand.summary["state"] == "DISARMED"


def test_after_ctrl_z_the_hand_opens_by_itself_and_fg_does_not_arm_it(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with daemon(hand, tmp_path, os.open(os.devnull, os.O_WRONLY)) as process, feed_of(hand.port) as feed:
            armed(feed)
            process.send_signal(signal.SIGSTOP)  # as Ctrl-Z does; without a shell the system ignores SIGTSTP
            os.waitpid(process.pid, os.WUNTRACED)
            time.sleep(3)  # HOLD becomes RELAX two seconds after the last setpoint
            process.send_signal(signal.SIGUSR1)  # a stopped daemon cannot know its age
            process.send_signal(signal.SIGCONT)
            feed.subscribe("snapshots")
            while feed.newest(10.0).state != "RELAX":
                pass
            until_s = time.monotonic() + 1
            while time.monotonic() < until_s:
                look = feed.newest(10.0)
                assert (look.state, look.may_move) == ("RELAX", False)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@pytest.mark.parametrize("kind", ["summary on a full disk", "standard output that nobody reads"])
def test_the_summary_does_not_wait_long_for_a_blocked_output(tmp_path, kind):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * 4096)
    to = "-" if kind.startswith("standard") else "/dev/full"
    with simulated_hand(tmp_path) as hand:
        process = subprocess.Popen(
            command("run", "--port", hand.port, "--model", "synth", "--json", to),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(writer)
        with feed_of(hand.port) as feed:
            armed(feed)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    os.close(reader)
    assert process.returncode == 1
    assert ("No space left" if to == "/dev/full" else "summary") in said.splitlines()[-1]
    assert hand.summary["state"] == "DISARMED"


def test_a_run_with_seconds_also_ends_without_emg(tmp_path):
    terminal, side = pty.openpty()  # a port on which nothing answers
    result = subprocess.run(
        command("run", "--port", os.ttyname(side), "--model", "synth", "--seconds", 3),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(terminal)
    os.close(side)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1


def heeds(process, number):
    """The process handles a signal; before that the signal would end it."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigBlk", "SigCgt"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def test_arm_and_disarm_signals_at_any_moment_of_the_start_do_not_kill_the_daemon(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with daemon(hand, tmp_path, os.open(os.devnull, os.O_WRONLY)) as process:
            while not heeds(process, signal.SIGUSR1):
                time.sleep(0.001)
            began_s, heard = time.monotonic(), False
            while not heard or time.monotonic() < began_s + 1:
                process.send_signal(signal.SIGUSR1)
                process.send_signal(signal.SIGUSR2)
                time.sleep(0.01)
                with suppress(NoDaemon), FeedClient(hand.port) as feed:
                    heard = feed.request("about").ok
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
