"""The wiring drawing of a board: electrodes, amplifiers, board, servos and supplies."""

from __future__ import annotations

from drawing import plan, supply
from drawing.pins import Board
from drawing.svg import INK, PAPER, SOFT, Sheet

LEGEND = (
    (plan.POWER, "plus (7.5 V, 6 V, 5 V)"),
    (plan.GROUND, "ground"),
    (plan.SIGNAL, "signal to or from the board"),
    (plan.REFERENCE, "reference electrode"),
    (plan.PULSE, "servo pulses"),
    (plan.RESET, "emergency stop to RESET"),
    (plan.USB, "USB"),
)
ALWAYS = 4
"""Channels that the usual set-up has; the rest are drawn faint."""


def wiring(board: Board) -> str:
    """SVG of the whole set-up on this board."""
    sheet = Sheet(plan.WIDTH, plan.HEIGHT, f"Wiring of the hand on an {board.title}")
    sheet.text(40, 44, f"Wiring: {board.title}", 24, bold=True)
    sheet.text(40, 70, f"Pin numbers: firmware/src/boards/{board.name}/pins.h", 15, SOFT)
    _rails(sheet, board)
    _host(sheet)
    supply.supply(sheet)
    _reference(sheet)
    for channel in range(board.emg_inputs):
        _channel(sheet, channel)
    for place, servo in enumerate(board.servos):
        _servo(sheet, place, servo.use, servo.number)
    supply.emergency_stop(sheet)
    _led_and_button(sheet)
    supply.board_supply(sheet)
    _board(sheet, board)
    _legend(sheet)
    sheet.text(40, _input_y(board.emg_inputs - 1) + 44, "Faint: optional channels.", 14, SOFT)
    return sheet.render()


def _input_y(channel: int) -> float:
    return plan.FIRST_INPUT_Y + plan.INPUT_STEP * channel


def _servo_y(place: int) -> float:
    return plan.FIRST_SERVO_Y + plan.SERVO_STEP * place


def _host(sheet: Sheet) -> None:
    sheet.wire([(520, 130), (520, plan.BOARD_TOP)], plan.USB, 5)
    sheet.wire([(700, 105), (620, 105)], plan.USB, 5)
    sheet.box(420, 80, 200, 50, "#fce7f3")
    sheet.text(520, 101, "Raspberry Pi or laptop", 15, anchor="middle", bold=True)
    sheet.text(520, 120, "runs myobridge", 14, SOFT, "middle")
    sheet.box(700, 80, 190, 50, "#dcfce7")
    sheet.text(795, 101, "USB power bank, 5 V", 15, anchor="middle", bold=True)
    sheet.text(795, 120, "feeds the Pi", 14, SOFT, "middle")
    sheet.text(536, 161, "USB: data; power only while the battery is off", 14, SOFT)


def _pin(sheet: Sheet, x: float, y: float, name: str, side: str) -> None:
    """A pin on the board's edge with its name inside the board."""
    sheet.box(x - 5, y - 5, 10, 10, "#fde68a", INK, 2)
    inwards = {"left": (12, 5, "start"), "right": (-12, 5, "end"), "bottom": (0, -12, "middle")}
    dx, dy, anchor = inwards[side]
    sheet.text(x + dx, y + dy, name, 15, PAPER, anchor, bold=True)


def _board(sheet: Sheet, board: Board) -> None:
    width, height = plan.BOARD_RIGHT - plan.BOARD_LEFT, plan.BOARD_BOTTOM - plan.BOARD_TOP
    sheet.box(plan.BOARD_LEFT, plan.BOARD_TOP, width, height, "#0f7c82", "#0b5559", 12)
    sheet.box(500, plan.BOARD_TOP - 8, 40, 22, "#cbd5e1", INK, 3)
    maker, _, model = board.title.partition(" ")
    sheet.text(525, 400, maker, 17, PAPER, "middle", bold=True)
    sheet.text(525, 422, model, 17, PAPER, "middle", bold=True)
    left = [("5V", 212), ("GND", 236)]
    left += [(f"A{channel}", _input_y(channel)) for channel in range(board.emg_inputs)]
    left += [(str(board.led.number), plan.LED_Y), (str(board.button.number), plan.BUTTON_Y)]
    right = [(str(servo.number), _servo_y(place) - 18) for place, servo in enumerate(board.servos)]
    right += [(f"A{board.supply_input}", plan.SUPPLY_INPUT_Y), ("GND", plan.BOARD_GROUND_Y), ("VIN", plan.VIN_Y)]
    for name, y in left:
        _pin(sheet, plan.BOARD_LEFT, y, name, "left")
    for name, y in right:
        _pin(sheet, plan.BOARD_RIGHT, y, name, "right")
    for name, x in (("RESET", plan.RESET_X), ("GND", plan.RESET_GROUND_X)):
        _pin(sheet, x, plan.BOARD_BOTTOM, name, "bottom")


def _rails(sheet: Sheet, board: Board) -> None:
    """The wires that run past many parts. They are painted first, so that all others pass over them."""
    last_input = _input_y(board.emg_inputs - 1)
    sheet.line([(plan.BOARD_LEFT, 212), (plan.PLUS_X, 212), (plan.PLUS_X, last_input - 11)], plan.POWER, 3)
    sheet.line([(plan.BOARD_LEFT, 236), (plan.MINUS_X, 236), (plan.MINUS_X, last_input + 11)], plan.GROUND, 3)
    sheet.line([(190, 212), (190, last_input + 12)], plan.REFERENCE, 2.5)
    sheet.line([(plan.RAIL_6V_X, plan.MAIN_Y), (plan.RAIL_6V_X, _servo_y(0))], plan.POWER, 6)
    sheet.line([(plan.RAIL_GROUND_X, plan.GROUND_Y), (plan.RAIL_GROUND_X, _servo_y(0) + 18)], plan.GROUND, 6)
    sheet.text(plan.RAIL_6V_X - 10, 880, "6 V rail", 15, plan.POWER, "end", bold=True)
    sheet.text(plan.RAIL_GROUND_X + 10, 880, "ground rail", 15, plan.GROUND, bold=True)
    sheet.wire([(plan.BOARD_RIGHT, plan.SUPPLY_INPUT_Y), (plan.RAIL_6V_X, plan.SUPPLY_INPUT_Y)], plan.SIGNAL)
    sheet.dot(plan.RAIL_6V_X, plan.SUPPLY_INPUT_Y, 5, plan.POWER)
    sheet.mark(691, plan.SUPPLY_INPUT_Y, "c")
    sheet.wire([(plan.BOARD_RIGHT, plan.BOARD_GROUND_Y), (plan.RAIL_GROUND_X, plan.BOARD_GROUND_Y)], plan.GROUND)
    sheet.dot(plan.RAIL_GROUND_X, plan.BOARD_GROUND_Y, 5, plan.GROUND)
    sheet.text(plan.RAIL_GROUND_X + 14, plan.BOARD_GROUND_Y + 5, "the only wire between", 14, SOFT)
    sheet.text(plan.RAIL_GROUND_X + 14, plan.BOARD_GROUND_Y + 23, "board and ground rail", 14, SOFT)


def _reference(sheet: Sheet) -> None:
    sheet.wire([(120, 212), (190, 212)], plan.REFERENCE)
    sheet.dot(120, 212, 9, "#bbf7d0", INK)
    sheet.text(40, 190, "reference electrode, elbow or wrist bone", 14, SOFT)


def _channel(sheet: Sheet, channel: int) -> None:
    """A pair of electrodes, its amplifier, and the wires to both sides."""
    y = _input_y(channel)
    faint = channel >= ALWAYS
    if faint:
        sheet.add('<g opacity="0.45">')
    sheet.text(98, y, f"pair {channel + 1}", 15, anchor="end")
    for dy in (-11, 1):
        sheet.wire([(120, y + dy), (plan.AMPLIFIER_LEFT, y + dy)], SOFT, 2)
        sheet.dot(120, y + dy, 5, "#e5e7eb", INK)
    sheet.wire([(190, y + 12), (plan.AMPLIFIER_LEFT, y + 12)], plan.REFERENCE, 2)
    sheet.dot(190, y + 12, 4, plan.REFERENCE)
    sheet.wire([(plan.AMPLIFIER_RIGHT, y + 11), (plan.MINUS_X, y + 11)], plan.GROUND, 2)
    sheet.dot(plan.MINUS_X, y + 11, 4, plan.GROUND)
    sheet.wire([(plan.AMPLIFIER_RIGHT, y - 11), (plan.PLUS_X, y - 11)], plan.POWER, 2)
    sheet.dot(plan.PLUS_X, y - 11, 4, plan.POWER)
    sheet.wire([(plan.AMPLIFIER_RIGHT, y), (plan.BOARD_LEFT - 5, y)], plan.SIGNAL)
    sheet.mark(plan.MARK_X, y, "a")
    sheet.box(plan.AMPLIFIER_LEFT, y - 18, plan.AMPLIFIER_RIGHT - plan.AMPLIFIER_LEFT, 36, "#e0e7ff", dash=faint)
    sheet.text((plan.AMPLIFIER_LEFT + plan.AMPLIFIER_RIGHT) / 2, y + 5, f"amplifier {channel + 1}", 15, anchor="middle")
    if faint:
        sheet.add("</g>")


def _led_and_button(sheet: Sheet) -> None:
    for y, words, letter, colour in (
        (plan.LED_Y, "status LED", "d", "#4ade80"),
        (plan.BUTTON_Y, "button", "e", "#cbd5e1"),
    ):
        sheet.wire([(325, y), (plan.BOARD_LEFT - 5, y)], plan.SIGNAL)
        sheet.dot(325, y, 12, colour, INK)
        sheet.mark(plan.MARK_X, y, letter)
        sheet.text(303, y + 5, words, 15, anchor="end")


def _servo(sheet: Sheet, place: int, finger: str, number: int) -> None:
    y = _servo_y(place)
    sheet.wire([(plan.BOARD_RIGHT + 5, y - 18), (plan.SERVO_LEFT, y - 18)], plan.PULSE)
    sheet.mark(691, y - 18, "b")
    sheet.wire([(plan.RAIL_6V_X, y), (plan.SERVO_LEFT, y)], plan.POWER, 3)
    sheet.dot(plan.RAIL_6V_X, y, 5, plan.POWER)
    sheet.wire([(plan.RAIL_GROUND_X, y + 18), (plan.SERVO_LEFT, y + 18)], plan.GROUND, 3)
    sheet.dot(plan.RAIL_GROUND_X, y + 18, 5, plan.GROUND)
    sheet.box(plan.SERVO_LEFT, y - 30, 175, 60, "#ffedd5")
    sheet.dot(plan.SERVO_LEFT + 150, y, 17, PAPER, INK)
    sheet.line([(plan.SERVO_LEFT + 150, y), (plan.SERVO_LEFT + 161, y - 22)], INK, 6)
    sheet.text(plan.SERVO_LEFT + 14, y - 4, finger, 16, bold=True)
    sheet.text(plan.SERVO_LEFT + 14, y + 15, f"servo on pin {number}", 14, SOFT)


def _legend(sheet: Sheet) -> None:
    sheet.text(40, 752, "Wires", 15, bold=True)
    for place, (colour, words) in enumerate(LEGEND):
        y = 774 + 22 * place
        sheet.line([(40, y), (70, y)], colour, 4)
        sheet.text(80, y + 5, words, 14)
    y = 774 + 22 * len(LEGEND) + 6
    sheet.mark(55, y, "")
    sheet.text(80, y + 5, "small parts a … g: see their drawing", 14)
    for row, words in enumerate(("With electrodes on skin,", "everything here runs on", "batteries. See SAFETY.md.")):
        sheet.text(905, 740 + 21 * row, words, 15, plan.POWER, bold=True)
