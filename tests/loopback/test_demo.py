"""The demo as a newcomer runs it: the wearer's fingers move, and the hand follows."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

from children import children_of
from lockstep import BEGIN_S, run_daemon
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.hand import ROW_S, Trace
from myobridge.simulator.synth import SynthOptions, SynthSource
from processes import command, myobridge


class DemoHand:
    """The demo's hand as a `lockstep.Board` that records its servos and the wearer's fingers."""

    def __init__(self, seed):
        self.firmware = SimulatedFirmware(SynthSource(SynthOptions(seed=seed)), seed)
        self.trace = Trace()
        self._row_s = BEGIN_S

    def exchange(self, data, now_s):
        self.firmware.receive(data, now_s)
        if now_s >= self._row_s:
            self._row_s += ROW_S
            self.trace.add(self.firmware)
        return self.firmware.outgoing(now_s)

    def next_s(self):
        return self.firmware.next_event_s()


def test_the_demos_hand_follows_the_wearer(tmp_path):
    hand = DemoHand(seed=5)
    summary = run_daemon(hand, tmp_path / "hand", 12, arm=True)
    assert hand.trace.mae_deg() < 20  # of the servos, with all delays; the network alone is held to 12
    assert summary["samples_lost"] == 0
    assert summary["commands_per_second"] > 185
    assert summary["state"] == "ARMED"


def test_the_headless_demo_prints_its_summary():
    """It runs in real time, where the error depends on the machine; the test above checks the error."""
    result = myobridge("demo", "--headless", "--seconds", 3, "--seed", 5, "--json", "-")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["seconds"] >= 3
    assert summary["commands_sent"] > 0
    assert summary["mae_deg"] is not None


def test_a_demo_that_is_killed_leaves_nobody_behind():
    with subprocess.Popen(command("demo", "--headless", "--no-view")) as demo:
        until_s = time.monotonic() + 60
        while len(children := children_of(demo.pid)) < 2:
            assert time.monotonic() < until_s
            time.sleep(0.05)
        os.kill(children[-1], signal.SIGSTOP)  # as the page's button does
        demo.kill()
    until_s = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_demo_draws_levels_fingers_state_and_the_summary():
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    with subprocess.Popen(
        command("demo", "--seconds", 3, "--no-view"), stdout=slave, stderr=slave, env=environment
    ) as demo:
        os.close(slave)
        screen, until_s = b"", time.monotonic() + 60
        while time.monotonic() < until_s and demo.poll() is None:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    screen += os.read(master, 65536)
                except OSError:
                    break
    os.close(master)
    text = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", screen).decode(errors="replace")
    for word in ("ARMED", "channel 4", "thumb", "little", "sample → setpoint", "setpoints", "myobridge demo", "lost"):
        assert word in text
    assert demo.returncode == 0
