"""What the start of `myobridge run` loads: the hand waits for every import."""

import subprocess
import sys

import pytest

LOADS = """
import sys
import myobridge.calibration.morning.morning
import myobridge.daemon.run
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def loaded():
    return set(subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "late",
    ["myobridge.recording", "myobridge.calibration.quick", "myobridge.calibration.judge", "myobridge.calibration.plan"],
)
def test_recordings_and_the_arithmetic_of_a_calibration_are_loaded_when_they_are_needed(loaded, late):
    assert late not in loaded


def test_the_loop_and_the_rhythm_are_loaded_at_once(loaded):
    assert {"myobridge.decoder.pipeline", "myobridge.calibration.morning.guide"} <= loaded
