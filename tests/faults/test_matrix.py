"""Each row of the fault matrix, end to end: the daemon as a process, and the simulated hand or the flashed firmware.

`python tests/faults/matrix.py` does the same, many times over, and writes the table in firmware/SAFETY.md.
"""

from __future__ import annotations

import re

import pytest
from matrix import ROWS, measured, moved_within_slew
from sim_hand import BOARDS, FIRMWARE

BUSY_MS = 100
"""A busy machine may be late to kill, to carry a byte or to look; the table itself must meet the limits."""
IN_CI = ("simulated", BOARDS[0])
CASES = [(hand, row) for hand in IN_CI for row in ROWS if hand in row.hands]


@pytest.fixture(scope="module", params=IN_CI)
def rig(request):
    with moved_within_slew(request.param) as rig:
        yield rig


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number} {row.fault}")
def test_a_fault_leads_to_the_safe_state_in_time(row, rig):
    if rig.hand not in row.hands:
        pytest.skip(f"not of the {rig.hand}")
    outcome = measured(row, rig)
    safe = "at no time unsafe" if outcome.safe_ms is None else f"{outcome.safe_ms:.1f} ms"
    print(f"{rig.hand} {row.number}, {row.fault}: {safe}; {outcome.what}")
    assert outcome.safe_ms is None or outcome.safe_ms <= row.limit_ms + BUSY_MS


def test_the_matrix_contains_each_fault_of_the_safety_document():
    text = (FIRMWARE / "SAFETY.md").read_text(encoding="utf-8")
    section = text.partition("## The faults that are injected")[2].partition("\n## ")[0]
    listed = {int(number) for first in re.findall(r"^\| ([\d–]+) \|", section, re.MULTILINE) for number in span(first)}
    assert listed == {int(re.sub(r"\D", "", row.number)) for row in ROWS} == set(range(1, 21))


def span(numbers: str) -> range:
    first, _, last = numbers.partition("–")
    return range(int(first), int(last or first) + 1)


def test_the_table_in_the_document_has_the_rows_of_the_matrix():
    text = (FIRMWARE / "SAFETY.md").read_text(encoding="utf-8")
    table = text.partition("<!-- generated:matrix -->\n")[2].partition("<!-- end -->")[0]
    found = [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in table.splitlines()[2:]]
    assert found == [(row.number, row.fault) for row in ROWS]
    for line in table.splitlines()[2:]:
        _, _, _, _, limit, *times, _ = (cell.strip() for cell in line.split("|"))
        assert all(time == "–" or int(time) <= int(limit) for time in times), line
