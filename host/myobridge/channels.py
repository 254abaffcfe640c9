"""Channels without a model: what `record`, `view --channels` and `doctor --channels` ask of a board."""

from __future__ import annotations

from typing import Final

from myobridge.board import board_config, samples_per_frame
from myobridge.errors import UserError
from myobridge.model.file import REST_DEG, ModelSpec, usual_hop_samples
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.emg import emg_bits_per_s

RATES_HZ: Final = (2000, 1000, 500, 250)
"""Without [acquisition] fs_hz, the first of these that the line carries."""


def spec_for(fs_hz: float, channels: int) -> ModelSpec:
    """Stands for a model where there is none: it says only what to sample."""
    hop_samples = usual_hop_samples(fs_hz)
    return ModelSpec(
        name="of this recording",
        family="none",
        fs_hz=fs_hz,
        channels=tuple(f"EMG {n}" for n in range(1, channels + 1)),
        window_samples=hop_samples,
        hop_samples=hop_samples,
        history_hops=0,
        prefilter_sos=(),
        scale_fs=(1.0,) * channels,
        rest_pose_deg=REST_DEG,
    )


def channels_only(channels: int, config: Settings) -> ModelSpec:
    """Stands for a model of so many channels; nothing decodes them.

    Raises:
        UserError: the settings name another number of inputs.
    """
    inputs = config.acquisition.inputs
    if inputs is not None and len(inputs) != channels:
        raise UserError(
            f"[acquisition] inputs names {len(inputs)} inputs, but --channels asks for {channels}; make both equal."
        )
    return spec_for(config.acquisition.fs_hz or fastest_hz(channels, config), channels)


def fastest_hz(channels: int, config: Settings) -> float:
    """The first of RATES_HZ that the line carries for so many channels; else the last."""
    for rate_hz in RATES_HZ:
        most = config.acquisition.max_samples_per_frame
        samples = samples_per_frame(usual_hop_samples(rate_hz), channels, most)
        if 100 * emg_bits_per_s(samples, channels, rate_hz) <= m.LINK_LOAD_MAX_PERCENT * config.link.baud:
            return rate_hz
    return RATES_HZ[-1]


def channels_config(ident: m.Ident, spec: ModelSpec, config: Settings) -> m.Config:
    """CONFIG for the channels of `channels_only`.

    Raises:
        UserError: the board has fewer inputs, or cannot sample at this rate.
    """
    highest = max(config.acquisition.inputs or (len(spec.channels) - 1,))
    if highest >= ident.max_channels:
        raise UserError(
            f"The board has {ident.max_channels} inputs, and input {highest + 1} is asked for; give --channels "
            f"{ident.max_channels} or fewer."
        )
    return board_config(ident, spec, config)
