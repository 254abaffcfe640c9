"""The peers' own virtual environment: what they need is never mixed with ours."""

import subprocess
import sys
from pathlib import Path

PACKAGES = ["libemg==2.0.3", "onnxruntime", "msgspec"]
"""LibEMG with all that it asks for (scipy, scikit-learn, librosa, OpenCV, Qt-less GUIs, pythonnet, …); the network's
runtime; and what our wire needs."""
TIMEOUT_S = 1800


class NotHere(Exception):
    """Why the peers cannot be run on this machine."""


def peers_python(folder: Path) -> Path:
    """The interpreter of the environment, which is made where it is missing.

    Raises:
        NotHere: it cannot be made.
    """
    python = folder / "bin" / "python"
    if not _works(python):
        print(f"installing {PACKAGES[0]} into {folder}, which takes minutes and a gigabyte", flush=True)
        _do([sys.executable, "-m", "venv", str(folder)])
        _do([str(python), "-m", "pip", "install", "--quiet", *PACKAGES])
        if not _works(python):
            raise NotHere("it installs, but cannot be imported")
    return python


def _works(python: Path) -> bool:
    if not python.exists():
        return False
    tried = [str(python), "-c", "import libemg, onnxruntime, msgspec"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def _do(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHere(str(error)) from error
    if done.returncode:
        raise NotHere((done.stderr.strip().splitlines() or ["pip said nothing"])[-1])
