"""Makes the CONFIG message for a board from the model and the settings."""

from __future__ import annotations

from typing import Final

from myobridge.errors import UserError
from myobridge.model.file import ModelSpec
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.emg import emg_wire_bytes
from myobridge.wire.frame import MAX_WIRE_BYTES

MAX_VALUES: Final = (MAX_WIRE_BYTES + 1 - emg_wire_bytes(0, 0)) // 2
"""Limit of samples times channels in a frame."""
MAX_RATE_ERROR: Final = 1e-3
"""Two sampling rates count as equal up to this relative difference."""


def samples_per_frame(hop_samples: int, channels: int, most: int) -> int:
    """The largest number up to `most` that fits in a frame and divides the hop, so that hops end with frames."""
    return max(n for n in range(1, min(most, MAX_VALUES // channels, hop_samples) + 1) if hop_samples % n == 0)


def _cdeg(angles_deg: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(round(100 * angle) for angle in angles_deg)


def channel_inputs(config: Settings, spec: ModelSpec) -> tuple[int, ...]:
    """The analogue inputs for the channels of the model.

    Raises:
        UserError: the number of inputs in the settings differs from the number of channels of the model.
    """
    inputs = config.acquisition.inputs or tuple(range(len(spec.channels)))
    if len(inputs) != len(spec.channels):
        raise UserError(
            f"The model {spec.name} takes {len(spec.channels)} channels, [acquisition] inputs names {len(inputs)}; "
            "change the inputs or the model."
        )
    return inputs


def check_rate(config: Settings, spec: ModelSpec) -> None:
    """Refuses settings for another sampling rate than the model's, and a model whose hop is too long.

    Raises:
        UserError: the rates differ, or the firmware would hold the hand between two decisions.
    """
    if 2 * spec.hop_ms > config.safety.hold_ms:
        raise UserError(
            f"The model {spec.name} decides every {spec.hop_ms:g} ms, and the hand holds after {config.safety.hold_ms} "
            "ms without a setpoint; choose a model with a shorter hop."
        )
    wanted = config.acquisition.fs_hz
    if wanted is not None and abs(wanted / spec.fs_hz - 1) > MAX_RATE_ERROR:
        raise UserError(
            f"The config samples at {wanted:g} Hz, but the model {spec.name} was made for {spec.fs_hz:g} Hz; "
            "change [acquisition] fs_hz or choose another model."
        )


def board_config(ident: m.Ident, spec: ModelSpec, config: Settings) -> m.Config:
    """CONFIG for this board.

    Raises:
        UserError: the board cannot sample the channels of the model at its rate.
    """
    inputs = channel_inputs(config, spec)
    if max(inputs) >= ident.max_channels:
        raise UserError(
            f"The model {spec.name} takes {len(spec.channels)} channels (inputs up to {max(inputs)}), the board has "
            f"{ident.max_channels}; choose a model for fewer channels or another board."
        )
    period = round(ident.tick_hz / spec.fs_hz)
    if not 1 <= period < 1 << 16 or abs(ident.tick_hz / period / spec.fs_hz - 1) > MAX_RATE_ERROR:
        raise UserError(
            f"The board cannot sample at the model's {spec.fs_hz:g} Hz (its clock ticks at {ident.tick_hz} Hz); "
            "choose a model for another rate."
        )
    servo, safety = config.servo, config.safety
    return m.Config(
        channel_mask=sum(1 << i for i in inputs),
        sample_period_ticks=period,
        samples_per_frame=samples_per_frame(spec.hop_samples, len(inputs), config.acquisition.max_samples_per_frame),
        sample_format=m.SampleFormat.INT16,
        oversampling=max(m.SLOT_CONVERSIONS.get(ident.board, 1), config.acquisition.oversampling, spec.oversampling),
        servo_min_cdeg=_cdeg(servo.min_deg),
        servo_max_cdeg=_cdeg(servo.max_deg),
        servo_safe_cdeg=_cdeg(safe_pose(config, spec)),
        pulse_0_us=servo.pulse_0_us,
        pulse_180_us=servo.pulse_180_us,
        servo_period_us=round(1e6 / servo.rate_hz),
        slew_cdeg_per_s=round(100 * servo.slew_deg_per_s),
        hold_ms=safety.hold_ms,
        relax_ms=safety.relax_ms,
    )


def safe_pose(config: Settings, spec: ModelSpec) -> tuple[float, ...]:
    """The pose in which the hand relaxes: from the settings, or the model's rest pose within the servo limits."""
    servo = config.servo
    pose = servo.safe_deg or spec.rest_pose_deg
    return tuple(
        min(max(angle, low), high) for angle, low, high in zip(pose, servo.min_deg, servo.max_deg, strict=True)
    )
