"""The hardware folder's own programs are not part of the package: they are found here."""

import sys
from pathlib import Path

HARDWARE = Path(__file__).parents[2] / "hardware"
sys.path.insert(0, str(HARDWARE))
