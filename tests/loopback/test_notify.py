"""The running daemon's notifications to the service manager, which the test plays."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import pytest

from myobridge.calibration.beside_messages import READY
from myobridge.daemon import sd_notify
from myobridge.daemon.sd_notify import Notifier
from myobridge.model.shipped import shipped_models
from processes import myobridge, running, simulated_hand

CONFINED = Path(__file__).with_name("confined.py")
UNIT = Path(sd_notify.__file__).with_name("service") / "myobridge.service"
WATCHDOG_S = 0.4
LONGEST_TURN_S = 0.15


class Manager:
    """The listening end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.heard = []

    def close(self):
        self._socket.close()

    def listen(self, seconds, until=None):
        """The notifications of that time, or until `until` arrives."""
        new, end_s = [], time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0 and until not in new:
            self._socket.settimeout(left_s)
            try:
                new += self._socket.recv(4096).decode().splitlines()
            except TimeoutError:
                break
        self.heard += new
        return new


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path, monkeypatch):
    address = str(tmp_path / "notify") if request.param == "path" else f"@myobridge-test-{os.getpid()}"
    manager = Manager(address)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG_S * 1e6)))
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    yield manager
    manager.close()


@contextmanager
def daemon_and_hand(folder):
    with simulated_hand(folder) as hand, running("run", "--port", hand.port, "--model", "synth") as daemon:
        yield daemon, hand


def test_ready_comes_with_the_first_samples_and_watchdog_while_the_loop_turns(manager, tmp_path):
    with daemon_and_hand(tmp_path) as (daemon, _):
        manager.listen(20, until="READY=1")
        assert "WATCHDOG=1" not in manager.heard
        assert "STATUS=The hand streams and is disarmed." in manager.listen(1, "WATCHDOG=1") + manager.heard
        assert manager.listen(2).count("WATCHDOG=1") >= 2 / WATCHDOG_S

        daemon.send_signal(signal.SIGSTOP)
        manager.listen(0.1)  # notifications that were under way
        assert manager.listen(2 * WATCHDOG_S) == []

        daemon.send_signal(signal.SIGCONT)
        assert "WATCHDOG=1" in manager.listen(5, until="WATCHDOG=1")
        daemon.send_signal(signal.SIGTERM)
        assert "STOPPING=1" in manager.listen(5, until="STOPPING=1")
        daemon.wait(60)
        assert daemon.returncode == 0
        assert manager.listen(0.1) == []  # STOPPING was the last
    assert manager.heard.count("READY=1") == 1


def test_while_the_daemon_reconnects_it_feeds_the_watchdog_and_its_status_says_why(manager, tmp_path):
    with daemon_and_hand(tmp_path) as (_, hand):
        manager.listen(20, until="READY=1")
        hand.process.send_signal(signal.SIGINT)
        hand.process.wait(60)
        manager.listen(2)
        assert manager.listen(1.5).count("WATCHDOG=1") >= 1.5 / WATCHDOG_S
        assert [line for line in manager.heard if line.startswith("STATUS=Lost the hand")]


def test_without_a_hand_the_daemon_is_never_ready(manager, tmp_path):
    with running("run", "--port", tmp_path / "none", "--model", "synth") as daemon:
        daemon.wait(60)
    assert daemon.returncode == 1
    heard = manager.listen(0.1)
    assert not [line for line in heard if line.startswith("READY")]
    assert [line for line in heard if line.startswith("STATUS=There is no port")]


def test_a_loop_that_is_always_too_slow_does_not_feed_the_watchdog(manager):
    notifier = Notifier(os.environ, LONGEST_TURN_S)
    notifier.ready("Ready.")
    for turn in range(1, 10):
        notifier.turned(turn * (LONGEST_TURN_S + 0.01))
    manager.listen(0.05)
    assert manager.heard.count("WATCHDOG=1") == 1  # the first turn began before the manager listened
    notifier.turned(9 * (LONGEST_TURN_S + 0.01) + 0.02)
    assert manager.listen(0.05) == ["WATCHDOG=1"]
    notifier.stopping()


def test_the_watchdog_of_another_process_is_not_fed(manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    notifier = Notifier(os.environ, LONGEST_TURN_S)
    notifier.ready("Ready.")
    notifier.turned(1.0)
    notifier.stopping()
    assert "WATCHDOG=1" not in manager.listen(0.05)


def test_a_sentence_cannot_add_a_notification(manager):
    notifier = Notifier(os.environ, LONGEST_TURN_S)
    notifier.status("Odd.\nREADY=1")
    assert manager.listen(0.05) == ["STATUS=Odd. READY=1"]
    notifier.stopping()


@pytest.mark.parametrize("address", ["", "/none/such", "@nobody-listens", "/x" * 200])
def test_without_a_listener_nothing_happens(address):
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "never"}, LONGEST_TURN_S)
    notifier.ready("Ready.")
    notifier.turned(1.0)
    notifier.status("Still.")
    notifier.stopping()


def test_the_daemon_works_under_the_units_system_call_filter_and_memory_rules(tmp_path):
    if not shutil.which("systemd-analyze") or not find_library("seccomp"):
        pytest.skip("systemd-analyze and libseccomp are not both installed; tests/run.sh installs them.")
    with simulated_hand(tmp_path) as hand:
        arguments = ("run", "--port", hand.port, "--model", "synth", "--arm", "--seconds", "2", "--json", "-")
        result = subprocess.run(
            [sys.executable, CONFINED, UNIT, *arguments], capture_output=True, text=True, timeout=60, check=False
        )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["commands_sent"] > 0
    free = myobridge("run", "--port", tmp_path / "none", "--model", "synth")
    for word in ("real-time scheduling", "lock memory"):
        assert word not in result.stderr or word in free.stderr


CONFINED_ARITHMETIC = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from confined import confine
confine(Path(sys.argv[2]).read_text(encoding="utf-8"))
os.execv(sys.executable, [sys.executable, "-m", "myobridge.calibration.beside"])
"""


def test_the_arithmetic_of_a_calibration_works_under_the_units_system_call_filter_too():
    if not shutil.which("systemd-analyze") or not find_library("seccomp"):
        pytest.skip("systemd-analyze and libseccomp are not both installed; tests/run.sh installs them.")
    given = json.dumps({"base": str(shipped_models()["population"]), "name": "mine"}).encode() + b"\n"
    command = [sys.executable, "-c", CONFINED_ARITHMETIC, CONFINED.parent, UNIT]
    result = subprocess.run(command, input=given, capture_output=True, timeout=60, check=False)
    assert result.stdout == READY, result.stderr
