"""The wiring drawing of a board: electrodes, amplifiers, board, servos, and what feeds them."""

from __future__ import annotations

from drawing import plan, supply
from drawing.pins import Board
from drawing.svg import INK, PAPER, SOFT, Sheet

LEGEND = (
    (plan.POWER, "+ (5 V amplifiers, 6 V servos)"),
    (plan.GROUND, "ground"),
    (plan.EMG, "EMG, amplified"),
    (plan.REFERENCE, "reference electrode"),
    (plan.PULSE, "servo pulses"),
    (plan.RESET, "emergency stop → RESET"),
    (plan.USB, "USB"),
)
ALWAYS = 4
"""Channels that the usual set-up has; the rest are drawn faint."""


def wiring(board: Board) -> str:
    """SVG of the whole set-up on this board."""
    sheet = Sheet(plan.WIDTH, plan.HEIGHT, f"Wiring of the hand on an {board.title}")
    sheet.text(40, 44, f"Wiring: {board.title}", 24, bold=True)
    sheet.text(40, 68, f"Pin numbers: firmware/src/boards/{board.name}/pins.h", 14, SOFT)
    _rails(sheet, board)
    _host(sheet)
    supply.supply(sheet)
    _reference(sheet)
    for channel in range(board.emg_inputs):
        _channel(sheet, channel)
    for place, servo in enumerate(board.servos):
        _servo(sheet, place, servo.finger, servo.number)
    supply.emergency_stop(sheet)
    _board(sheet, board)
    _legend(sheet)
    sheet.text(40, _input_y(board.emg_inputs - 1) + 46, "Faint: channels beyond the usual four, optional.", 13, SOFT)
    return sheet.render()


def _input_y(channel: int) -> float:
    return plan.FIRST_INPUT_Y + plan.INPUT_STEP * channel


def _servo_y(place: int) -> float:
    return plan.FIRST_SERVO_Y + plan.SERVO_STEP * place


def _pin(sheet: Sheet, x: float, y: float) -> None:
    sheet.box(x - 5, y - 5, 10, 10, "#fde68a", INK, 2)


def _host(sheet: Sheet) -> None:
    sheet.wire([(520, 130), (520, plan.BOARD_TOP)], plan.USB, 5)
    sheet.wire([(690, 105), (610, 105)], plan.USB, 5)
    sheet.box(430, 80, 180, 50, "#fce7f3")
    sheet.text(520, 101, "Raspberry Pi or laptop", 14, anchor="middle", bold=True)
    sheet.text(520, 120, "runs myobridge", 13, SOFT, "middle")
    sheet.box(690, 80, 180, 50, "#dcfce7")
    sheet.text(780, 101, "USB power bank, 5 V", 14, anchor="middle", bold=True)
    sheet.text(780, 120, "feeds Pi, board, amplifiers", 13, SOFT, "middle")
    sheet.text(536, 162, "USB: data and 5 V", 13, SOFT)


def _board(sheet: Sheet, board: Board) -> None:
    width, height = plan.BOARD_RIGHT - plan.BOARD_LEFT, plan.BOARD_BOTTOM - plan.BOARD_TOP
    sheet.box(plan.BOARD_LEFT, plan.BOARD_TOP, width, height, "#0f7c82", "#0b5559", 12)
    sheet.box(500, plan.BOARD_TOP - 8, 40, 22, "#cbd5e1", INK, 3)
    sheet.text(520, 236, board.title.split()[0], 15, PAPER, "middle", bold=True)
    sheet.text(520, 256, " ".join(board.title.split()[1:]), 15, PAPER, "middle", bold=True)
    for name, y in (("5V", 212), ("GND", 236)):
        _pin(sheet, plan.BOARD_LEFT, y)
        sheet.text(plan.BOARD_LEFT + 12, y + 5, name, 14, PAPER)
    for channel in range(board.emg_inputs):
        _pin(sheet, plan.BOARD_LEFT, _input_y(channel))
        sheet.text(plan.BOARD_LEFT + 12, _input_y(channel) + 5, f"A{channel}", 15, PAPER, bold=True)
    for place, servo in enumerate(board.servos):
        pulse_y = _servo_y(place) - 18
        _pin(sheet, plan.BOARD_RIGHT, pulse_y)
        sheet.text(plan.BOARD_RIGHT - 12, pulse_y + 5, str(servo.number), 15, PAPER, "end", bold=True)
    _pin(sheet, plan.BOARD_RIGHT, plan.BOARD_GROUND_Y)
    sheet.text(plan.BOARD_RIGHT - 12, plan.BOARD_GROUND_Y + 5, "GND", 14, PAPER, "end")
    for name, x, anchor in (("RESET", 495, "end"), ("GND", 545, "start")):
        _pin(sheet, x, plan.BOARD_BOTTOM)
        sheet.text(x + (8 if anchor == "end" else -8), plan.BOARD_BOTTOM - 12, name, 14, PAPER, anchor)


def _rails(sheet: Sheet, board: Board) -> None:
    """What runs past many parts, painted first: all else passes over it."""
    last_input = _input_y(board.emg_inputs - 1)
    sheet.line([(plan.BOARD_LEFT, 212), (375, 212), (375, last_input - 11)], plan.POWER, 3)
    sheet.line([(plan.BOARD_LEFT, 236), (400, 236), (400, last_input + 11)], plan.GROUND, 3)
    sheet.line([(200, 212), (200, last_input + 12)], plan.REFERENCE, 2.5)
    sheet.line([(plan.RAIL_6V_X, plan.MAIN_Y), (plan.RAIL_6V_X, _servo_y(0))], plan.POWER, 6)
    sheet.line([(plan.RAIL_GROUND_X, plan.GROUND_Y), (plan.RAIL_GROUND_X, _servo_y(0) + 18)], plan.GROUND, 6)
    sheet.text(plan.RAIL_6V_X - 10, 680, "6 V rail", 14, plan.POWER, "end", bold=True)
    sheet.text(plan.RAIL_GROUND_X + 10, 680, "ground rail", 14, plan.GROUND, bold=True)
    sheet.wire([(plan.BOARD_RIGHT, plan.BOARD_GROUND_Y), (plan.RAIL_GROUND_X, plan.BOARD_GROUND_Y)], plan.GROUND)
    sheet.dot(plan.RAIL_GROUND_X, plan.BOARD_GROUND_Y, 5, plan.GROUND)
    sheet.text(630, plan.BOARD_GROUND_Y + 20, "common ground: one wire", 13, SOFT)


def _reference(sheet: Sheet) -> None:
    sheet.wire([(120, 212), (200, 212)], plan.REFERENCE)
    sheet.dot(120, 212, 9, "#bbf7d0", INK)
    sheet.text(40, 190, "reference electrode, elbow or wrist bone", 13, SOFT)


def _channel(sheet: Sheet, channel: int) -> None:
    """A pair of electrodes, its amplifier, and the wires to both sides."""
    y = _input_y(channel)
    faint = channel >= ALWAYS
    if faint:
        sheet.add('<g opacity="0.45">')
    sheet.text(98, y, f"pair {channel + 1}", 14, anchor="end")
    for dy in (-11, 1):
        sheet.wire([(120, y + dy), (plan.AMPLIFIER_LEFT, y + dy)], SOFT, 2)
        sheet.dot(120, y + dy, 5, "#e5e7eb", INK)
    sheet.wire([(200, y + 12), (plan.AMPLIFIER_LEFT, y + 12)], plan.REFERENCE, 2)
    sheet.dot(200, y + 12, 4, plan.REFERENCE)
    sheet.wire([(plan.AMPLIFIER_RIGHT, y + 11), (400, y + 11)], plan.GROUND, 2)
    sheet.dot(400, y + 11, 4, plan.GROUND)
    sheet.wire([(plan.AMPLIFIER_RIGHT, y - 11), (375, y - 11)], plan.POWER, 2)
    sheet.dot(375, y - 11, 4, plan.POWER)
    sheet.wire([(plan.AMPLIFIER_RIGHT, y), (plan.BOARD_LEFT - 5, y)], plan.EMG)
    sheet.box(plan.AMPLIFIER_LEFT, y - 18, plan.AMPLIFIER_RIGHT - plan.AMPLIFIER_LEFT, 36, "#e0e7ff", dash=faint)
    sheet.text(290, y + 5, f"amplifier {channel + 1}", 14, anchor="middle")
    if faint:
        sheet.add("</g>")


def _servo(sheet: Sheet, place: int, finger: str, number: int) -> None:
    y = _servo_y(place)
    sheet.wire([(plan.BOARD_RIGHT + 5, y - 18), (plan.SERVO_LEFT, y - 18)], plan.PULSE)
    sheet.box(660, y - 25, 62, 15, PAPER, INK, 3)
    sheet.text(691, y - 13, "330 Ω", 12, anchor="middle")
    sheet.wire([(plan.RAIL_6V_X, y), (plan.SERVO_LEFT, y)], plan.POWER, 3)
    sheet.dot(plan.RAIL_6V_X, y, 5, plan.POWER)
    sheet.wire([(plan.RAIL_GROUND_X, y + 18), (plan.SERVO_LEFT, y + 18)], plan.GROUND, 3)
    sheet.dot(plan.RAIL_GROUND_X, y + 18, 5, plan.GROUND)
    sheet.box(plan.SERVO_LEFT, y - 30, 165, 60, "#ffedd5")
    sheet.dot(plan.SERVO_LEFT + 138, y, 17, PAPER, INK)
    sheet.line([(plan.SERVO_LEFT + 138, y), (plan.SERVO_LEFT + 149, y - 22)], INK, 6)
    sheet.text(plan.SERVO_LEFT + 16, y - 4, finger, 16, bold=True)
    sheet.text(plan.SERVO_LEFT + 16, y + 15, f"servo on pin {number}", 13, SOFT)


def _legend(sheet: Sheet) -> None:
    sheet.text(40, 660, "Wires", 15, bold=True)
    for place, (colour, words) in enumerate(LEGEND):
        y = 682 + 21 * place
        sheet.line([(40, y), (70, y)], colour, 4)
        sheet.text(80, y + 5, words, 13)
    sheet.text(905, 720, "With electrodes on skin,", 14, plan.POWER, bold=True)
    sheet.text(905, 740, "everything here runs on", 14, plan.POWER, bold=True)
    sheet.text(905, 760, "batteries. See SAFETY.md.", 14, plan.POWER, bold=True)
