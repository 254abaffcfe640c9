"""`myobridge-models synth`: a recording of the simulated wearer."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import interruptible, wrote
from myobridge_models.commands.options import SEED


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--seconds", type=click.FloatRange(min=1), default=180, help="Length of the recording.")
@click.option("--fs", "fs_hz", type=float, default=2000, help="Sampling rate in Hz.")
@click.option("--channels", type=int, default=4, help="EMG channels.")
@SEED
def synth(out: Path, seconds: float, fs_hz: float, channels: int, seed: int) -> None:
    """Record the simulated wearer, with true finger angles, to OUT (.npz)."""
    from myobridge.simulator.synth import SynthOptions
    from myobridge_models.data.synthetic import record

    with interruptible(lambda: f"The recording was interrupted, and {out} was not written."):
        record(SynthOptions(fs_hz=fs_hz, channels=channels, seed=seed), seconds).save(out)
    wrote(out, f"{seconds:g} s of EMG")
