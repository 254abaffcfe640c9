"""The own tests of the wire and of postprocess run every line and every branch of them.

Property tests are left out, because chance decides what they run, and each branch needs a test of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HOST = Path(__file__).parent / "host"
ROOMS = ("myobridge.wire", "myobridge.decoder.postprocess")
OWN_TESTS = ("wire", "decoder/test_postprocess.py", "feed/test_ports.py")


@pytest.mark.slow
@pytest.mark.timeout(600)  # 15 s of processor
def test_every_line_and_every_branch_is_run(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment["COVERAGE_FILE"] = str(tmp_path / "rooms")
    coverage = [sys.executable, "-m", "coverage"]

    def measured(*command):
        command = [*coverage, *command]
        run = subprocess.run(command, check=False, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    tests = [str(HOST / name) for name in OWN_TESTS]
    pytest_run = ["pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow and not hypothesis", *tests]
    measured("run", "--branch", f"--source={','.join(ROOMS)}", "-m", *pytest_run)
    files = json.loads(measured("json", "-q", "-o", "-"))["files"]
    assert {"session.py", "messages.py", "postprocess.py"} <= {Path(name).name for name in files}
    missing = {name: (file["missing_lines"], file["missing_branches"]) for name, file in files.items()}
    assert {name: gaps for name, gaps in missing.items() if any(gaps)} == {}
