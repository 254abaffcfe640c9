"""From bare electrodes to a hand that follows, without a person: the model has not seen this wearer."""

import json
import time

import numpy as np
import pytest

from myobridge.calibration.plan import schedule
from myobridge.calibration.poses import load_poses
from myobridge.feed.audience import Audience
from myobridge.feed.prompts import Prompt
from myobridge.model.file import REST
from myobridge.model.generations import Generations
from myobridge.model.shipped import find_model
from myobridge.simulator.hand import ROW_S
from myobridge.wire.messages import State
from processes import feed_of, myobridge, running, simulated_hand

POSES = load_poses()
ORDER_SEED = 4711
HOLD_S, REST_S = 3.0, 2.0
SETTLED_S = 0.8
"""Fingers that stood still for this long: window, smoothing and servo have settled."""
STILL_DEG = 1.0


def tell_held_out_poses(port):
    """Asks the wearer for every pose, in an order and at times that no recording has."""
    audience = Audience(str(port))
    for hold in schedule(POSES, 1, ORDER_SEED):
        for pose, seconds in ((POSES[REST], REST_S), (hold.pose, HOLD_S)):
            audience.tell(Prompt(title=pose.name, angles_deg=pose.angles_deg))
            time.sleep(seconds)


def nearest(angles_deg):
    """Index of the nearest pose for each row (n, 5)."""
    table = np.array([pose.angles_deg for pose in POSES])
    return ((angles_deg[:, None] - table[None]) ** 2).sum(axis=2).argmin(axis=1)


def balanced_accuracy(trace):
    """Balanced accuracy of the servos' nearest pose against the fingers' pose while the fingers stand still."""
    truth_deg, applied_deg = trace["truth_deg"], trace["applied_deg"]
    back = round(SETTLED_S / ROW_S)
    still = np.zeros(len(truth_deg), bool)
    still[back:] = [np.ptp(truth_deg[i - back : i + 1], axis=0).max() < STILL_DEG for i in range(back, len(truth_deg))]
    judged = still & (trace["state"] == State.ARMED)
    meant, shown = nearest(truth_deg[judged]), nearest(applied_deg[judged])
    assert set(meant) == set(range(len(POSES))), "every pose was held"
    return np.mean([np.mean(shown[meant == pose] == pose) for pose in np.unique(meant)])


def wait_for_the_hand(feed, within_s=60):
    until_s = time.monotonic() + within_s
    while feed.request("about").about.ident is None:
        assert time.monotonic() < until_s
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_after_record_and_calibrate_the_armed_hand_follows_poses_that_the_model_has_not_seen(tmp_path):
    pytest.importorskip("torch")
    mine, trace = tmp_path / "mine.onnx", tmp_path / "trace.npz"
    with simulated_hand(tmp_path, "--follow-cues", "--wearer", 1, "--seed", 2, "--trace", trace) as hand:
        with running("run", "--port", hand.port, "--model", "synth", "--json", tmp_path / "run.json"):
            with feed_of(hand.port) as feed:
                wait_for_the_hand(feed)
                calibrate = (
                    "calibrate",
                    "--port",
                    hand.port,
                    "--model",
                    "synth",
                    "--out",
                    mine,
                    "--yes",
                    "--json",
                    "-",
                )
                result = myobridge(*calibrate, timeout_s=500)
                assert result.returncode == 0, result.stderr
                summary = json.loads(result.stdout)
                assert summary["swapped"], result.stderr
                armed = feed.request("arm")
                assert armed.ok, armed.text
                tell_held_out_poses(hand.port)
    ran = json.loads((tmp_path / "run.json").read_text())
    accuracy = balanced_accuracy(np.load(trace))
    print(f"before {summary['before']}, after {summary['after']}, on the hand {accuracy:.3f}")
    assert accuracy >= 0.85
    assert summary["after"]["mae_deg"] < summary["before"]["mae_deg"]
    assert ran["reconnects"] == 0, "the stream went on throughout"
    assert ran["samples_lost"] < 0.05 * ran["samples_received"]


@pytest.mark.slow
def test_undo_swaps_the_model_of_a_running_daemon_unless_its_hand_may_move(tmp_path):
    mine = tmp_path / "mine.onnx"
    data = find_model("synth").read_bytes()
    for score in ("monday", "tuesday", "wednesday"):
        Generations(mine).keep(data, score, "calibrated in seconds")
    undo = ("calibrate", "--undo", "--out", mine, "--json", "-")
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, "--model", "synth"):
        with feed_of(hand.port) as feed:
            wait_for_the_hand(feed)
            swapped = myobridge(*undo, "--port", hand.port)
            assert json.loads(swapped.stdout)["swapped"], swapped.stderr
            assert feed.request("about").about.model_path == str(mine)
            assert feed.request("arm").ok
            refused = myobridge(*undo, "--port", hand.port)
            assert refused.returncode == 0
            assert not json.loads(refused.stdout)["swapped"]
            assert "disarm" in refused.stderr
            begin = ("calibrate", "--port", hand.port, "--model", "synth", "--out", mine, "--yes")
            armed = myobridge(*begin)
            assert armed.returncode == 1
            assert "is armed" in armed.stderr
