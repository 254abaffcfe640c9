"""The servo limits of the simulated hand, as firmware/src/limits.c keeps them: what is stored, and what CONFIG may ask.

Pure: a board's EEPROM is `bytes` here, and writing takes the time that the caller says it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

from msgspec.structs import asdict

from myobridge.wire import messages as m
from myobridge.wire.messages import Blocker, LimitsState, Result, WriteLimits

ALL_SERVOS: Final = (1 << m.SERVOS) - 1
WIDE: Final = WriteLimits(
    servo_min_cdeg=(0,) * m.SERVOS,
    servo_max_cdeg=(m.ANGLE_MAX_CDEG,) * m.SERVOS,
    pulse_0_us=(m.PULSE_MIN_US,) * m.SERVOS,
    pulse_180_us=(m.PULSE_MAX_US,) * m.SERVOS,
    digital=ALL_SERVOS,
)
"""All that a servo may ever be told: stored in every simulated hand, for nothing there can break."""
DEFAULTS: Final = WriteLimits(
    servo_min_cdeg=(0,) * m.SERVOS,
    servo_max_cdeg=(m.ANGLE_MAX_CDEG,) * m.SERVOS,
    pulse_0_us=(m.DEFAULT_PULSE_MIN_US,) * m.SERVOS,
    pulse_180_us=(m.DEFAULT_PULSE_MAX_US,) * m.SERVOS,
    digital=0,
)
NO_ANGLES: Final = (0,) * m.SERVOS
NONE: Final = WriteLimits(NO_ANGLES, NO_ANGLES, NO_ANGLES, NO_ANGLES, 0)
"""What a board tells whose stored limits are damaged."""
MAGIC: Final = 0x4C
VERSION: Final = 1
EEPROM_BYTES: Final = 1024
"""Of the smaller board; the larger has four times as many."""
COPIES_AT: Final = (16, 80)
WRITE_S: Final = 0.33
"""Two copies of 48 bytes, 3.4 ms each."""


def eeprom_image(limits: WriteLimits) -> bytes:
    """The EEPROM of a board in which these limits are stored."""
    record = bytes((MAGIC, VERSION, 1)) + limits.pack()
    record += crc32(record).to_bytes(4, "little")
    image = bytearray(b"\xff" * EEPROM_BYTES)
    for at in COPIES_AT:
        image[at : at + len(record)] = record
    return bytes(image)


def limits_fit(limits: WriteLimits) -> bool:
    """These limits make sense."""
    angles = zip(limits.servo_min_cdeg, limits.servo_max_cdeg, strict=True)
    pulses = list(zip(limits.pulse_0_us, limits.pulse_180_us, strict=True))
    return (
        all(low <= high <= m.ANGLE_MAX_CDEG for low, high in angles)
        and all(m.PULSE_MIN_US <= us <= m.PULSE_MAX_US for pair in pulses for us in pair)
        and all(a != b for a, b in pulses)
        and limits.digital <= ALL_SERVOS
    )


def half_us(pulse_0_us: int, pulse_180_us: int, angle_cdeg: int) -> int:
    """The pulse for an angle in half microseconds, rounded as firmware/src/servo_map.c rounds."""
    span = abs(pulse_180_us - pulse_0_us)
    slope = ((2 * span << 16) + m.ANGLE_MAX_CDEG // 2) // m.ANGLE_MAX_CDEG
    travelled = (slope if pulse_180_us > pulse_0_us else -slope) * angle_cdeg
    return ((2 * pulse_0_us << 16) + (1 << 15) + travelled) >> 16


def _spans(servos: WriteLimits | m.Config) -> list[tuple[int, int]]:
    """For each servo the pulses at its least and greatest angle; the first is the longer one where it is reversed."""
    rows = zip(servos.pulse_0_us, servos.pulse_180_us, servos.servo_min_cdeg, servos.servo_max_cdeg, strict=True)
    return [(half_us(a, b, low), half_us(a, b, high)) for a, b, low, high in rows]


class LimitsStore:
    """What a board holds, and what it is writing."""

    def __init__(self, stored: WriteLimits | None = WIDE) -> None:
        self.held = stored or DEFAULTS
        self.state = LimitsState.STORED if stored else LimitsState.DEFAULTS
        self.written_s = 0.0
        """When the writing under way is over."""

    def write(self, limits: WriteLimits, now_s: float) -> Result:
        """Begins to store limits."""
        if not limits_fit(limits):
            return Result.BAD_SERVO_RANGE
        if self.state is not LimitsState.DEFAULTS and limits == self.held:
            return Result.OK
        if self.state is LimitsState.WRITING:
            return Result.WRONG_STATE
        self.held, self.state, self.written_s = limits, LimitsState.WRITING, now_s + WRITE_S
        return Result.OK

    def ended(self, now_s: float) -> bool:
        """True once, when writing is over."""
        if self.state is not LimitsState.WRITING or now_s < self.written_s:
            return False
        self.state = LimitsState.STORED
        return True

    def told(self, result: Result) -> m.Limits:
        """What LIMITS says."""
        return m.Limits(result=result, state=self.state, **asdict(self.held))

    def blockers(self, config: m.Config | None) -> Blocker:
        """Whether ARM is refused because of these limits, with this CONFIG in force."""
        if self.state is LimitsState.WRITING:
            return Blocker.NO_LIMITS
        return Blocker(0) if config is None or self._allow(config) else Blocker.BEYOND_LIMITS

    def within(self, config: m.Config, angles_cdeg: Sequence[int]) -> list[bool]:
        """For each servo, whether its pulse at this angle lies within what holds."""
        rows = zip(config.pulse_0_us, config.pulse_180_us, angles_cdeg, strict=True)
        pulses = [half_us(a, b, angle) for a, b, angle in rows]
        return [min(ends) <= us <= max(ends) for us, ends in zip(pulses, _spans(self.held), strict=True)]

    def _allow(self, config: m.Config) -> bool:
        turned = [a > b for a, b in zip(config.pulse_0_us, config.pulse_180_us, strict=True)]
        mine = [a > b for a, b in zip(self.held.pulse_0_us, self.held.pulse_180_us, strict=True)]
        if self.state is LimitsState.STORED and turned != mine:
            return False
        if config.servo_period_us != m.SERVO_PERIOD_MAX_US and self.held.digital != ALL_SERVOS:
            return False
        pairs = zip(_spans(config), _spans(self.held), strict=True)
        return all(min(mine) <= min(theirs) and max(theirs) <= max(mine) for theirs, mine in pairs)
