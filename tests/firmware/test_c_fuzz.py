"""A short run of the fuzzer: line noise, good frames with any content, and whole sessions (fuzz_device.c)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[2] / "firmware"


@pytest.mark.slow
def test_no_input_breaks_a_promise_or_touches_memory_that_is_not_its_own(tmp_path: Path) -> None:
    command = ["make", "-C", FIRMWARE, f"BUILD={tmp_path}", "fuzz", "SECONDS=15"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs is not None and int(runs[1]) > 500
