"""The drawing of the small parts: one panel for each circuit, in the symbols of schemdraw."""

from __future__ import annotations

import re
from collections.abc import Callable

import schemdraw
import schemdraw.elements as elm

from drawing import small_parts as parts
from drawing.pins import Board
from drawing.svg import INK, SOFT, Sheet, number

schemdraw.use("svg")
schemdraw.svgconfig.text = "text"
elm.style(elm.STYLE_IEC)

PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 350, 222, 3
SCALE = 1.2
OUTER = re.compile(r"<svg[^>]*>|</svg>")
DECIMALS = re.compile(r"-?\d+\.\d+")


def circuits(board: Board) -> str:
    """SVG of all circuits of small parts on this board."""
    rows = -(-len(PANELS) // COLUMNS)
    height = 100 + rows * (PANEL_HEIGHT + 15) + 10
    sheet = Sheet(1120, height, f"Small parts on an {board.title}")
    sheet.text(40, 44, f"Small parts: {board.title}", 24, bold=True)
    sheet.text(40, 70, "The letters are those of the wiring drawing.", 15, SOFT)
    for place, (circuit, draw) in enumerate(PANELS):
        x = 25 + (PANEL_WIDTH + 10) * (place % COLUMNS)
        y = 95 + (PANEL_HEIGHT + 15) * (place // COLUMNS)
        _panel(sheet, x, y, circuit, draw, board)
    x, y = 25 + PANEL_WIDTH + 30, height - PANEL_HEIGHT + 20
    for row, words in enumerate(NOTES):
        sheet.text(x, y + 26 * row, words, 15, SOFT)
    return sheet.render()


def _panel(
    sheet: Sheet, x: float, y: float, circuit: parts.Circuit, draw: Callable[[Board], None], board: Board
) -> None:
    times = {"channel": f" × {board.emg_inputs}", "servo": f" × {len(board.servos)}"}.get(circuit.once_a, "")
    sheet.box(x, y, PANEL_WIDTH, PANEL_HEIGHT, "#f8fafc", "#cbd5e1")
    sheet.mark(x + 26, y + 28, circuit.mark)
    sheet.text(x + 48, y + 33, circuit.name + times, 16, bold=True)
    with schemdraw.Drawing(show=False, fontsize=13, unit=2, lw=1.6, color=INK, font="Helvetica") as drawing:
        draw(board)
    fragment = OUTER.sub("", drawing.get_imagedata("svg").decode()).replace("stroke-dasharray:-;", "")
    fragment = DECIMALS.sub(lambda found: number(float(found[0])), fragment)
    place = f"translate({number(x + 105)} {number(y + 88)}) scale({SCALE})"
    sheet.add(f'<g transform="{place}">{fragment}</g>')


def _end(words: str, side: str) -> None:
    elm.Dot(open=True).label(words, side)


def _to_ground(element: type, words: str, side: str = "bottom") -> None:
    """Draws an element from the pen's place down to ground; the pen stays where it was."""
    dot = elm.Dot()
    element().down().label(words, side)
    elm.Ground()
    elm.Line().at(dot.center).right(0.01)


def _emg(board: Board) -> None:
    _end("amplifier", "left")
    elm.Resistor().right().label(parts.ohm(parts.FILTER_OHM))
    _to_ground(elm.Capacitor, f"{parts.FILTER_NF} nF")
    elm.Line().right(1.3)
    _end(board.inputs, "right")


def _servo(board: Board) -> None:
    numbers = [str(servo.number) for servo in board.servos]
    _end(f"{', '.join(numbers[:3])},\n{', '.join(numbers[3:])}", "left")
    elm.Resistor().right().label(parts.ohm(parts.SERVO_OHM))
    _to_ground(elm.Resistor, parts.ohm(parts.PULL_DOWN_OHM))
    elm.Line().right(1.3)
    _end("servo", "right")


def _supply(board: Board) -> None:
    _end("6 V rail", "left")
    elm.Resistor().right().label(parts.ohm(board.supply_upper_ohm))
    _to_ground(elm.Resistor, parts.ohm(board.supply_lower_ohm), "top")
    elm.Line().right(1)
    _to_ground(elm.Capacitor, f"{parts.SUPPLY_NF} nF")
    elm.Line().right(1.2)
    _end(f"A{board.supply_input}", "right")


def _led(board: Board) -> None:
    _end(f"pin {board.led.number}", "left")
    elm.Resistor().right().label(parts.ohm(parts.LED_OHM))
    elm.LED().down().label("LED", "top")
    elm.Ground()


def _button(board: Board) -> None:
    _end("5V", "left")
    elm.Resistor().right().label(parts.ohm(parts.BUTTON_OHM))
    _to_ground(elm.Capacitor, f"{parts.BUTTON_NF} nF", "top")
    elm.Line().right(1)
    dot = elm.Dot()
    elm.Button().down()
    elm.Ground()
    elm.Line().at(dot.center).right(1.2)
    _end(f"pin {board.button.number}", "right")


def _reset(board: Board) -> None:
    _end("RESET", "left")
    elm.Line().right(1.3)
    dot = elm.Dot()
    elm.Capacitor2(polar=True).down().label(f"{parts.RESET_UF} µF,\noptional")
    elm.Ground()
    elm.Line().at(dot.center).right(1.3)
    elm.Button().down().label("stop, NO", "bottom")
    elm.Ground()


def _coil(board: Board) -> None:
    _end("fuse", "left")
    elm.Button(nc=True).right().label("stop, NC")
    top = elm.Dot()
    elm.Resistor().down().label("coil")
    bottom = elm.Dot()
    elm.Ground()
    elm.Line().at(top.center).right(1.3)
    elm.Diode().down().reverse().label(parts.COIL_DIODE, "bottom")
    elm.Line().to(bottom.center)


PANELS = (
    (parts.EMG, _emg),
    (parts.SERVO, _servo),
    (parts.SUPPLY, _supply),
    (parts.LED, _led),
    (parts.BUTTON, _button),
    (parts.RESET, _reset),
    (parts.COIL, _coil),
)
NOTES = (
    "Ground signs are the board's GND, in g the ground rail.",
    "a, b, c, d, e and f sit on one small board beside the Arduino,",
    "with wires of a few centimetres to its pins.",
)
