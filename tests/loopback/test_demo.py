"""The demo as a newcomer runs it: the wearer's fingers move, and the hand follows."""

import json
import os
import pty
import re
import select
import subprocess
import time

from processes import command, myobridge


def test_headless_demo_follows_the_wearer_and_sums_up():
    result = myobridge("demo", "--headless", "--seconds", 12, "--seed", 5, "--json", "-")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["mae_deg"] < 20  # of the servos, with all delays; the network alone is held to 12
    assert summary["samples_lost"] == 0
    assert summary["commands_per_second"] > 150
    assert summary["state"] == "ARMED"


def test_demo_draws_levels_fingers_state_and_the_summary():
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    with subprocess.Popen(command("demo", "--seconds", 3), stdout=slave, stderr=slave, env=environment) as demo:
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
