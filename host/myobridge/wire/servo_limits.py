"""Reads and writes the servo limits that a board stores (firmware/PROTOCOL.md, Servo limits).

For a board that has been greeted (`feed.ports.ask`) and that no session talks to.
"""

from __future__ import annotations

import time
from typing import Final

from myobridge.errors import UserError
from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD, FrameDecoder, encode
from myobridge.wire.link import SerialLink
from myobridge.wire.refusals import result_name

ANSWER_S: Final = 0.05
TRIES: Final = 3
WRITTEN_S: Final = 2.0
"""Two copies of 48 bytes take a third of a second."""


def read_limits(link: SerialLink) -> m.Limits:
    """The limits that hold on the board, and where they come from.

    Raises:
        UserError: the board does not answer.
    """
    return _ask(link, m.ReadLimits(), FrameDecoder())


def write_limits(link: SerialLink, limits: m.WriteLimits) -> m.Limits:
    """Stores limits in the board, and returns what it holds after it has read them back.

    Raises:
        UserError: the board does not answer, speaks another revision, is not DISARMED, or does not take the limits.
    """
    frames = FrameDecoder()
    answer = _ask(link, limits, frames)
    until_s = time.monotonic() + WRITTEN_S
    while answer.result == m.Result.OK and answer.state == m.LimitsState.WRITING:
        if time.monotonic() >= until_s:
            raise UserError("The board did not finish writing its servo limits; reset it and store them again.")
        answer = _hear(link, frames, ANSWER_S) or answer
    if answer.result != m.Result.OK:
        raise UserError(f"The board did not store the servo limits ({result_name(answer.result)}); {_remedy(answer)}.")
    return answer


def _remedy(answer: m.Limits) -> str:
    if answer.result == m.Result.BLOCKED:
        return "flash the firmware of this version with `myobridge flash`"
    if answer.result == m.Result.WRONG_STATE:
        return "disarm the hand first"
    if answer.result == m.Result.BAD_SERVO_RANGE:
        return f"pulses lie within {m.PULSE_MIN_US} to {m.PULSE_MAX_US} µs and differ, angles within 0 to 180 degrees"
    return "store them again; if it repeats, its EEPROM is worn out"


def _ask(link: SerialLink, message: m.ReadLimits | m.WriteLimits, frames: FrameDecoder) -> m.Limits:
    for seq in range(TRIES):
        link.write(encode(message.TYPE, seq, message.pack()))
        if answer := _hear(link, frames, ANSWER_S):
            return answer
    raise UserError(
        "The board does not tell its servo limits; flash the firmware of this version with `myobridge flash`, "
        "or check the cable."
    )


def _hear(link: SerialLink, frames: FrameDecoder, seconds: float) -> m.Limits | None:
    until_s = time.monotonic() + seconds
    while (left_s := until_s - time.monotonic()) > 0:
        if link.wait(left_s):
            for frame in frames.feed(link.read()):
                if frame[0] == m.Limits.TYPE and len(frame[PAYLOAD]) == m.Limits.STRUCT.size:
                    return m.Limits.unpack(frame[PAYLOAD])
    return None
