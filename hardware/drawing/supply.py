"""The lower part of the wiring drawing: battery, regulators, relay and emergency stop."""

from __future__ import annotations

from drawing import plan
from drawing.plan import GROUND, GROUND_Y, MAIN_Y, POWER, RAIL_6V_X, RAIL_GROUND_X
from drawing.svg import INK, PAPER, SOFT, Sheet


def supply(sheet: Sheet) -> None:
    """Battery, fuse, relay and regulator, from left to right; the return below."""
    for start, end in ((150, 410), (570, 620), (740, RAIL_6V_X)):
        sheet.line([(start, MAIN_Y), (end, MAIN_Y)], POWER, 6)
    for start, end in ((150, 620), (740, RAIL_GROUND_X)):
        sheet.line([(start, GROUND_Y), (end, GROUND_Y)], GROUND, 6)
    _capacitor(sheet, 778)
    sheet.box(40, MAIN_Y - 35, 120, 140, "#dcfce7")
    _names(sheet, 92, MAIN_Y + 18, "Battery", "3S LiPo", "11.1 V")
    sheet.text(150, MAIN_Y + 6, "+", 18, anchor="end", bold=True)
    sheet.text(150, GROUND_Y + 6, "−", 18, anchor="end", bold=True)
    sheet.box(205, MAIN_Y - 14, 70, 28, PAPER)
    sheet.line([(205, MAIN_Y), (275, MAIN_Y)], INK, 1.5)
    sheet.text(240, MAIN_Y - 23, "fuse 10 A", 15, anchor="middle", bold=True)
    sheet.text(240, MAIN_Y + 33, "at the battery", 14, SOFT, "middle")
    sheet.box(620, MAIN_Y - 35, 120, 140, "#fef9c3")
    _names(sheet, 680, MAIN_Y + 23, "Regulator", "6 V, 15 A", "step-down")


def board_supply(sheet: Sheet) -> None:
    """The board's own regulator, from behind the fuse to VIN; its ground joins the board's one ground wire."""
    left, right, top, bottom = 630, 795, 760, 822
    sheet.wire([(plan.FUSED_X, 926), (712, 926), (712, bottom)], POWER)
    sheet.dot(plan.FUSED_X, 926, 5, POWER)
    sheet.wire([(plan.BOARD_RIGHT + 5, plan.VIN_Y), (665, plan.VIN_Y), (665, top)], POWER)
    sheet.wire([(760, top), (760, plan.BOARD_GROUND_Y)], GROUND)
    sheet.dot(760, plan.BOARD_GROUND_Y, 5, GROUND)
    sheet.box(left, top, right - left, bottom - top, "#fef9c3")
    sheet.text((left + right) / 2, top + 26, "Regulator 7.5 V", 15, anchor="middle", bold=True)
    sheet.text((left + right) / 2, top + 47, "for the board", 14, SOFT, "middle")


def _names(sheet: Sheet, x: float, y: float, name: str, *more: str) -> None:
    sheet.text(x, y, name, 15, anchor="middle", bold=True)
    for row, words in enumerate(more):
        sheet.text(x, y + 22 + 18 * row, words, 14, SOFT, "middle")


def _capacitor(sheet: Sheet, x: float) -> None:
    sheet.line([(x, MAIN_Y), (x, MAIN_Y + 31)], POWER, 3)
    sheet.line([(x, GROUND_Y), (x, MAIN_Y + 45)], GROUND, 3)
    for y in (MAIN_Y + 31, MAIN_Y + 45):
        sheet.line([(x - 16, y), (x + 16, y)], INK, 4)
    sheet.text(760, GROUND_Y + 28, "capacitor 2200 µF, 16 V", 14, SOFT)


def emergency_stop(sheet: Sheet) -> None:
    """Its first contact feeds the relay's coil, its second holds the board in reset."""
    top, bottom = 800, 884
    sheet.wire([(plan.RESET_X, plan.BOARD_BOTTOM + 5), (plan.RESET_X, top)], plan.RESET)
    sheet.mark(plan.RESET_X, 772, "f")
    sheet.wire([(plan.RESET_GROUND_X, plan.BOARD_BOTTOM + 5), (plan.RESET_GROUND_X, top)], GROUND)
    sheet.line([(plan.FUSED_X, MAIN_Y), (plan.FUSED_X, 905), (495, 905), (495, bottom)], POWER)
    sheet.dot(plan.FUSED_X, MAIN_Y, 6, POWER)
    sheet.wire([(545, bottom), (545, 955)], POWER, 2)
    sheet.box(415, top, 200, bottom - top, "#facc15")
    sheet.dot(447, 842, 23, "#dc2626", "#7f1d1d")
    sheet.dot(447, 842, 14, "#ef4444")
    sheet.text(478, 828, "Emergency stop", 15, bold=True)
    sheet.text(478, 849, "NO: RESET", 14)
    sheet.text(478, 869, "NC: relay coil", 14)
    _relay(sheet)


def _relay(sheet: Sheet) -> None:
    sheet.wire([(570, 970), (595, 970), (595, GROUND_Y)], GROUND)
    sheet.dot(595, GROUND_Y, 6, GROUND)
    sheet.box(410, 942, 160, 110, "#f3f4f6")
    sheet.text(422, 966, "Relay", 15, bold=True)
    sheet.box(515, 955, 44, 30, PAPER, INK, 3)
    sheet.line([(545, 943), (545, 955)], POWER)
    sheet.line([(559, 970), (570, 970)], GROUND)
    sheet.text(537, 975, "coil", 14, SOFT, "middle")
    sheet.mark(495, 970, "g")
    sheet.line([(410, MAIN_Y), (450, MAIN_Y)], POWER, 6)
    sheet.line([(450, MAIN_Y), (498, MAIN_Y - 21)], INK, 4)
    sheet.line([(505, MAIN_Y), (570, MAIN_Y)], POWER, 6)
    sheet.dot(450, MAIN_Y, 5, INK)
    sheet.dot(505, MAIN_Y, 5, INK)
    sheet.text(420, MAIN_Y + 23, "open without current", 14, SOFT)
