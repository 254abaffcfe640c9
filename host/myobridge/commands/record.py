"""`myobridge record`: a guided recording."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from myobridge.commands.options import CONFIG, JSON, PLAIN, say, write_json, wrote
from myobridge.errors import UserError


@click.command()
@click.option("--port", required=True, help="Serial port of the hand. A daemon that runs there keeps running.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Recording to write (.myo).", show_default="session-DATE-TIME.myo"
)
@click.option(
    "--poses",
    "poses_file",
    type=click.Path(path_type=Path),
    help="Poses file (TOML).",
    show_default="seven common poses",
)
@click.option(
    "--follow",
    metavar="[FILE]",
    is_flag=False,
    flag_value="",
    help="Show a hand that moves, which the wearer imitates, by the movements of FILE (TOML).",
    show_default="no; without FILE, fifteen movements",
)
@click.option(
    "--on-the-hand",
    is_flag=True,
    help="The hand itself shows the movements of --follow, slowly, after each press of its button; keep clear of it.",
)
@click.option(
    "--repetitions",
    type=click.IntRange(1, 100),
    help="How many times each pose is held, or each movement is shown.",
    show_default="3 poses, 2 movements",
)
@click.option(
    "--seconds-per-pose",
    "hold_s",
    default=3.0,
    type=click.FloatRange(1, 60),
    help="How long to hold a pose, in seconds.",
)
@click.option(
    "--seconds-of-rest",
    "rest_s",
    default=2.0,
    type=click.FloatRange(1, 60),
    help="How long to rest between poses, in seconds.",
)
@click.option(
    "--model", "model_name", help="If no daemon runs, record the channels and the sampling rate of this model."
)
@click.option(
    "--fs",
    "fs_hz",
    type=click.FloatRange(100, 20000),
    help="Sampling rate in Hz, if there is no --model.",
    show_default="2000",
)
@click.option(
    "--channels", type=click.IntRange(1, 16), help="Number of channels, if there is no --model.", show_default="4"
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the order of the poses.", show_default="a new seed")
@PLAIN
@CONFIG
@JSON
def record(
    port: str,
    out: Path | None,
    poses_file: Path | None,
    follow: str | None,
    on_the_hand: bool,
    repetitions: int | None,
    hold_s: float,
    rest_s: float,
    model_name: str | None,
    fs_hz: float | None,
    channels: int | None,
    seed: int | None,
    config: Path | None,
    json_to: str | None,
) -> None:
    """Guide the wearer through rest and poses, or through movements, and record the EMG.

    With --follow, the recording holds the angles of the shown hand, from which a model learns to follow the fingers.

    Press r to repeat the last pose, p or space to pause, q to stop. The recording keeps everything, including poses
    that are repeated.
    """
    from myobridge.board import check_rate
    from myobridge.calibration.movements import DEFAULT as MOVEMENTS
    from myobridge.calibration.movements import TIMING as FOLLOWED
    from myobridge.calibration.movements import load_movements
    from myobridge.calibration.plan import Timing
    from myobridge.calibration.poses import DEFAULT, load_poses
    from myobridge.calibration.session import fresh_seed, how_followed, record_session, sum_up
    from myobridge.channels import spec_for
    from myobridge.model.load import open_model
    from myobridge.model.shipped import find_model
    from myobridge.settings import load_settings

    if model_name and (fs_hz or channels):
        raise UserError("--model already says what to sample; leave --fs and --channels out, or leave --model out.")
    if follow is not None and poses_file:
        raise UserError("--follow shows movements and --poses holds poses; leave one of the two out.")
    if on_the_hand and follow is None:
        raise UserError("--on-the-hand shows movements on the hand; add --follow.")
    settings, poses = load_settings(config), load_poses(poses_file or DEFAULT)
    movements = () if follow is None else load_movements(Path(follow) if follow else MOVEMENTS)
    if model_name:
        spec = open_model(find_model(model_name)).spec
    else:
        wanted = settings.acquisition
        spec = spec_for(fs_hz or wanted.fs_hz or 2000.0, channels or len(wanted.inputs or range(4)))
    check_rate(settings, spec)
    timing = Timing(
        repetitions=repetitions or (FOLLOWED if movements else Timing()).repetitions, hold_s=hold_s, rest_s=rest_s
    )
    order = fresh_seed() if seed is None else seed
    path, outcome = record_session(
        port,
        out,
        "session",
        spec,
        settings,
        poses,
        timing,
        order,
        say,
        movements=movements,
        on_the_hand=on_the_hand,
    )
    for sentence in [*sum_up(outcome, path), *(how_followed(path) if movements else [])]:
        say(sentence)
    write_json({"recording": str(path), **asdict(outcome)}, json_to)
    wrote(path, f"{outcome.recorded_s:.0f} s of EMG")
    if outcome.problem and not outcome.stopped:
        raise UserError(outcome.problem)
