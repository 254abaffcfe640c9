"""Makes the arm64 roots while earlier tests run, because the downloads take minutes."""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from arm64_root import KEYRING, TOOLS

HERE = Path(__file__).parent
making: list[subprocess.Popen] = []


def pytest_collection_finish(session):
    wanted = any(item.path.is_relative_to(HERE) for item in session.items)
    if wanted and not session.config.option.collectonly and not what_is_missing():
        command = ["nice", sys.executable, HERE / "arm64_root.py"]
        making.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))


def pytest_unconfigure():
    for process in making:
        process.kill()
        process.wait()


def what_is_missing() -> list[str]:
    keyring = [] if KEYRING.exists() else [str(KEYRING)]
    return [tool for tool in TOOLS if not shutil.which(tool)] + keyring


@pytest.fixture(scope="session")
def arm64_roots():
    """Waits until the roots are made."""
    if missing := what_is_missing():
        pytest.skip(f"The arm64 roots need Debian's tools; this system lacks {', '.join(missing)}.")
    failure = made()
    assert not failure


@functools.cache
def made() -> str:
    """Waits until the roots are made; why they cannot be. A repeated test asks again."""
    _, errors = making[0].communicate()
    return f"Exit status {making[0].returncode}. {errors}" if making[0].returncode else ""
