"""Fixtures shared by all tests."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from starvation import run_undisturbed

ROOT = Path(__file__).parent.parent
IN_REAL_TIME = ("loopback", "faults", "raspberry_pi")
"""Folders whose tests start processes in real time; single tests elsewhere are marked `real_time`."""

# Tests keep their own memory of boards; processes that they start use it, too.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="myobridge-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

settings.register_profile("myobridge", deadline=None)  # a busy machine must not fail a test
settings.load_profile("myobridge")


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
