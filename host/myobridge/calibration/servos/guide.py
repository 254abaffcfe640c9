"""One builder, five servos: turns keys and the time into pulses and orders.

Pure: it has no terminal, no port and no clock. Pulses are microseconds, times are seconds.

A servo moves only while a person asks for it. A terminal tells when a key is pressed and when the keyboard repeats the
key, never when the key is let go. So a press moves the servo by one small step, repeats move it on, and the motion ends
REPEAT_S after the last of them. A page sends the same repeats itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from myobridge import SERVOS
from myobridge.calibration.servos.keys import Key
from myobridge.wire import messages as m
from myobridge.wire.messages import LimitsState, State, WriteLimits

STEP_US: Final = 5
"""What a press moves."""
SPEED_US_PER_S: Final = 100.0
"""What repeats move. The board allows 222."""
REPEAT_S: Final = 0.12
"""Presses closer than this are a keyboard's repeats, and the motion ends this long after the last one. Keyboards repeat
a key every 25 to 100 ms."""
IDLE_S: Final = 60.0
"""A hand at which nobody has pressed a key for this long is disarmed: a servo that holds against a stop gets hot."""
LEAST_TRAVEL_US: Final = 100
CDEG_PER_US: Final = m.ANGLE_MAX_CDEG // (m.PULSE_MAX_US - m.PULSE_MIN_US)
"""The angles of the search stand for pulses: 0 is PULSE_MIN_US, ANGLE_MAX_CDEG is PULSE_MAX_US."""
DIRECTIONS: Final = {Key.SHORTER: -1, Key.LONGER: 1}


class Order(Enum):
    """What the rim does for the guide."""

    ARM = auto()
    DISARM = auto()
    ESTOP = auto()
    SAVE = auto()
    END = auto()


@dataclass
class Ends:
    """What a person has found out about a servo."""

    open_us: int | None = None
    closed_us: int | None = None
    digital: bool = False

    @property
    def marked(self) -> bool:
        """Both ends are known."""
        return self.open_us is not None and self.closed_us is not None

    @property
    def wrong(self) -> str:
        """Why these ends cannot be stored; empty if they can."""
        if self.open_us is None and self.closed_us is None:
            return ""
        if self.open_us is None or self.closed_us is None:
            return "has one end marked; mark the other end too"
        apart_us = abs(self.open_us - self.closed_us)
        return "" if apart_us >= LEAST_TRAVEL_US else f"has its ends only {apart_us} µs apart; mark one of them again"


def cdeg_of(pulse_us: float) -> int:
    """The angle of the search for a pulse."""
    return round((pulse_us - m.PULSE_MIN_US) * CDEG_PER_US)


def start_us(held: m.Limits) -> tuple[float, ...]:
    """The first pulse of each servo: the middle of what the board allows, or of every servo."""
    if held.state == LimitsState.DAMAGED:
        return ((m.PULSE_MIN_US + m.PULSE_MAX_US) / 2,) * m.SERVOS
    rows = zip(held.pulse_0_us, held.pulse_180_us, held.servo_min_cdeg, held.servo_max_cdeg, strict=True)
    return tuple(a + (b - a) * (low + high) / (2 * m.ANGLE_MAX_CDEG) for a, b, low, high in rows)


@dataclass
class Guide:
    """The walk through the servos. held: what the board told of its limits."""

    held: m.Limits
    servo: int = 0
    armed: bool = False
    note: str = ""
    """The newest sentence for the person."""
    unsaved: bool = False
    pulse_us: list[float] = field(init=False)
    """What each servo is asked for."""
    ends: list[Ends] = field(init=False)
    _direction: int = 0
    _pressed_s: float = float("-inf")
    _moved_s: float = 0.0
    """Up to this time the motion is in `pulse_us`."""
    _until_s: float = float("-inf")
    _leaving: bool = False

    def __post_init__(self) -> None:
        self.pulse_us = list(start_us(self.held))
        self.ends = [Ends(digital=bool(self.held.digital >> servo & 1)) for servo in range(m.SERVOS)]

    @property
    def target_cdeg(self) -> tuple[int, ...]:
        """The setpoint."""
        return tuple(cdeg_of(us) for us in self.pulse_us)

    @property
    def name(self) -> str:
        """The servo that the keys move."""
        return SERVOS[self.servo]

    # --- the board ----------------------------------------------------------------------------------------

    def board_is(self, state: int, applied_cdeg: Sequence[int], now_s: float) -> None:
        """Takes the state and the angles of a STATUS. A hand that is not ARMED has its pulses where they are."""
        was, self.armed = self.armed, state in (State.ARMED, State.HOLD)
        if self.armed and not was:
            self._pressed_s = now_s
            self.note = f"Pulses are on. The keys move the {self.name}."
        if state != State.ARMED:
            self._stop()
            self.pulse_us = [m.PULSE_MIN_US + cdeg / CDEG_PER_US for cdeg in applied_cdeg]

    def stored(self, held: m.Limits) -> None:
        """Takes the limits that the board has read back."""
        self.held, self.unsaved, self._leaving = held, False, False
        self.ends = [Ends(digital=bool(held.digital >> servo & 1)) for servo in range(m.SERVOS)]

    # --- the person ---------------------------------------------------------------------------------------

    def press(self, key: Key, now_s: float) -> Order | None:
        """Takes a key, or one of its repeats."""
        waited_s, self._pressed_s = now_s - self._pressed_s, now_s
        if (direction := DIRECTIONS.get(key, 0)) == 0 or direction != self._direction:
            self.advance(now_s)
            self._stop()
        if direction:
            self._move(direction, repeats=waited_s <= REPEAT_S, now_s=now_s)
            return None
        self._leaving = self._leaving and key is Key.LEAVE
        return self._command(key)

    def _move(self, direction: int, *, repeats: bool, now_s: float) -> None:
        if not self.armed:
            self.note = "The pulses are off: press a to arm the hand."
            return
        if repeats and self._direction:
            self.advance(now_s)
            self._until_s = now_s + REPEAT_S
        else:
            self._shift(direction * STEP_US)
        self._direction, self._moved_s = direction, now_s

    def _command(self, key: Key) -> Order | None:
        match key:
            case Key.OPEN | Key.CLOSED:
                self._mark(key)
            case Key.DIGITAL:
                self._mark_digital()
            case Key.NEXT | Key.PREVIOUS:
                self.servo = (self.servo + (1 if key is Key.NEXT else -1)) % m.SERVOS
                self.note = f"The keys move the {self.name}."
            case Key.ARM if not self.armed:
                return Order.ARM
            case Key.DISARM:
                return Order.DISARM
            case Key.ESTOP:
                return Order.ESTOP
            case Key.SAVE:
                return self._save()
            case Key.LEAVE:
                return self._leave()
        return None

    def _mark(self, key: Key) -> None:
        if not self.armed:
            self.note = "The pulses are off, so nothing is known about the servo: press a to arm the hand."
            return
        here_us, ends = round(self.pulse_us[self.servo]), self.ends[self.servo]
        if key is Key.OPEN:
            ends.open_us = here_us
        else:
            ends.closed_us = here_us
        self.unsaved = True
        self.note = f"The {self.name} is {key} at {here_us} µs."
        if ends.wrong:
            self.note += f" It {ends.wrong}."

    def _mark_digital(self) -> None:
        ends = self.ends[self.servo]
        ends.digital, self.unsaved = not ends.digital, True
        self.note = f"The {self.name} is {'a digital' if ends.digital else 'an analogue'} servo."

    def _save(self) -> Order | None:
        self.note = self._unready()
        return None if self.note else Order.SAVE

    def _unready(self) -> str:
        """Why nothing can be stored yet."""
        for name, ends in zip(SERVOS, self.ends, strict=True):
            if ends.wrong:
                return f"The {name} {ends.wrong}."
            if self.held.state == LimitsState.DAMAGED and not ends.marked:
                return f"What the board stores is damaged: mark both ends of the {name} too."
        return ""

    def _leave(self) -> Order | None:
        if not self.unsaved or self._leaving:
            return Order.END
        self._leaving = True
        self.note = "Your marks are not saved: press s to save them, or q again to leave without them."
        return None

    # --- time ---------------------------------------------------------------------------------------------

    def advance(self, now_s: float) -> Order | None:
        """Moves the servo as far as the person has asked for; disarms a hand at which nobody is."""
        if self._direction and self.armed:
            for_s = min(now_s, self._until_s) - self._moved_s
            if for_s > 0:
                self._shift(self._direction * SPEED_US_PER_S * for_s)
                self._moved_s += for_s
        if self.armed and now_s - self._pressed_s > IDLE_S:
            self._pressed_s = now_s
            self.note = f"Nobody pressed a key for {IDLE_S:.0f} s, so the pulses are off: press a to go on."
            return Order.DISARM
        return None

    def _shift(self, by_us: float) -> None:
        us = self.pulse_us[self.servo] + by_us
        self.pulse_us[self.servo] = min(max(us, float(m.PULSE_MIN_US)), float(m.PULSE_MAX_US))

    def _stop(self) -> None:
        self._direction, self._until_s = 0, float("-inf")

    # --- what is stored -----------------------------------------------------------------------------------

    def limits(self) -> WriteLimits:
        """What to store: the ends that are marked, and for the other servos what the board holds."""
        rows = [self._row(servo) for servo in range(m.SERVOS)]
        low, high, at_0, at_180 = zip(*rows, strict=True)
        digital = sum(ends.digital << servo for servo, ends in enumerate(self.ends))
        return WriteLimits(low, high, at_0, at_180, digital)

    def _row(self, servo: int) -> tuple[int, int, int, int]:
        ends, held = self.ends[servo], self.held
        if ends.open_us is not None and ends.closed_us is not None:
            return 0, m.ANGLE_MAX_CDEG, ends.open_us, ends.closed_us
        return (
            held.servo_min_cdeg[servo],
            held.servo_max_cdeg[servo],
            held.pulse_0_us[servo],
            held.pulse_180_us[servo],
        )
