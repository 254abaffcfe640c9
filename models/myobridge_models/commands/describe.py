"""`myobridge-models describe`: the shape of the decoder at a sampling rate."""

from __future__ import annotations

import click

from myobridge.commands.options import JSON, PLAIN, write_json
from myobridge_models.commands.options import console_for


@click.command()
@click.option("--fs", "fs_hz", type=float, required=True, help="Sampling rate in Hz.")
@click.option("--channels", type=int, default=4, help="EMG channels.")
@PLAIN
@JSON
def describe(fs_hz: float, channels: int, json_to: str | None) -> None:
    """Show dilations, receptive fields, window, parameters and decision times at a sampling rate."""
    from myobridge_models.experiments.untrained import decision_times_ms
    from myobridge_models.network.cnn_mlp import CnnMlp
    from myobridge_models.network.families.registry import DEFAULT_FAMILY, create
    from myobridge_models.report.describe import facts, print_facts, print_times

    network, console = create(DEFAULT_FAMILY, fs_hz, channels, dropout=0.0), console_for(json_to)
    assert isinstance(network, CnnMlp)
    print_facts(network.shape, console)
    times_ms = decision_times_ms(network, DEFAULT_FAMILY)
    print_times(times_ms, console)
    write_json({**facts(network.shape), "decision_ms": times_ms}, json_to)
