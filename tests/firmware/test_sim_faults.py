"""Each fault of the table in firmware/SAFETY.md, done to the real firmware; prints the time to the safe state."""

from __future__ import annotations

import pytest
from sim_faults import FAULTS
from sim_hand import BOARDS

IN_SHORT = ("1", "8", "12a", "12d", "13")
"""On the RP2040, whose simulator is slower; sim_numbers.py does all."""
CASES = [(number, board) for board in BOARDS for number in FAULTS] + [(number, "rp2040") for number in IN_SHORT]


@pytest.mark.parametrize(("number", "board"), CASES)
def test_fault(number: str, board: str) -> None:
    title, do = FAULTS[number]
    outcome = do(board)
    safe = "at no time unsafe" if outcome.safe_ms is None else f"{outcome.safe_ms:.1f} ms"
    print(f"{board} fault {number}, {title}: {safe}, {outcome.what}")
