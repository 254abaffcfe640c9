"""What a builder sees: the servos, their ends, the keys. Pure: text from a guide."""

from __future__ import annotations

from textwrap import wrap

import msgspec

from myobridge import SERVOS
from myobridge.calibration.servos.guide import SPEED_US_PER_S, STEP_US, Guide
from myobridge.wire import messages as m
from myobridge.wire.messages import LimitsState

WIDTH, HEIGHT = 78, 24
"""The smallest terminal that holds the picture."""
NOTE_LINES = 2
FIRST_SERVO = 4
"""The line of the picture with the first servo."""
KEYS = (
    f"left, right   a press moves the servo by {STEP_US} µs: shorter or longer pulse;",
    "              hold the key: half a second later the keyboard repeats it, and",
    f"              the servo moves {SPEED_US_PER_S:.0f} µs a second; let go, and it stops",
    "o, c          the finger is open here; the finger is closed here",
    "n, p          next servo; previous servo",
    "d             digital servo, or analogue",
    "a, x          arm: pulses on; disarm: pulses off",
    "s, q          save in the board; leave",
    "SPACE         EMERGENCY STOP",
)
CAUTION = "Arming makes each servo jump to its first pulse: keep clear, and plug in one servo at a time."
_HELD = {
    LimitsState.DEFAULTS: "The board stores no servo limits, so each servo gets {} to {} µs.",
    LimitsState.STORED: "The board stores the servo limits of this hand.",
    LimitsState.WRITING: "The board is storing servo limits; wait a second.",
    LimitsState.DAMAGED: "The stored servo limits are damaged, so only `myobridge servos` arms the hand.",
}


class Row(msgspec.Struct, frozen=True):
    """One servo. Pulses are microseconds; None: not known."""

    name: str
    open_us: int | None
    closed_us: int | None
    digital: bool
    now_us: int | None
    held: str


class Look(msgspec.Struct, frozen=True, tag_field="kind", tag="servos"):
    """One moment, also as the page gets it."""

    port: str
    state: str
    armed: bool
    servo: int
    rows: tuple[Row, ...]
    held: str
    note: str


def held_sentence(held: m.Limits) -> str:
    """What the board stores, in a sentence."""
    return _HELD[LimitsState(held.state)].format(m.DEFAULT_PULSE_MIN_US, m.DEFAULT_PULSE_MAX_US)


def held_rows(held: m.Limits) -> list[str]:
    """What holds for each servo."""
    if held.state == LimitsState.DAMAGED:
        return ["–"] * m.SERVOS
    rows = zip(held.pulse_0_us, held.pulse_180_us, held.servo_min_cdeg, held.servo_max_cdeg, strict=True)
    return [
        f"{a} to {b} µs" + ("" if (low, high) == (0, m.ANGLE_MAX_CDEG) else f", {low / 100:g} to {high / 100:g}°")
        for a, b, low, high in rows
    ]


def look_at(guide: Guide, port: str, state: int | None) -> Look:
    """The moment of a guide; state: of the newest STATUS."""
    held = held_rows(guide.held)
    rows = tuple(
        Row(
            name=name,
            open_us=guide.ends[i].open_us,
            closed_us=guide.ends[i].closed_us,
            digital=guide.ends[i].digital,
            now_us=round(guide.pulse_us[i]) if guide.armed else None,
            held=held[i],
        )
        for i, name in enumerate(SERVOS)
    )
    name = "CONNECTING" if state is None else m.State(state).name
    return Look(port, name, guide.armed, guide.servo, rows, held_sentence(guide.held), guide.note)


def _number(us: int | None) -> str:
    return "–" if us is None else str(us)


def picture(look: Look) -> list[str]:
    """The moment as lines of text."""
    title = f"Servo limits of the hand on {look.port}"
    lines = [f"{title[:60]:<62}{look.state:>14}", look.held, ""]
    lines.append(f"  {'servo':<9}{'open':>8}{'closed':>9}{'now':>9}   {'kind':<10}the board holds")
    for i, row in enumerate(look.rows):
        mark = "▶" if i == look.servo else " "
        ends = f"{_number(row.open_us):>8}{_number(row.closed_us):>9}{_number(row.now_us):>9}"
        lines.append(f"{mark} {row.name:<9}{ends}   {'digital' if row.digital else 'analogue':<10}{row.held}")
    note = wrap(look.note or CAUTION, WIDTH)[:NOTE_LINES]
    return [line[:WIDTH] for line in [*lines, "", *KEYS, "", *note]]


def settings_lines(held: m.Limits) -> list[str]:
    """The [servo] of a config.toml that fits what is stored."""
    lines = ["[servo]", f"pulse_0_us = {list(held.pulse_0_us)}", f"pulse_180_us = {list(held.pulse_180_us)}"]
    whole = (0,) * m.SERVOS, (m.ANGLE_MAX_CDEG,) * m.SERVOS
    if (held.servo_min_cdeg, held.servo_max_cdeg) != whole:
        lines.append(f"min_deg = {[cdeg / 100 for cdeg in held.servo_min_cdeg]}")
        lines.append(f"max_deg = {[cdeg / 100 for cdeg in held.servo_max_cdeg]}")
    return lines


def shown(held: m.Limits, port: str) -> list[str]:
    """What `--show` prints: what is stored, or what to do when nothing is."""
    lines = [held_sentence(held)]
    if held.state == LimitsState.STORED:
        rows = zip(SERVOS, held_rows(held), strict=True)
        for i, (name, text) in enumerate(rows):
            lines.append(f"  {name:<9}{text:<25} {'digital' if held.digital >> i & 1 else 'analogue'}")
        return [*lines, "This [servo] of a config.toml fits them:", *(f"  {line}" for line in settings_lines(held))]
    return [f"{lines[0][:-1]}; `myobridge servos --port {port}` finds and stores the limits of this hand."]
