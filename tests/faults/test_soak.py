"""Three minutes of random faults, after which nothing stays wrong; the script itself does longer runs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from rig import Rig
from soak import Soak, Wrong, growth
from soak_faults import ANY, Fault, mend

from myobridge.simulator.line_faults import LineFaults

MINUTES = 3.0
SOAK = Path(__file__).with_name("soak.py")


@pytest.fixture(scope="session")
def soaking():
    command = [sys.executable, str(SOAK), "--minutes", str(MINUTES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        yield process
        process.terminate()


@pytest.mark.slow
def test_a_soak_starts(soaking):
    assert soaking.poll() is None


@pytest.mark.slow
@pytest.mark.judged_last
@pytest.mark.timeout(60 * MINUTES + 120)
def test_after_minutes_of_faults_nothing_is_stuck_lost_or_unexplained(soaking):
    report, _ = soaking.communicate()
    print(report)
    assert soaking.returncode == 0, report


@pytest.fixture(scope="module")
def soak(tmp_path_factory):
    with Rig(tmp_path_factory.mktemp("soak")) as rig:
        rig.start_daemon()
        rig.streaming()
        yield Soak(rig, Random(0))


def lose_a_burst(rig, _random):
    rig.cable.do(lambda: rig.cable.up.damage(LineFaults(burst_bytes=500, burst_every_s=0.1)))
    time.sleep(0.15)
    mend(rig)


@pytest.mark.slow
def test_a_counter_that_no_fault_explains_is_found(soak):
    soak._happen(Fault("burst", lose_a_burst, ANY))
    with pytest.raises(Wrong, match="burst raised"):
        soak._happen(Fault("burst", lose_a_burst, frozenset({"feed_drops"})))


@pytest.mark.slow
def test_a_counter_that_rises_in_a_quiet_moment_is_found(soak):
    soak.rig.cable.do(lambda: soak.rig.cable.up.damage(LineFaults(lost_per_byte=2e-3)))
    with pytest.raises(Wrong, match="rose while nothing was wrong"):
        soak._quiet()
    mend(soak.rig)


@pytest.mark.slow
def test_samples_that_vanish_are_found(soak):
    vanish = Fault("vanish", lambda rig, _random: rig.witness.streamed.insert(0, 1000))
    with pytest.raises(Wrong, match=r"\d+ samples are unaccounted for"):
        soak._happen(vanish)


@pytest.mark.slow
def test_a_hand_that_was_armed_without_a_request_is_found(soak):
    with pytest.raises(Wrong, match="nobody had asked"):
        soak._happen(Fault("arm", lambda rig, _random: rig.arm()))


def test_growing_memory_is_found_after_the_warm_up(soak):
    assert growth([90.0] + [70.0 + 0.3 * step for step in range(40)]) == pytest.approx(4.5)
    assert growth([60.0, 90.0] + [70.0] * 40) == 0.0
