"""A decision cannot harm the loop: a failed one disarms the hand, and one that hangs is ended from outside."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.odd_daemon import FAIL, HANG
from loopback.processes import feed_of, simulated_hand
from myobridge.daemon.permission.estop_memory import EstopMemory

ODD = Path(__file__).parent.parent / "faults" / "odd_daemon.py"


@contextmanager
def odd_daemon(hand, folder):
    process = subprocess.Popen(
        [sys.executable, ODD, "run", "--port", hand.port, "--model", "synth", "--json", folder / "run.json"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def armed(feed):
    while not feed.request("arm").ok:
        pass


def looks_until(feed, condition):
    while not condition(look := feed.newest(10.0)):
        pass
    return look


def test_a_failed_decision_withholds_disarms_with_one_sentence_and_lets_the_hand_arm_again(tmp_path):
    with simulated_hand(tmp_path) as hand, odd_daemon(hand, tmp_path) as daemon, feed_of(hand.port) as feed:
        armed(feed)
        feed.subscribe("snapshots")
        daemon.send_signal(FAIL)
        look = looks_until(feed, lambda look: look.state == "DISARMED")
        assert not look.may_move
        looks_until(feed, lambda look: look.withheld == "no")
        armed(feed)
        daemon.terminate()
        _, said = daemon.communicate(timeout=60)
        assert daemon.returncode == 0
    assert said.count("a node of the graph failed") == 1
    assert "Traceback" not in said
    assert json.loads((tmp_path / "run.json").read_text())["withheld"]["failed"] == 1


@pytest.mark.parametrize("word", ["", "estop"])
def test_a_decision_that_hangs_disarms_the_hand_and_ends_the_process_with_all_its_sentences(tmp_path, word):
    with simulated_hand(tmp_path) as hand:
        with odd_daemon(hand, tmp_path) as daemon, feed_of(hand.port) as feed:
            armed(feed)
            daemon.send_signal(HANG)
            reply = feed.request(word) if word else None  # sent while the loop is stuck
            _, said = daemon.communicate(timeout=60)
            assert daemon.returncode == 1
        assert EstopMemory(hand.port).said == bool(word)
    assert reply is None or "remembered" in reply.text or reply.ok
    assert "A decision did not end" in said.splitlines()[-1]
    assert json.loads((tmp_path / "run.json").read_text())["state"] == "ARMED"
    assert hand.summary["state"] == ("ESTOP" if word else "DISARMED")
