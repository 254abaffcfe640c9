"""A bridge between a real LSL outlet, a simulated board and a real daemon, for the tests of the bridge."""

import time
from contextlib import contextmanager

import numpy as np
import pytest

from amplifier import amplifier
from myobridge.feed import Snapshot
from own_lsl import pylsl
from processes import feed_of, running, simulated_hand
from tiny_model import tiny_spec, write_tiny_model

FS_HZ = 2000.0
MYO_HZ = 200.0


NOISE = np.random.default_rng(1).normal(0, 20, (2000, 8)).clip(-128, 127).astype(np.int8)
"""Eight channels as a Myo gives them: integers of 8 bits."""


def myo(fs_hz=MYO_HZ, name="Myo"):
    return amplifier(name, NOISE, fs_hz, form=pylsl.cf_int8)


def myo_model(folder):
    """A model for the armband, whose angles are simple."""
    spec = tiny_spec(fs_hz=MYO_HZ, channels=tuple("abcdefgh"), scale_fs=(1 / 128,) * 8, hop_samples=1)
    return write_tiny_model(folder / "myo.onnx", spec)


@contextmanager
def bridged(folder, address, *options, fs_hz=FS_HZ, hand_options=()):
    """A simulated board with one electrode, and a bridge to it; yields the bridge, with its port, and the board."""
    with simulated_hand(folder, "--fs", fs_hz, "--channels", 1, *hand_options) as hand:
        bridge = running("bridge", "--emg", address, "--hand", hand.port, "--link", folder / "bridge", *options)
        with bridge as process:
            process.port = process.stdout.readline().strip()
            if not process.port:
                pytest.fail(process.communicate(timeout=60)[1])
            yield process, hand


class Watched:
    """A daemon's feed, read in the background of the conditions that a test waits for."""

    def __init__(self, port):
        self.feed = feed_of(port)
        self.feed.subscribe("snapshots")

    def until(self, condition, within_s=60):
        """The first snapshot, made from now on, for which the condition holds."""
        began_s, look = time.monotonic(), None
        until_s = began_s + within_s
        while time.monotonic() < until_s:
            message = self.feed.receive(0.1)
            if isinstance(message, Snapshot) and message.at_s > began_s:
                look = message
                if condition(look):
                    return look
        return pytest.fail(f"the last snapshot is {look}")

    def armed(self):
        """Arms the hand; asks again, because a decision may be late on a busy machine."""
        until_s = time.monotonic() + 60
        while (answer := self.feed.request("arm")) and "follows" not in answer.text:
            assert time.monotonic() < until_s, answer
        return self


@contextmanager
def daemon(port, model, *options):
    with running("run", "--port", port, "--model", model, *options) as process:
        watched = Watched(port)
        try:
            yield watched, process
        finally:
            watched.feed.close()


@contextmanager
def bridged_myo(folder, *options, **faults):
    """An armband with faults, its bridge and a daemon."""
    with myo() as sender:
        for name, value in faults.items():
            setattr(sender, name, value)
        with bridged(folder, "lsl:Myo", *options, fs_hz=MYO_HZ) as (bridge, _):
            with daemon(bridge.port, myo_model(folder)) as (watched, _):
                yield sender, watched, bridge
