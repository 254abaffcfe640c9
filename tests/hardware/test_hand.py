"""The printed hand: channels, drawing, prices and sources agree."""

from __future__ import annotations

import re
from math import fsum
from pathlib import Path

import draw
import pytest
from drawing.hand import FINGERS, linkage
from drawing.hand_parts import NOT_READ, PARTS, REPLACED, sums
from drawing.parts import COMPUTER, Build, part_counts, price
from test_drawings import compiled_pins, table_of

from myobridge import SERVOS

BOARDS = draw.boards()
DOCUMENT = (Path(draw.HERE) / "HAND.md").read_text(encoding="utf-8")


def rows_of(name: str) -> list[list[str]]:
    return [row.strip("| ").split(" | ") for row in table_of("HAND.md", name).strip().splitlines()[2:]]


def test_each_channel_has_the_finger_and_the_pins_that_the_firmware_drives() -> None:
    for place, row in enumerate(rows_of("hand-channels")):
        assert row[:2] == [str(place + 1), SERVOS[place]]
        assert [int(pin) for pin in row[4:]] == [compiled_pins(board.name)[SERVOS[place]][0] for board in BOARDS]
    assert tuple(finger.name for finger in FINGERS) == SERVOS


@pytest.mark.parametrize("place", range(5))
def test_the_drawing_shows_each_channel_at_its_servo_and_at_its_finger(place: int) -> None:
    words = re.findall(r">([^<>]+)</text>", linkage(BOARDS))
    numbered = [words[at + 1] for at, word in enumerate(words) if word == str(place + 1)]
    assert sorted(numbered) == sorted([SERVOS[place], f"{SERVOS[place]} servo, MG996R"])


def test_each_price_names_its_source_or_says_that_it_was_not_read() -> None:
    listed = {int(number) for number in re.findall(r"^(\d+)\. ", DOCUMENT.split("## Sources")[1], re.MULTILINE)}
    for part, row in zip(PARTS, rows_of("hand-parts"), strict=True):
        assert (part.source in listed) if part.quoted else row[4] == NOT_READ, part.name
    cited = {int(number) for number in re.findall(r"\[(\d+)\](?!\()", DOCUMENT)}
    assert cited == listed


def test_the_total_counts_the_servos_once() -> None:
    board, arm = BOARDS[0], Build("arm", 4)
    names = [part.name for part, _ in part_counts(arm, board)]
    assert all(name in names for name in REPLACED)
    whole = fsum(part.count * part.each_eur for part in PARTS) + price(arm, board)
    whole += fsum(arm.count(part, board) * part.each_eur for part in COMPUTER)
    replaced = fsum(count * part.each_eur for part, count in part_counts(arm, board) if part.name in REPLACED)
    assert fsum(sums(board).values()) == pytest.approx(whole - replaced)
    assert rows_of("hand-total")[-1][1] == f"**{whole - replaced:.0f} €**"
