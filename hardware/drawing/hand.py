"""The printed hand of HAND.md: servos, tendons and fingers with their channels, one finger in detail, and the mounting.

Schematic: which servo moves which finger is right, sizes and the order in the servo bed are not.
"""

from __future__ import annotations

from math import cos, radians, sin
from typing import Final, NamedTuple

from drawing.pins import Board
from drawing.plan import GROUND, POWER, PULSE, RESET, SIGNAL, USB
from drawing.svg import INK, PAPER, SOFT, Point, Sheet
from drawing.table import table

CLOSING, OPENING = "#dc2626", "#2563eb"
SHELL, PALM, BED, PULLEY = "#e7e5e4", "#f3cfb3", "#d6d3d1", "#fde68a"
FIRST_Y, STEP = 178, 62
PULLEY_X, WRIST_X, KNUCKLE_X = 420, 640, 800


class Finger(NamedTuple):
    """A finger: InMoov's part and MyRobotLab's name of its servo, and its place and length in the drawing."""

    name: str
    part: str
    servo: str
    palm_y: float
    length: float


FINGERS: Final = (
    Finger("thumb", "thumb5", "thumb", 198, 118),
    Finger("index", "Index3", "index", 240, 172),
    Finger("middle", "Majeure3", "majeure", 302, 190),
    Finger("ring", "ringfinger3", "ringFinger", 364, 176),
    Finger("little", "Auriculaire3", "pinky", 426, 140),
)


def channels(boards: list[Board]) -> str:
    """Markdown table: each channel's finger, printed part and pins."""
    rows = [("channel", "finger", "InMoov's part", "MyRobotLab's servo", *(f"pin, {b.title}" for b in boards))]
    for place, finger in enumerate(FINGERS):
        pins = (str(board.servos[place].number) for board in boards)
        rows.append((str(place + 1), finger.name, f"`{finger.part}`", f"`{finger.servo}`", *pins))
    return table(*rows)


def linkage(boards: list[Board]) -> str:
    """SVG of the hand, of one finger, and of the boxes and cables."""
    sheet = Sheet(1120, 1120, "The printed hand: servos, tendons, channels and mounting")
    sheet.text(40, 44, "The printed hand: from the channel to the finger", 24, bold=True)
    sheet.text(
        40, 70, "InMoov's right hand and forearm from the back, palm down. The order in the bed is free.", 15, SOFT
    )
    _shell(sheet)
    for place, finger in enumerate(FINGERS):
        _finger(sheet, place, finger)
        _servo(sheet, place, finger, boards)
    _legend(sheet)
    _side(sheet, (40, 575), "0°: open", closed=False)
    _side(sheet, (580, 575), "180°: closed", closed=True)
    _mounting(sheet)
    return sheet.render()


def _servo_y(place: int) -> float:
    return FIRST_Y + STEP * place


def _shell(sheet: Sheet) -> None:
    """Forearm with its servo bed, wrist and palm."""
    sheet.add(f'<path d="M 60,110 L {WRIST_X},150 L {WRIST_X},460 L 60,500 Z" fill="{SHELL}" stroke="{INK}"/>')
    sheet.box(80, 135, 375, 340, BED, INK, 10, dash=True)
    sheet.box(WRIST_X, 165, 46, 280, "#a8a29e", INK, 6)
    sheet.add(f'<path d="M 686,170 L {KNUCKLE_X},205 L {KNUCKLE_X},455 L 686,440 Z" fill="{PALM}" stroke="{INK}"/>')
    sheet.text(60, 102, "forearm (robpart2 to 5) with the servo bed (RobServoBed)", 14)
    for row, words in enumerate(("wrist (RotaWrist),", "fixed with a screw:", "no sixth servo")):
        sheet.text(663, 477 + 18 * row, words, 14, SOFT, "middle")
    sheet.text(60, 525, "elbow end (robcap3)", 14, SOFT)


def _tip(finger: Finger) -> tuple[Point, Point]:
    """Knuckle and tip of a finger; the thumb points up and outwards."""
    if finger.name == "thumb":
        return (740, 186), (740 + finger.length * cos(radians(42)), 186 - finger.length * sin(radians(42)))
    return (KNUCKLE_X, finger.palm_y), (KNUCKLE_X + finger.length, finger.palm_y)


def _finger(sheet: Sheet, place: int, finger: Finger) -> None:
    """The finger with its two tendons, from the tip to the pulley."""
    knuckle, tip = _tip(finger)
    sheet.line([knuckle, tip], PALM, 40)
    y = _servo_y(place)
    for side, colour in ((-7, OPENING), (7, CLOSING)):
        path = [(PULLEY_X, y + 2 * side), (WRIST_X, finger.palm_y + side), (686, finger.palm_y + side)]
        sheet.line([*path, (knuckle[0], knuckle[1] + side), (tip[0] - 12, tip[1] + side)], colour, 2)
    x, y = tip
    sheet.dot(x + 26, y, 15, PAPER, INK)
    sheet.text(x + 26, y + 5, str(place + 1), 15, anchor="middle", bold=True)
    sheet.text(x + 50, y + 5, finger.name, 15, bold=True)


def _servo(sheet: Sheet, place: int, finger: Finger, boards: list[Board]) -> None:
    """A servo with its pulley; the pins are those of the boards."""
    y = _servo_y(place)
    sheet.box(100, y - 25, 290, 50, PAPER, INK, 6)
    sheet.dot(PULLEY_X, y, 20, PULLEY, INK)
    sheet.dot(PULLEY_X, y, 4, INK)
    sheet.dot(124, y, 15, PAPER, INK)
    sheet.text(124, y + 5, str(place + 1), 15, anchor="middle", bold=True)
    sheet.text(150, y - 4, f"{finger.name} servo, MG996R", 15, bold=True)
    pins = ", ".join(f"{board.title.split()[1]} pin {board.servos[place].number}" for board in boards)
    sheet.text(150, y + 15, pins, 14, SOFT)


def _legend(sheet: Sheet) -> None:
    for row, (colour, words) in enumerate(
        ((OPENING, "opening tendon, over the hinges"), (CLOSING, "closing tendon, under the hinges, with a spring"))
    ):
        y = 495 + 24 * row
        sheet.line([(740, y - 5), (770, y - 5)], colour, 3)
        sheet.text(780, y, words, 14)


def _side(sheet: Sheet, at: Point, title: str, *, closed: bool) -> None:
    """One finger from its side: the pulley winds one tendon up and lets the other go."""
    x, y = at
    sheet.box(x, y, 500, 220, PAPER, SOFT, 10)
    sheet.text(x + 16, y + 26, title, 17, bold=True)
    sheet.text(x + 484, y + 26, "one finger from its side", 14, SOFT, "end")
    pulley, bends = (x + 70, y + 85), (0, 38, 40, 42) if closed else (0, 0, 0, 0)
    joints, direction = [(x + 270, y + 85)], 0
    for bend in bends:
        direction += bend
        before = joints[-1]
        joints.append((before[0] + 44 * cos(radians(direction)), before[1] + 44 * sin(radians(direction))))
    sheet.line(joints, PALM, 34)
    _beside(sheet, pulley, joints, -13, OPENING)
    _beside(sheet, pulley, joints, 13, CLOSING)
    _spring(sheet, (x + 150, y + 98))
    for joint in joints[1:-1]:
        sheet.dot(*joint, 5, PAPER, INK)
    sheet.dot(*pulley, 30, PULLEY, INK)
    turn = radians(60 if closed else -60)
    sheet.line([pulley, (pulley[0] + 24 * sin(turn), pulley[1] - 24 * cos(turn))], INK, 3)
    sheet.text(pulley[0], y + 136, "pulley", 14, SOFT, "middle")
    sheet.text(x + 165, y + 130, "spring", 14, SOFT, "middle")
    words = "winds the closing tendon up" if closed else "winds the opening tendon up"
    sheet.text(x + 16, y + 200, f"The servo {words}.", 14)


def _beside(sheet: Sheet, pulley: Point, joints: list[Point], side: float, colour: str) -> None:
    """A tendon from the pulley along the finger, on its back (side < 0) or on its palm side."""
    path: list[Point] = [(pulley[0], pulley[1] + 2.2 * side)]
    for place, joint in enumerate(joints):
        before, after = joints[max(0, place - 1)], joints[min(len(joints) - 1, place + 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        length = (dx * dx + dy * dy) ** 0.5
        path.append((joint[0] - side * dy / length, joint[1] + side * dx / length))
    sheet.line(path, colour, 2.5)


def _spring(sheet: Sheet, at: Point) -> None:
    x, y = at
    sheet.line([(x, y + 6), (x + 30, y + 3)], PAPER, 8)
    sheet.line([(x + 3 * step, y + 5 + (7 if step % 2 else -7)) for step in range(11)], CLOSING, 2)


def _mounting(sheet: Sheet) -> None:
    """The boxes on the body and the cables between them."""
    sheet.text(40, 842, "Worn: what is where", 20, bold=True)
    boxes = (
        (40, "Upper arm box", "#99f6e4", ("board, small parts", "amplifiers of the ring", "7.5 V regulator")),
        (410, "Belt box", "#dcfce7", ("LiPo, fuse, relay", "6 V regulator", "Pi; power bank beside it")),
        (780, "Forearm", SHELL, ("five servos, 6 V rails", "capacitor at the rails", "clamped to the table first")),
    )
    for x, title, fill, lines in boxes:
        sheet.box(x, 900, 290, 108, fill)
        sheet.text(x + 145, 926, title, 17, INK, "middle", bold=True)
        for row, words in enumerate(lines):
            sheet.text(x + 145, 950 + 20 * row, words, 14, INK, "middle")
    for y, colour, words in ((935, USB, "USB"), (970, POWER, "fuse +")):
        sheet.wire([(330, y), (410, y)], colour, 3)
        sheet.text(370, y - 5, words, 13, colour, "middle")
    for y, colour, words in ((935, POWER, "6 V"), (970, GROUND, "ground")):
        sheet.wire([(700, y), (780, y)], colour, 5)
        sheet.text(740, y - 6, words, 13, colour, "middle")
    sheet.wire([(185, 900), (185, 874), (925, 874), (925, 900)], PULSE, 3)
    sheet.text(555, 866, "five servo pulses, and the one ground wire between board and rails", 14, PULSE, "middle")
    sheet.wire([(120, 1008), (120, 1060)], SIGNAL, 3)
    sheet.text(132, 1038, "leads: short as you can", 14, SIGNAL)
    sheet.box(40, 1060, 220, 44, "#fde8d4")
    sheet.text(150, 1087, "electrode ring", 15, anchor="middle", bold=True)
    for x, words in ((320, "RESET, under 50 cm"), (480, "relay coil")):
        sheet.wire([(x, 1008), (x, 1060)], RESET, 3)
        sheet.text(x + 10, 1038, words, 14, RESET)
    sheet.box(290, 1060, 330, 44, "#fecaca")
    sheet.text(455, 1087, "emergency stop on the shoulder strap", 15, anchor="middle", bold=True)
    sheet.text(680, 1070, "Nobody has built or worn this set-up.", 15, bold=True)
    sheet.text(680, 1094, "A residual limb does not fit into this forearm.", 14, SOFT)
