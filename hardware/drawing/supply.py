"""The lower part of the wiring drawing: what feeds the servos, and what cuts it."""

from __future__ import annotations

from drawing.plan import BOARD_BOTTOM, GROUND, GROUND_Y, MAIN_Y, POWER, RAIL_6V_X, RAIL_GROUND_X, RESET
from drawing.svg import INK, PAPER, SOFT, Sheet


def supply(sheet: Sheet) -> None:
    """Battery, fuse, relay and regulator, from left to right; the return below."""
    for start, end in ((150, 410), (570, 620), (740, RAIL_6V_X)):
        sheet.line([(start, MAIN_Y), (end, MAIN_Y)], POWER, 6)
    for start, end in ((150, 620), (740, RAIL_GROUND_X)):
        sheet.line([(start, GROUND_Y), (end, GROUND_Y)], GROUND, 6)
    _capacitor(sheet, 778)
    sheet.box(40, 855, 120, 140, "#dcfce7")
    _names(sheet, 92, 908, "Battery", "3S LiPo", "11.1 V")
    sheet.text(150, 896, "+", 18, anchor="end", bold=True)
    sheet.text(150, 971, "−", 18, anchor="end", bold=True)
    sheet.box(205, MAIN_Y - 14, 70, 28, PAPER)
    sheet.line([(205, MAIN_Y), (275, MAIN_Y)], INK, 1.5)
    sheet.text(240, 867, "fuse 10 A", 14, anchor="middle", bold=True)
    sheet.text(240, 923, "at the battery", 13, SOFT, "middle")
    sheet.box(620, 855, 120, 140, "#fef9c3")
    _names(sheet, 680, 913, "Regulator", "6 V, 15 A", "step-down")


def _names(sheet: Sheet, x: float, y: float, name: str, *more: str) -> None:
    sheet.text(x, y, name, 15, anchor="middle", bold=True)
    for row, words in enumerate(more):
        sheet.text(x, y + 22 + 18 * row, words, 13, SOFT, "middle")


def _capacitor(sheet: Sheet, x: float) -> None:
    sheet.line([(x, MAIN_Y), (x, 921)], POWER, 3)
    sheet.line([(x, GROUND_Y), (x, 935)], GROUND, 3)
    for y in (921, 935):
        sheet.line([(x - 16, y), (x + 16, y)], INK, 4)
    sheet.text(760, 992, "capacitor 2200 µF, 16 V", 13, SOFT)


def emergency_stop(sheet: Sheet) -> None:
    """Its first contact feeds the relay's coil, its second holds the board in reset."""
    sheet.wire([(495, BOARD_BOTTOM), (495, 665)], RESET)
    sheet.wire([(545, BOARD_BOTTOM), (545, 665)], GROUND)
    sheet.line([(330, MAIN_Y), (330, 780), (495, 780), (495, 745)], POWER)
    sheet.dot(330, MAIN_Y, 6, POWER)
    sheet.line([(545, 745), (545, 820)], POWER)
    sheet.box(425, 665, 190, 80, "#facc15")
    sheet.dot(461, 705, 24, "#dc2626", "#7f1d1d")
    sheet.dot(461, 705, 15, "#ef4444")
    sheet.text(495, 694, "Emergency stop", 14, bold=True)
    sheet.text(495, 713, "NO contact: RESET", 12)
    sheet.text(495, 730, "NC contact: relay coil", 12)
    _relay(sheet)


def _relay(sheet: Sheet) -> None:
    sheet.wire([(570, 840), (595, 840), (595, GROUND_Y)], GROUND)
    sheet.dot(595, GROUND_Y, 6, GROUND)
    sheet.box(410, 812, 160, 108, "#f3f4f6")
    sheet.text(422, 836, "Relay", 15, bold=True)
    sheet.box(515, 825, 44, 30, PAPER, INK, 3)
    sheet.line([(545, 813), (545, 825)], POWER)
    sheet.line([(559, 840), (570, 840)], GROUND)
    sheet.text(537, 845, "coil", 12, SOFT, "middle")
    sheet.line([(410, MAIN_Y), (450, MAIN_Y)], POWER, 6)
    sheet.line([(450, MAIN_Y), (498, 869)], INK, 4)
    sheet.line([(505, MAIN_Y), (570, MAIN_Y)], POWER, 6)
    sheet.dot(450, MAIN_Y, 5, INK)
    sheet.dot(505, MAIN_Y, 5, INK)
    sheet.text(422, 912, "open without current", 12, SOFT)
