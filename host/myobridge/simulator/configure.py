"""The rules of firmware/PROTOCOL.md for CONFIG, as the simulated hand checks them."""

from __future__ import annotations

from typing import Final

from myobridge.simulator.emg_source import EmgSource
from myobridge.wire import messages as m
from myobridge.wire.emg import BITS_PER_BYTE, MAX_CHANNELS, emg_wire_bytes
from myobridge.wire.messages import Result

TICK_HZ: Final = 2_000_000
"""Timer 1 of a 16 MHz AVR behind its prescaler of 8."""
MIN_PERIOD_TICKS: Final = 100
"""20 kHz: a simulated ADC is quick."""
OVERSAMPLING: Final = (1, 2, 4)
SAMPLE_BITS: Final = 16
"""Of the sample format."""


def sum_bits(config: m.Config, source: EmgSource) -> int:
    """Bits of a sum of conversions."""
    return source.adc_bits + config.oversampling.bit_length() - 1


def check_config(config: m.Config, source: EmgSource, baud: int) -> Result:
    """The rules of PROTOCOL.md for CONFIG, and that the source can play at this rate."""
    channels = config.channel_mask.bit_count()
    n, period = config.samples_per_frame, config.sample_period_ticks
    servos = zip(config.servo_min_cdeg, config.servo_safe_cdeg, config.servo_max_cdeg, strict=True)
    pulses = list(zip(config.pulse_0_us, config.pulse_180_us, strict=True))
    emg_bytes = emg_wire_bytes(n, channels)
    checks = (
        (Result.BAD_CHANNELS, channels > 0 and config.channel_mask >> min(MAX_CHANNELS, source.channels) == 0),
        (Result.BAD_PERIOD, period >= MIN_PERIOD_TICKS and abs(TICK_HZ / period / source.fs_hz - 1) < 1e-3),
        (Result.BAD_SAMPLES_PER_FRAME, n >= 1 and emg_bytes - 2 <= m.MAX_FRAME_BYTES),
        (Result.BAD_FORMAT, config.sample_format == m.SampleFormat.INT16),
        (Result.BAD_OVERSAMPLING, config.oversampling in OVERSAMPLING and sum_bits(config, source) <= SAMPLE_BITS),
        (Result.BAD_SERVO_RANGE, all(low <= safe <= high <= m.ANGLE_MAX_CDEG for low, safe, high in servos)),
        (Result.BAD_SERVO_RANGE, all(a != b for a, b in pulses)),
        (Result.BAD_SERVO_RANGE, all(m.PULSE_MIN_US <= us <= m.PULSE_MAX_US for pair in pulses for us in pair)),
        (Result.BAD_SERVO_PERIOD, m.SERVO_PERIOD_MIN_US <= config.servo_period_us <= m.SERVO_PERIOD_MAX_US),
        (
            Result.BAD_SERVO_PERIOD,
            max(us for pair in pulses for us in pair) + m.SERVO_GAP_US <= config.servo_period_us,
        ),
        (Result.BAD_SLEW, m.SLEW_MIN_CDEG_PER_S <= config.slew_cdeg_per_s <= m.SLEW_MAX_CDEG_PER_S),
        (Result.BAD_TIMEOUTS, m.HOLD_MIN_MS <= config.hold_ms <= m.HOLD_MAX_MS),
        (Result.BAD_TIMEOUTS, config.hold_ms < config.relax_ms <= m.RELAX_MAX_MS),
        (
            Result.LINK_OVERLOAD,
            period == 0
            or n == 0
            or BITS_PER_BYTE * emg_bytes * TICK_HZ * 100 <= m.LINK_LOAD_MAX_PERCENT * baud * period * n,
        ),
    )
    return next((result for result, holds in checks if not holds), Result.OK)
