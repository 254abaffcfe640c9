"""Importing this first makes the helpers of the other test folders importable, by pytest and by the scripts here."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(folder) for folder in (TESTS, TESTS / "firmware", TESTS / "loopback")]
