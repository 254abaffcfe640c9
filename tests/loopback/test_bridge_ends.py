"""The ends of a bridge: streams and boards that go, come back as others, or were never there."""

import os
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest

from amplifier import amplifier
from myobridge.simulator.pty_port import PtyPort
from myobridge.wire.link import SerialLink
from own_lsl import pylsl
from processes import command, myobridge
from stream_bridge import MYO_HZ, NOISE, bridged, daemon, myo, myo_model

BRIDGE = ("bridge", "--hand", "/dev/null", "--emg")


class Replaced:
    """An amplifier that is switched off and on."""

    def __init__(self, amplifier):
        self._on = ExitStack()
        self.begin(amplifier)

    def begin(self, amplifier):
        self._on.enter_context(amplifier)

    def end(self):
        self._on.close()


@contextmanager
def bridged_from(amplifier, folder):
    sender = Replaced(amplifier)
    try:
        with bridged(folder, "lsl:Myo", fs_hz=MYO_HZ) as (bridge, _):
            yield bridge, sender
    finally:
        sender.end()


def test_a_stream_that_ends_and_comes_back_goes_on(tmp_path):
    with bridged_from(myo(), tmp_path) as (bridge, sender):
        with daemon(bridge.port, myo_model(tmp_path)) as (watched, _):
            watched.armed()
            sender.end()
            watched.until(lambda look: look.state in ("HOLD", "RELAX", "DISARMED"))
            sender.begin(myo())
            watched.armed()
    errors = bridge.stderr.read()
    assert "The stream has ended" in errors
    assert "The stream is back" in errors


def test_a_stream_that_comes_back_at_another_rate_ends_the_bridge_with_a_sentence(tmp_path):
    with bridged_from(myo(), tmp_path) as (bridge, sender):
        sender.end()
        sender.begin(myo(fs_hz=500.0))
        assert bridge.wait(60) == 1
    last = bridge.stderr.read().splitlines()[-1]
    assert "came back with 8 channels at 500 Hz instead of 8 at 200 Hz" in last
    assert "start the bridge again" in last


def test_a_board_that_is_unplugged_is_found_again_and_the_daemon_with_it(tmp_path):
    faults = ("--faults", "unplug=1@30")  # late enough for a daemon that starts on a busy machine
    with myo(), bridged(tmp_path, "lsl:Myo", fs_hz=MYO_HZ, hand_options=faults) as (bridge, _):
        with daemon(bridge.port, myo_model(tmp_path)) as (watched, run):
            watched.armed()
            watched.until(lambda look: look.state == "ARMED")
            watched.until(lambda look: look.state != "ARMED")
            watched.armed()
            run.send_signal(signal.SIGINT)
            said = run.communicate(timeout=60)[1]
    errors = bridge.stderr.read()
    assert "is gone" in errors
    assert "is back" in errors
    assert "Traceback" not in errors + said


def test_a_bridge_that_is_killed_is_a_cable_that_is_pulled(tmp_path):
    with myo(), bridged(tmp_path, "lsl:Myo", fs_hz=MYO_HZ) as (bridge, hand):
        with daemon(bridge.port, myo_model(tmp_path)) as (watched, _):
            watched.armed()
            bridge.kill()
            bridge.wait()
            time.sleep(3)
    assert hand.summary["state"] == "RELAX"


# --- what is not there --------------------------------------------------------------------------------------


def sentence(result, code=1):
    assert result.returncode == code, result
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()[-1]


def test_without_the_stream_the_names_of_those_that_are_there_are_given():
    with myo(name="Other"):
        said = sentence(myobridge(*BRIDGE, "lsl:Nobody"))
    assert "No LSL stream is named Nobody" in said
    assert "Other" in said


def test_two_streams_of_one_name_are_refused():
    with myo(), myo():
        assert "2 LSL streams are named Myo" in sentence(myobridge(*BRIDGE, "lsl:Myo"))


def test_a_stream_of_words_is_refused():
    with_words = pylsl.StreamOutlet(pylsl.StreamInfo("Words", "Markers", 1, 0.0, pylsl.cf_string, "w"))
    assert "not a stream of numbers at a steady rate" in sentence(myobridge(*BRIDGE, "lsl:Words"))
    del with_words


def test_a_stream_without_a_unit_asks_for_the_range():
    with amplifier("Plain", NOISE.astype(np.float32), MYO_HZ):
        assert "--range" in sentence(myobridge(*BRIDGE, "lsl:Plain"))


def test_the_port_of_the_board_may_be_missing_or_taken():
    with myo():
        assert "There is no port" in sentence(myobridge("bridge", "--emg", "lsl:Myo", "--hand", "/dev/none"))
        port = PtyPort(None)
        link = SerialLink(port.path)
        assert "is in use by another program" in sentence(myobridge("bridge", "--emg", "lsl:Myo", "--hand", port.path))
        link.close()
        port.unplug()


def test_a_place_for_the_link_that_is_taken_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "mine").symlink_to(tmp_path / "file")
    port = PtyPort(tmp_path / "board")
    with myo():
        for link, said in (("file", "The link"), ("mine", "which is no port of ours"), ("board", "another name")):
            told = myobridge("bridge", "--emg", "lsl:Myo", "--hand", tmp_path / "board", "--link", tmp_path / link)
            assert said in sentence(told)
    assert (tmp_path / "mine").readlink() == tmp_path / "file"
    assert str((tmp_path / "board").readlink()) == port.path
    port.unplug()


def test_a_second_bridge_to_a_board_leaves_the_link_of_the_first(tmp_path):
    port, other = PtyPort(tmp_path / "bridge"), PtyPort(None)
    link = SerialLink(other.path)
    with myo():
        command = ("bridge", "--emg", "lsl:Myo", "--hand", other.path, "--link", tmp_path / "bridge")
        assert "is in use by another program" in sentence(myobridge(*command))
    assert str((tmp_path / "bridge").readlink()) == port.path
    link.close()
    other.unplug()
    port.unplug()


def test_a_name_that_another_program_has_taken_over_stays(tmp_path):
    first = PtyPort(tmp_path / "hand")
    second = PtyPort(tmp_path / "hand")
    first.unplug()
    assert str((tmp_path / "hand").readlink()) == second.path
    second.unplug()
    assert not (tmp_path / "hand").is_symlink()


@pytest.mark.parametrize(
    ("hide", "address", "words"),
    [
        ("pylsl", "lsl:Myo", "pip install 'myobridge[lsl]'"),
        ("brainflow", "brainflow:synthetic", "pip install 'myobridge[brainflow]'"),
    ],
)
def test_without_the_library_the_bridge_says_what_to_install(tmp_path, hide, address, words):
    (tmp_path / f"{hide}.py").write_text("raise ImportError('not here')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    result = subprocess.run(
        command(*BRIDGE, address), env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert words in sentence(result)
