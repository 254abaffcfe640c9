"""The peers' own virtual environment, which keeps their packages apart from ours."""

import subprocess
import sys
from pathlib import Path

PACKAGES = ["libemg==2.0.3", "onnxruntime", "msgspec"]
"""LibEMG and its dependencies (numpy < 2, scipy, scikit-learn, librosa, OpenCV, pythonnet and more: 1.1 GB, 71
packages), the network's runtime, and the dependency of our wire."""
TIMEOUT_S = 1800


class NotHere(Exception):
    """The peers cannot run on this machine; the message says why."""


def peers_python(folder: Path) -> Path:
    """The interpreter of the environment, which is created if it is missing.

    Raises:
        NotHere: the environment cannot be created.
    """
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    wanted = "\n".join(PACKAGES)
    if not installed.exists() or installed.read_text() != wanted:
        print(f"installing {PACKAGES[0]} into {folder}, which takes minutes and a gigabyte", flush=True)
        _do([sys.executable, "-m", "venv", str(folder)])
        _do([str(python), "-m", "pip", "install", "--quiet", *PACKAGES])
        _do([str(python), "-c", "import libemg, onnxruntime, msgspec"])
        installed.write_text(wanted)
    return python


def _do(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHere(str(error)) from error
    if done.returncode:
        raise NotHere((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
