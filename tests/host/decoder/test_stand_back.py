"""A process that computes beside the loop leaves the loop's core to the loop."""

import os
import subprocess
import sys

import pytest

from myobridge.decoder.stand_back import leave_core

STAND_BACK = """
import os
from myobridge.decoder.stand_back import stand_back
stand_back()
print(os.sched_getaffinity(0))
"""
SPINS = """
import os
os.sched_setaffinity(0, {%d})
open("/proc/self/comm", "w").write(%r)
print(flush=True)
while True: pass
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
@pytest.mark.parametrize("name", ["python", "a) b (c"])
def test_a_process_leaves_the_core_on_which_another_ran_last(name):
    core, *others = sorted(os.sched_getaffinity(0))
    loop = subprocess.Popen([sys.executable, "-c", SPINS % (core, name)], stdout=subprocess.PIPE)
    before = os.sched_getaffinity(0)
    try:
        loop.stdout.readline()
        leave_core(loop.pid)
        assert os.sched_getaffinity(0) == set(others)
    finally:
        os.sched_setaffinity(0, before)
        loop.kill()
        loop.wait()


def test_a_process_that_has_one_core_keeps_it():
    core = min(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {core})
        said = subprocess.run([sys.executable, "-c", STAND_BACK], capture_output=True, text=True, check=True).stdout
    finally:
        os.sched_setaffinity(0, before)
    assert said == f"{{{core}}}\n"
