"""Each fault of the table in firmware/SAFETY.md, done to the real firmware; prints the time to the safe state."""

from __future__ import annotations

import pytest
from sim_faults import FAULTS
from sim_hand import BOARDS


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("number", FAULTS)
def test_fault(number: str, board: str) -> None:
    title, do = FAULTS[number]
    outcome = do(board)
    safe = "at no time unsafe" if outcome.safe_ms is None else f"{outcome.safe_ms:.1f} ms"
    print(f"{board} fault {number}, {title}: {safe}, {outcome.what}")
