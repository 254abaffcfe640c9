"""Real-time help of the operating system, on this system."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from pathlib import Path
from myobridge.daemon.realtime import use_large_pages

def large_kb():
    return int(Path("/proc/self/smaps_rollup").read_text().partition("AnonHugePages:")[2].split()[0])

data = [bytes([n]) * (1 << 20) for n in range(16)]
before_kb = large_kb()
use_large_pages()
assert data == [bytes([n]) * (1 << 20) for n in range(16)]
print(large_kb() - before_kb)
"""


def has_large_pages() -> bool:
    size = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
    release = tuple(map(int, Path("/proc/sys/kernel/osrelease").read_text().split("-")[0].split(".")[:2]))
    return size.exists() and int(size.read_text()) <= 2 << 20 and release >= (6, 1)


@pytest.mark.skipif(not has_large_pages(), reason="This Linux has no MADV_COLLAPSE, or no pages of 2 MB.")
def test_data_moves_to_large_pages_unchanged():
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(result.stdout) >= 4096
