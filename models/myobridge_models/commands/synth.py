"""`myobridge-models synth`: a recording of the simulated wearer."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import interruptible, wrote
from myobridge.errors import UserError
from myobridge_models.commands.options import SEED


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--seconds", type=click.FloatRange(1, 14400), help="Length of the recording.", show_default="180")
@click.option("--fs", "fs_hz", type=float, default=2000, help="Sampling rate in Hz.")
@click.option("--channels", type=int, default=4, help="EMG channels.")
@click.option("--wearer", type=click.IntRange(min=0), default=0, help="Number of the simulated wearer.")
@click.option("--fatigue", type=float, default=0.0, help="How tired the muscles are, from 0 to 1.")
@click.option("--turn", "turn_deg", type=float, default=0.0, help="Turn of the ring of electrodes, in degrees.")
@click.option(
    "--follow",
    metavar="[FILE]",
    is_flag=False,
    flag_value="",
    help="Let the wearer imitate the movements of FILE (TOML), as in `myobridge record --follow`.",
    show_default="no; without FILE, fifteen movements",
)
@click.option(
    "--shown", is_flag=True, help="With --follow, store the angles of the shown hand instead of the wearer's own."
)
@SEED
def synth(
    out: Path,
    seconds: float | None,
    fs_hz: float,
    channels: int,
    wearer: int,
    fatigue: float,
    turn_deg: float,
    follow: str | None,
    shown: bool,
    seed: int,
) -> None:
    """Record the simulated wearer, with true finger angles, to OUT (.npz)."""
    from myobridge.calibration.movements import DEFAULT, load_movements
    from myobridge.simulator.synth import SynthOptions
    from myobridge_models.data.synthetic import as_shown, record, record_following

    if (shown and follow is None) or (seconds and follow is not None):
        raise UserError("--shown needs --follow, and --seconds needs a wearer who does not follow; leave one out.")
    options = SynthOptions(
        fs_hz=fs_hz, channels=channels, seed=seed, wearer=wearer, fatigue=fatigue, shift_deg=turn_deg
    )
    with interruptible(lambda: f"The recording was interrupted, and {out} was not written."):
        if follow is None:
            recording = record(options, seconds or 180)
        else:
            movements = load_movements(Path(follow) if follow else DEFAULT)
            recording = record_following(options, movements)
            recording = as_shown(recording, movements) if shown else recording
        recording.save(out)
    wrote(out, f"{len(recording.counts) / fs_hz:g} s of EMG")
