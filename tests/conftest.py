"""Fixtures shared by all tests."""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from children import descendants_of, kill
from starvation import run_undisturbed

ROOT = Path(__file__).parent.parent
IN_REAL_TIME = ("loopback", "faults", "raspberry_pi")
"""Folders whose tests start processes in real time; single tests elsewhere are marked `real_time`."""

# Tests keep their own memory of boards and find no other run's daemon; processes that they start use the same folders.
OWN = Path(tempfile.mkdtemp(prefix="myobridge-tests-"))
atexit.register(shutil.rmtree, OWN, ignore_errors=True)
for variable in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
    (OWN / variable).mkdir(mode=0o700)
    os.environ[variable] = str(OWN / variable)

settings.register_profile("myobridge", deadline=None)  # a busy machine must not fail a test
settings.load_profile("myobridge")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Lets SIGTERM end the tests like Ctrl-C, which ends their processes first; commands in this process reset it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    """Ends what failed tests have left running."""
    kill(descendants_of(os.getpid()))


@pytest.fixture(scope="session")
def biopatrec_dir() -> Path:
    """Folder of the real recordings, which are not part of the repository; without them a test is skipped."""
    data = Path(os.environ.get("MYOBRIDGE_DATA", ROOT.parent / "shared" / "data"))
    folder = data / "biopatrec_10mov4ch"
    if not (folder / "s01.npz").exists():
        pytest.skip(f"The recordings are not in {folder}; set MYOBRIDGE_DATA to the folder that holds them.")
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Repeats tests in real time that fail on a starved machine."""
    if item.path.parent.name in IN_REAL_TIME or item.get_closest_marker("real_time"):
        return run_undisturbed(item, nextitem)
    return None
