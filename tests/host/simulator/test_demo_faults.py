"""The faults of the demo: each one is real in the simulator, and ends when its button is pressed again."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from myobridge.decoder.contact import Contact, checks
from myobridge.feed.tap import HandSnapshot
from myobridge.settings import SafetySettings
from myobridge.simulator.demo_faults import CAUSES, DemoFaults
from myobridge.simulator.demo_page import MeanError
from myobridge.simulator.fault_orders import FaultInbox, FaultSender
from myobridge.simulator.synth import LIFTED, SynthOptions, SynthSource
from myobridge.view.page import Press
from myobridge.wire.messages import Reason, State

FS_HZ = 2000
REST_DEG, FIST_DEG = [40.0] * 5, [180.0] * 5


def verdicts(source: SynthSource, seconds: float = 2.0) -> list[set[Contact]]:
    """All verdicts on each channel over the next seconds; the block that was made before an order is left out."""
    source.read(FS_HZ // 10)
    found = [check.verdicts for check in checks(source.read(int(seconds * FS_HZ))[0], FS_HZ, 10, SafetySettings())]
    return [set(channel) for channel in zip(*found, strict=True)]


def test_a_lifted_electrode_picks_up_hum_and_no_muscle_until_it_is_put_back():
    source = SynthSource(SynthOptions(seed=1))
    source.suffer(["electrode"])
    of_each = verdicts(source)
    assert of_each.pop(LIFTED) == {Contact.MAINS}
    assert of_each == [{Contact.GOOD}] * 3
    source.suffer([])
    assert verdicts(source) == [{Contact.GOOD}] * 4


def test_added_hum_reaches_every_electrode():
    source = SynthSource(SynthOptions(seed=1))
    source.suffer(["hum"])
    assert all(Contact.MAINS in channel for channel in verdicts(source, seconds=4.0))


def test_a_shifted_cuff_hears_other_muscles_and_looks_healthy():
    usual, shifted = (SynthSource(SynthOptions(seed=1)) for _ in range(2))
    shifted.suffer(["cuff"])
    assert verdicts(shifted) == [{Contact.GOOD}] * 4
    verdicts(usual)
    levels = [source.read(4 * FS_HZ)[0].std(axis=0) for source in (usual, shifted)]
    assert np.max(np.abs(np.log(levels[1] / levels[0]))) > 0.3


def test_a_fault_that_has_ended_leaves_no_trace():
    usual, healed = SynthSource(SynthOptions(seed=1)), SynthSource(SynthOptions(seed=1))
    healed.suffer(["electrode", "hum", "cuff"])
    healed.suffer([])
    assert np.array_equal(usual.read(FS_HZ)[0], healed.read(FS_HZ)[0])


def test_a_hand_takes_the_newest_order_and_ignores_nonsense(tmp_path: Path):
    inbox, sender = FaultInbox(tmp_path / "faults"), FaultSender(tmp_path / "faults")
    assert not inbox.take()
    sender.send(["hum"])
    sender.send(["hum", "cable"])
    assert inbox.take()
    assert inbox.on == {"hum", "cable"}
    assert not inbox.take()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        for nonsense in (b"", b"\xff", b'["flood"]', b"{}"):
            stranger.sendto(nonsense, str(tmp_path / "faults"))
    assert not inbox.take()
    assert inbox.on == {"hum", "cable"}


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def wait_until_stopped(process, stopped: bool) -> None:
    while (Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T") is not stopped:
        time.sleep(0.01)


def test_the_daemon_is_frozen_and_goes_on(sleeper):
    faults = DemoFaults(sleeper, None)
    assert faults.press(Press("daemon", on=True)).on == ["daemon"]
    wait_until_stopped(sleeper, True)
    assert faults.causes == CAUSES["daemon"]
    assert faults.press(Press("daemon", on=False)).on == []
    wait_until_stopped(sleeper, False)


def test_a_hand_with_the_real_firmware_offers_the_daemon_only(sleeper):
    faults = DemoFaults(sleeper, None)
    assert faults.now.can == ["daemon"]
    assert faults.press(Press("cable", on=True)).on == []


def test_the_hand_gets_all_its_faults_with_each_press(sleeper, tmp_path):
    inbox = FaultInbox(tmp_path / "faults")
    faults = DemoFaults(sleeper, tmp_path / "faults")
    for fault in ("cuff", "hum"):
        faults.press(Press(fault, on=True))
    inbox.take()
    assert inbox.on == {"cuff", "hum"}
    assert faults.causes == f"{CAUSES['hum']} {CAUSES['cuff']}"


def moment(state, truth_deg) -> HandSnapshot:
    return HandSnapshot(truth_deg=truth_deg, applied_deg=REST_DEG, state=state, reason=Reason.NONE)


def test_the_error_is_that_of_a_hand_that_follows():
    error = MeanError()
    assert error.at(moment(State.ARMED, REST_DEG)) == 0
    assert 0 < error.at(moment(State.ARMED, FIST_DEG)) < 140
    assert error.at(moment(State.HOLD, FIST_DEG)) is None
    assert error.at(moment(State.ARMED, FIST_DEG)) == 140
    assert error.at(moment(State.ARMED, [])) is None
