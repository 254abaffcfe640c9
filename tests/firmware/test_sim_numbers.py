"""Every number of the firmware that has a target, held to it on AVR (sim_numbers.py makes the table of all boards).

The RP2040 is simulated at a fifth of their speed: test_rp2040.py holds it to its targets in one short session.
"""

from __future__ import annotations

import pytest
from sim_hand import BOARDS
from sim_numbers import ROWS, within

SLOW = [pytest.mark.slow, pytest.mark.timeout(600)]
CASES = [
    pytest.param(row, board, id=f"{row.what}-{board}", marks=SLOW if row.slow else [])
    for row in ROWS
    for board in BOARDS
    if row.limits is not None
]


@pytest.mark.parametrize(("row", "board"), CASES)
def test_number(row, board):
    value = row.measure(board)
    print(f"{board}: {row.what}: {value:.3f} {row.unit}")
    assert within(row, board, value)
