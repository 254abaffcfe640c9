"""`myobridge-models describe`: the shape of the decoder at a sampling rate."""

from __future__ import annotations

import click

from myobridge.commands.options import JSON, write_json
from myobridge_models.commands.options import console_for


@click.command()
@click.option("--fs", "fs_hz", type=float, required=True, help="Sampling rate in Hz.")
@click.option("--channels", type=int, default=4, show_default=True, help="EMG channels.")
@JSON
def describe(fs_hz: float, channels: int, json_to: str | None) -> None:
    """Show dilations, receptive fields, window and parameters at a sampling rate."""
    from myobridge_models.describe import facts, print_facts
    from myobridge_models.receptive import Shape

    shape = Shape(fs_hz, channels)
    print_facts(shape, console_for(json_to))
    write_json(facts(shape), json_to)
