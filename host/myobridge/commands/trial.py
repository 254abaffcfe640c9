"""`myobridge trial`: an online test of the wearer with the hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import JSON, PLAIN, say, write_json, wrote
from myobridge.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from myobridge.calibration.trial.curve import Session
    from myobridge.calibration.trial.targets import Rules
    from myobridge.recording.trial_records import Task


@click.command()
@click.option("--port", help="Serial port of the hand, on which `myobridge run` runs. The trial never arms the hand.")
@click.option(
    "--task",
    default="reach",
    type=click.Choice(["reach", "fitts", "rest", "practice"]),
    help="Reach targets, Fitts's law, a quiet minute, or practice with a score.",
)
@click.option("--targets", type=click.IntRange(1, 500), help="How many targets.", show_default="20; practice 8")
@click.option("--freedoms", default="1", type=click.Choice(["1", "2"]), help="Fitts: grip, or grip and point.")
@click.option(
    "--tolerance", default=15.0, type=click.FloatRange(1, 90), help="Degrees off the target that still count."
)
@click.option("--dwell", default=1.0, type=click.FloatRange(0.1, 30), help="Seconds to stay in the target.")
@click.option("--timeout", default=15.0, type=click.FloatRange(1, 300), help="Seconds for a target.")
@click.option(
    "--poses",
    "poses_file",
    type=click.Path(path_type=Path),
    help="Poses file (TOML) for the targets.",
    show_default="the model's poses",
)
@click.option("--seed", type=click.IntRange(0, (1 << 53) - 1), help="Seed of the targets.", show_default="a new seed")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Recording to write (.myo).", show_default="trial-DATE-TIME.myo"
)
@click.option("--replay", type=click.Path(path_type=Path), metavar="R.myo", help="Judge a recorded trial again.")
@click.option("--curve", is_flag=True, help="Compare the recorded trials FILES over days and models.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="PNG", help="With --curve: draw the curve.")
@click.option("--csv", "csv_to", type=click.Path(path_type=Path), metavar="F", help="Write a row for each target.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@PLAIN
@JSON
def trial(
    port: str | None,
    task: Task,
    targets: int | None,
    freedoms: str,
    tolerance: float,
    dwell: float,
    timeout: float,
    poses_file: Path | None,
    seed: int | None,
    out: Path | None,
    replay: Path | None,
    curve: bool,
    plot: Path | None,
    csv_to: Path | None,
    files: tuple[Path, ...],
    json_to: str | None,
) -> None:
    """Measure how well the wearer moves the hand, on a running daemon.

    The trial shows a target hand beside the wearer's, here and in the page of the view. The recording keeps everything;
    `--replay` gives the same result from it.
    """
    from myobridge.calibration.trial.curve import read_session, read_sessions, write_csv
    from myobridge.calibration.trial.targets import Rules

    if [port is not None, replay is not None, curve].count(True) != 1:
        raise UserError("A trial needs exactly one of --port, --replay and --curve; give one of them.")
    if bool(files) != curve:
        raise UserError("Recordings go with --curve, and --curve needs recordings; give both, or neither.")
    if plot is not None and not curve:
        raise UserError("--plot draws the curve of several trials; add --curve and their recordings.")
    problem = ""
    if port is not None:
        rules = Rules(tolerance, dwell, timeout)
        path, problem = _run(port, out, task, targets, int(freedoms), rules, poses_file, seed)
        sessions = [read_session(path)]
    else:
        sessions = read_sessions(files) if replay is None else [read_session(replay)]
    _tell(sessions, json_to, as_curve=curve)
    if plot is not None:
        from myobridge.calibration.trial.curve import draw

        draw(sessions, plot)
        wrote(plot, "curve")
    if csv_to is not None:
        write_csv(sessions, csv_to)
        wrote(csv_to, "a row for each target")
    if problem:
        raise UserError(problem)


def _run(
    port: str,
    out: Path | None,
    task: Task,
    targets: int | None,
    freedoms: int,
    rules: Rules,
    poses_file: Path | None,
    seed: int | None,
) -> tuple[Path, str]:
    """Runs a trial; the recording, and why it ended early."""
    from myobridge.calibration.poses import load_poses
    from myobridge.calibration.session import fresh_seed
    from myobridge.calibration.trial.session import Plan, result_path, run_trial
    from myobridge.calibration.trial.targets import TARGETS

    poses = tuple(pose.labelled for pose in load_poses(poses_file)) if poses_file else ()
    plan = Plan(task, targets or TARGETS[task], rules, fresh_seed() if seed is None else seed, freedoms, poses)
    recording, _, problem = run_trial(port, out, plan, say)
    wrote(recording, "the trial, to replay")
    wrote(result_path(recording), "its result")
    return recording, problem


def _tell(sessions: Sequence[Session], json_to: str | None, *, as_curve: bool) -> None:
    """Prints the result of one trial or the curve of several, unless JSON goes to standard output."""
    import msgspec

    from myobridge.calibration.trial.curve import curve
    from myobridge.calibration.trial.words import HEAD, limits_of, rows, sentences, table

    results = [msgspec.to_builtins(session.result) for session in sessions]
    result = sessions[0].result
    told = [*table(HEAD, rows(result)), "", *sentences(result), *limits_of(result)]
    if json_to != "-":
        click.echo("\n".join(curve(sessions) if as_curve else told))
    started = [session.started_utc.isoformat(timespec="seconds") for session in sessions]
    summaries = [
        {"recording": str(session.path), "started_utc": at, **result}
        for session, at, result in zip(sessions, started, results, strict=True)
    ]
    write_json({"trials": summaries} if as_curve else summaries[0], json_to)
