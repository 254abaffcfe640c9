"""Reasons for which the board refuses a request, in words for people."""

from __future__ import annotations

from typing import Final

from myobridge.wire import messages as m

_RESULTS: Final = frozenset(m.Result)

_CONFIG_REFUSALS: Final[dict[int, str]] = {
    m.Result.WRONG_STATE: "the board is armed or streaming; reset it",
    m.Result.BAD_CHANNELS: "the board does not have these analogue inputs; change [acquisition] inputs or the model",
    m.Result.BAD_PERIOD: "the board cannot sample at this rate; use a model for another rate",
    m.Result.BAD_SAMPLES_PER_FRAME: "the frames are too long; lower [acquisition] max_samples_per_frame",
    m.Result.BAD_SERVO_RANGE: "the servo limits do not fit together; correct [servo]",
    m.Result.BAD_SERVO_PERIOD: (
        "the board cannot make these pulses so often; lower [servo] rate_hz, or the longer of pulse_0_us, pulse_180_us"
    ),
    m.Result.BAD_OVERSAMPLING: (
        "it has no time for so many conversions of each channel, or cannot add up this number; lower [acquisition] "
        "oversampling, use a model that asks for fewer, or flash the firmware of this version with `myobridge flash`"
    ),
    m.Result.BAD_SLEW: "the slew rate is out of range; correct [servo] slew_deg_per_s",
    m.Result.BAD_TIMEOUTS: "the timeouts are out of range; correct [safety] hold_ms and relax_ms",
    m.Result.LINK_OVERLOAD: "the line is too slow; raise [acquisition] max_samples_per_frame or [link] baud",
}

_BLOCKERS: Final = {
    m.Blocker.PROTOCOL_DIFFERS: "the protocols differ; flash the firmware of this version with `myobridge flash`",
    m.Blocker.NOT_CONFIGURED: "the board is not configured",
    m.Blocker.NOT_STREAMING: "the board is not streaming",
    m.Blocker.NOT_DISARMED: "the board must be disarmed first",
    m.Blocker.ESTOP_LATCHED: "the emergency stop is in force; lift it with `myobridge lift-estop`",
    m.Blocker.SAMPLING_STALLED: "the sampling has stalled; reset the board",
    m.Blocker.SUPPLY_LOW: "the servo supply is low; charge or check it",
    m.Blocker.BEYOND_LIMITS: (
        "[servo] goes beyond the servo limits that the board holds; `myobridge servos` stores this hand's limits and "
        "prints the [servo] that fits them, with rate_hz at 50 unless all five servos are marked as digital"
    ),
    m.Blocker.BUTTON_PRESSED: "the button on the hand is pressed; let it go",
    m.Blocker.NO_LIMITS: "the servo limits stored in the board are damaged; store them again with `myobridge servos`",
}


def result_name(result: int) -> str:
    """A result in words, or its number if only a newer firmware knows the result."""
    return m.Result(result).name.lower().replace("_", " ") if result in _RESULTS else str(result)


def config_refusal(result: int) -> str:
    """Why the board refused CONFIG, and what to change."""
    return _CONFIG_REFUSALS.get(
        result, f"the board answered {result}; flash the firmware of this version with `myobridge flash`"
    )


def refusal(result: int, blockers: int) -> str:
    """Why the board refused ARM."""
    if result == m.Result.BLOCKED:
        reasons = [text for bit, text in _BLOCKERS.items() if blockers & bit]
        return " and ".join(reasons) or "the board gave no reason"
    return f"the board answered {result_name(result)}"
