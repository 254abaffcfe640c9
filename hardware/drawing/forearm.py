"""Where the electrodes sit: a cut through the forearm with rings of four and eight pairs, and a view of the arm.

Schematic, after the anatomy textbooks (Gray's Anatomy, forearm): places are right, sizes are not to scale.
"""

from __future__ import annotations

from math import cos, radians, sin
from typing import Final, NamedTuple

from drawing.svg import INK, PAPER, SOFT, Point, Sheet, number, points

FLEXOR, EXTENSOR, WRIST_FLEXOR, WRIST_EXTENSOR, OTHER = "#f87171", "#60a5fa", "#fecaca", "#bfdbfe", "#d6d3d1"
BONE, FAT, ELECTRODE = "#fef3c7", "#fde8d4", "#111827"
SKIN = "#f3cfb3"
GROUPS: Final = (
    (FLEXOR, "close the fingers"),
    (EXTENSOR, "open the fingers"),
    (WRIST_FLEXOR, "flex the wrist"),
    (WRIST_EXTENSOR, "extend the wrist"),
    (OTHER, "turn the forearm, bend the elbow"),
)


class Muscle(NamedTuple):
    """A muscle in the cut: from and to an angle (0 palm side, growing towards the thumb) and a share of the radius."""

    short: str
    name: str
    from_deg: float
    to_deg: float
    inner: float
    outer: float
    colour: str


MUSCLES: Final = (
    Muscle("BR", "brachioradialis", 64, 98, 0.56, 0.9, OTHER),
    Muscle("PT", "pronator teres", 38, 58, 0.54, 0.9, OTHER),
    Muscle("FCR", "flexor carpi radialis", 8, 32, 0.68, 0.9, WRIST_FLEXOR),
    Muscle("PL", "palmaris longus", -14, 2, 0.72, 0.9, WRIST_FLEXOR),
    Muscle("FDS", "flexor digitorum superficialis", -40, 30, 0.42, 0.6, FLEXOR),
    Muscle("", "", -40, -21, 0.6, 0.9, FLEXOR),
    Muscle("FCU", "flexor carpi ulnaris", -96, -48, 0.68, 0.9, WRIST_FLEXOR),
    Muscle("FDP", "flexor digitorum profundus", -102, -50, 0.26, 0.6, FLEXOR),
    Muscle("FPL", "flexor pollicis longus", -6, 36, 0.16, 0.33, FLEXOR),
    Muscle("ECU", "extensor carpi ulnaris", -172, -142, 0.5, 0.9, WRIST_EXTENSOR),
    Muscle("EDM", "extensor digiti minimi", -190, -178, 0.56, 0.9, EXTENSOR),
    Muscle("ED", "extensor digitorum", 140, 164, 0.56, 0.9, EXTENSOR),
    Muscle("ECRB", "extensor carpi radialis brevis", 119, 134, 0.56, 0.9, WRIST_EXTENSOR),
    Muscle("ECRL", "extensor carpi radialis longus", 103, 114, 0.56, 0.9, WRIST_EXTENSOR),
    Muscle("SUP", "supinator", 118, 178, 0.22, 0.46, OTHER),
)
BONES: Final = (("radius", 80, 0.36, 30), ("ulna", -122, 0.6, 32))
PAIR_1_DEG: Final = -157
"""Over extensor carpi ulnaris, as in BioPatRec's recordings; the others follow over the back towards the thumb."""

RADIUS_X, RADIUS_Y = 200, 178


def _at(centre: Point, around_deg: float, share: float) -> Point:
    """A point of the cut; the thumb side is on the left, as the right forearm is seen from its hand, palm up."""
    x, y = centre
    return x - RADIUS_X * share * sin(radians(around_deg)), y - RADIUS_Y * share * cos(radians(around_deg))


def _muscle(sheet: Sheet, centre: Point, muscle: Muscle) -> None:
    steps = [muscle.from_deg + (muscle.to_deg - muscle.from_deg) * i / 12 for i in range(13)]
    outline = [_at(centre, a, muscle.outer) for a in steps] + [_at(centre, a, muscle.inner) for a in reversed(steps)]
    sheet.add(
        f'<polygon points="{points(outline)}" fill="{muscle.colour}" stroke="{muscle.colour}" stroke-width="7" '
        'stroke-linejoin="round"/>'
    )


def _name(sheet: Sheet, centre: Point, muscle: Muscle) -> None:
    x, y = _at(centre, (muscle.from_deg + muscle.to_deg) / 2, (muscle.inner + muscle.outer) / 2)
    sheet.text(x, y + 4, muscle.short, 12, anchor="middle")


def _electrode(sheet: Sheet, centre: Point, around_deg: float, label: int) -> None:
    x, y = _at(centre, around_deg, 1.0)
    turn = number(-around_deg)
    sheet.add(
        f'<rect x="-17" y="-6" width="34" height="12" rx="5" fill="{ELECTRODE}" '
        f'transform="translate({number(x)} {number(y)}) rotate({turn})"/>'
    )
    x, y = _at(centre, around_deg, 1.15)
    sheet.dot(x, y, 14, PAPER, INK)
    sheet.text(x, y + 5, str(label), 15, anchor="middle", bold=True)


def _ring(sheet: Sheet, centre: Point, pairs: int) -> None:
    x, y = centre
    sheet.add(
        f'<ellipse cx="{number(x)}" cy="{number(y)}" rx="{RADIUS_X}" ry="{RADIUS_Y}" fill="{FAT}" stroke="#b08968" '
        'stroke-width="3"/>'
    )
    for muscle in MUSCLES:
        _muscle(sheet, centre, muscle)
    for name, around_deg, share, radius in BONES:
        bx, by = _at(centre, around_deg, share)
        sheet.dot(bx, by, radius, BONE, "#a16207")
        sheet.text(bx, by + 4, name, 12, anchor="middle")
    for muscle in MUSCLES:
        _name(sheet, centre, muscle)
    for pair in range(pairs):
        _electrode(sheet, centre, PAIR_1_DEG - 360 * pair / pairs, pair + 1)
    sheet.text(x, y - 232, f"{pairs} pairs", 20, anchor="middle", bold=True)
    sheet.text(x, y - 210, "palm side", 13, SOFT, "middle")
    sheet.text(x, y + 228, "back of the forearm", 13, SOFT, "middle")
    for dx, words, anchor in ((-RADIUS_X - 12, "thumb side", "end"), (RADIUS_X + 12, "little-finger side", "start")):
        first, second = words.split(" ")
        sheet.text(x + dx, y - 4, first, 13, SOFT, anchor)
        sheet.text(x + dx, y + 13, second, 13, SOFT, anchor)


def rings() -> str:
    """SVG of the cut, with four pairs and with eight."""
    sheet = Sheet(1120, 720, "Electrode pairs round the forearm: a cut at its proximal third")
    sheet.text(40, 44, "Electrode pairs round the forearm", 24, bold=True)
    sheet.text(
        40, 68, "Right forearm, cut a third of the way down from the elbow, seen from the hand, palm up", 14, SOFT
    )
    for x, pairs in ((290, 4), (830, 8)):
        _ring(sheet, (x, 345), pairs)
    for place, (colour, words) in enumerate(GROUPS):
        y = 612 + 22 * place
        sheet.box(40, y - 11, 24, 14, colour, "none", 4)
        sheet.text(72, y + 1, words, 13)
    named = [m for m in MUSCLES if m.short]
    for place, muscle in enumerate(named):
        column, row = divmod(place, 5)
        x, y = 350 + 262 * column, 612 + 22 * row
        sheet.text(x, y + 1, muscle.short, 13, bold=True)
        sheet.text(x + 48, y + 1, muscle.name, 13)
    return sheet.render()


ELBOW_X, WRIST_X, AXIS_Y = 190, 790, 240
BAND_X = ELBOW_X + (WRIST_X - ELBOW_X) / 3
MM = (WRIST_X - ELBOW_X) / 250
"""Units of the sheet for a millimetre on a forearm of 25 cm."""


def _hand(sheet: Sheet) -> None:
    """A right hand, palm down, fingers to the right: the thumb is up."""
    for y, length in ((192, 170), (222, 192), (252, 180), (282, 145)):
        sheet.line([(880, y), (880 + length, y)], SKIN, 27)
    sheet.line([(835, 195), (905, 142)], SKIN, 31)
    sheet.add(f'<rect x="780" y="178" width="130" height="119" rx="34" fill="{SKIN}"/>')


def placement() -> str:
    """SVG of the arm with the ring of pairs, the reference electrode and the lengths."""
    sheet = Sheet(1120, 460, "Where the ring of electrode pairs sits on the forearm")
    sheet.text(40, 44, "Where the ring sits", 24, bold=True)
    sheet.text(40, 68, "Right forearm from above, palm down: its back is in view.", 14, SOFT)
    _hand(sheet)
    sheet.add(
        f'<path d="M 60,168 C 120,150 160,152 {ELBOW_X},148 C 300,128 380,138 480,160 C 600,184 700,196 800,194 '
        f'L 800,284 C 700,284 600,298 480,322 C 380,342 280,346 {ELBOW_X},326 C 150,318 110,318 60,312 Z" '
        f'fill="{SKIN}"/>'
    )
    for dy in (-45, -15, 15, 45):
        start, end = (230, AXIS_Y + dy * 1.35), (760, AXIS_Y + dy * 0.6)
        sheet.line([start, end], "#d9a983", 1.5, "2 7")
    _pairs(sheet)
    sheet.dot(165, 300, 15, "#bbf7d0", INK)
    sheet.line([(165, 315), (165, 372)], SOFT, 1.5)
    sheet.text(165, 392, "reference, on the elbow's bone", 14, anchor="middle")
    _length(sheet, ELBOW_X, WRIST_X, 435, "L: elbow crease to wrist crease")
    _length(sheet, ELBOW_X, BAND_X, 112, "L / 3")
    for x in (ELBOW_X, WRIST_X):
        sheet.line([(x, 130), (x, 355)], SOFT, 1.5, "6 5")
    return sheet.render()


def _pairs(sheet: Sheet) -> None:
    """The band with pairs 1 and 2 in view; 3 and 4 lie on the palm side."""
    left = number(BAND_X - 42)
    sheet.add(f'<rect x="{left}" y="128" width="84" height="222" rx="16" fill="#94a3b8" opacity="0.35"/>')
    for y, words_y, words in (
        (176, 118, "pair 2: a quarter of the way round, towards the thumb"),
        (292, 374, "pair 1: along extensor carpi ulnaris"),
    ):
        sheet.line([(BAND_X + 10 * MM, y), (BAND_X + 105, words_y - 5), (BAND_X + 122, words_y - 5)], INK, 1.5)
        for side in (-10, 10):
            sheet.dot(BAND_X + side * MM, y, 5 * MM, ELECTRODE, PAPER)
        sheet.text(BAND_X + 130, words_y, words, 14)
    sheet.text(BAND_X + 88, 245, "pairs 3 and 4: palm side", 14)
    _length(sheet, BAND_X - 10 * MM, BAND_X + 10 * MM, 380, "20 mm")


def _length(sheet: Sheet, left: float, right: float, y: float, words: str) -> None:
    sheet.line([(left, y), (right, y)], INK, 1.5)
    for x in (left, right):
        sheet.line([(x, y - 6), (x, y + 6)], INK, 1.5)
    sheet.text((left + right) / 2, y - 9, words, 14, anchor="middle")
