"""What the printed hand of HAND.md needs beside the arm build of BOM.md: parts, prices and where each was read.

Numbers in brackets are the sources at the end of HAND.md. A dollar without tax is counted as a euro with tax.
"""

from __future__ import annotations

from math import fsum
from typing import Final, NamedTuple

from drawing.parts import COMPUTER, Build, part_counts, price
from drawing.pins import Board
from drawing.reckoning import COPPER_OHM_MM2_PER_M, SERVO_A, SERVOS, STALLED_A
from drawing.table import table

READ: Final = "2026-11-30"
NOT_READ: Final = "not read"


class HandPart(NamedTuple):
    """A line of the list. quoted: the price as its source gives it; empty: we read none, and `each_eur` is a guess."""

    name: str
    number: str
    count: int
    each_eur: float
    quoted: str = ""
    source: int = 0


PARTS: Final = (
    HandPart("servo", "TowerPro MG996R", 5, 12, "12 $; 9–16 $ by shop", 3),
    HandPart("filament, 1 kg, ABS or PLA", "1.75 mm", 1, 31, "20–31 $/kg", 3),
    HandPart("braided fishing line, 200 lb", "0.8 mm", 1, 11, "11 $ the spool", 3),
    HandPart("extension springs, 10 pieces", "0.51 mm, 10 mm long", 1, 5.5, "5.50 $", 3),
    HandPart("countersunk bolts, 50 pieces", "M3 × 20", 1, 5.5, "5.50 $", 3),
    HandPart("wood screws, 100 pieces", "3 × 12", 1, 5.5, "5.50 $", 3),
    HandPart("assorted bolts and nuts", "M3, M4", 1, 11, "11 $", 3),
    HandPart("bolts, nuts and washers of the wrist, or printed", "M8 × 80, 60, 40", 1, 5),
    HandPart("glue: epoxy for PLA, and cyanoacrylate", "", 1, 12),
    HandPart("plate and two clamps for the table", "", 1, 15),
    HandPart("boxes: arm and belt", "inside 160 × 90 × 60 and 200 × 120 × 75 mm", 2, 14),
    HandPart("enclosure for the stop, with a strap loop", "hole of 22 mm", 1, 12),
    HandPart("cables of the stop: two twisted pairs", "RESET under 50 cm, relay coil", 1, 5),
    HandPart("hook-and-loop straps, 50 mm, with buckles", "", 4, 3),
    HandPart("cable of the 6 V rail, 2 × 2.5 mm², plugs", "1 m, XT60", 1, 10),
)
REPLACED: Final = ("servo, metal gears", "braided line, springs")
"""Lines of BOM.md that this list replaces."""


def parts() -> str:
    """Markdown table of the parts."""
    rows = [("part", "number or size", "pieces", "€ each", "price as read", "read")]
    for part in PARTS:
        where = (f"{part.quoted} [{part.source}]", READ) if part.quoted else (NOT_READ, "–")
        rows.append((part.name, part.number, str(part.count), f"{part.each_eur:g}", *where))
    return table(*rows)


def sums(board: Board) -> dict[str, float]:
    """What the hand and the rest of the worn build cost, in €, by what it is."""
    arm = Build("arm", 4)
    replaced = fsum(count * part.each_eur for part, count in part_counts(arm, board) if part.name in REPLACED)
    return {
        "the hand, prices read": fsum(part.count * part.each_eur for part in PARTS if part.quoted),
        "the hand, prices guessed": fsum(part.count * part.each_eur for part in PARTS if not part.quoted),
        "the arm build of [BOM.md](BOM.md) with 4 channels, without its servos and line": price(arm, board) - replaced,
        "computer and power bank": fsum(arm.count(part, board) * part.each_eur for part in COMPUTER),
    }


def total(board: Board) -> str:
    """Markdown table of the sums."""
    each = sums(board)
    rows = [("what", "sum"), *((what, f"{euros:.0f} €") for what, euros in each.items())]
    return table(*rows, ("**everything**", f"**{fsum(each.values()):.0f} €**"))


def cable() -> str:
    """Markdown table: voltage lost in the rail's cable from the belt to the forearm, a metre there and a metre back."""
    moving_a = SERVOS * SERVO_A["moving under load"]
    rows = [("rail cable, 1 m there and back", f"lost at {moving_a:g} A, moving", f"lost at {STALLED_A:g} A, stalled")]
    for area_mm2 in (0.75, 1.5, 2.5, 4.0):
        ohm = 2 * COPPER_OHM_MM2_PER_M / area_mm2
        rows.append((f"{area_mm2:g} mm²", f"{moving_a * ohm:.2f} V", f"{STALLED_A * ohm:.2f} V"))
    return table(*rows)


def hand_tables(board: Board) -> dict[str, str]:
    """The blocks of HAND.md, but for the channels."""
    return {"hand-parts": parts(), "hand-total": total(board), "hand-cable": cable()}
