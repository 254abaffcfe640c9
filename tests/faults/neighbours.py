"""Makes the helpers of the other test folders importable for pytest and for the scripts here; import it first."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(folder) for folder in (TESTS, TESTS / "firmware", TESTS / "loopback")]
