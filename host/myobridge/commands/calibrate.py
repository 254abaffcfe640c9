"""`myobridge calibrate`: from a minute of recording to the wearer's own model."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import CONFIG, JSON, MODEL_HELP, PLAIN, interruptible, say, write_json, wrote
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge.calibration.calibrate import Scores


@click.command()
@click.option("--port", help="Serial port of the hand. A daemon that runs there keeps running and gets the new model.")
@click.option(
    "--model",
    "model_name",
    help=f"{MODEL_HELP} The training starts from it; needed except with --undo.",
)
@click.option("--out", "mine", type=click.Path(path_type=Path), required=True, help="File of your own model (.onnx).")
@click.option(
    "--recording", type=click.Path(path_type=Path), help="Train on this recording instead of making a new one."
)
@click.option("--yes", is_flag=True, help="Do not ask; take the new model if it is better.")
@click.option("--undo", "take_back", is_flag=True, help="Put the previous model back into --out.")
@PLAIN
@CONFIG
@JSON
def calibrate(
    port: str | None,
    model_name: str | None,
    mine: Path,
    recording: Path | None,
    yes: bool,
    take_back: bool,
    config: Path | None,
    json_to: str | None,
) -> None:
    """Record the wearer for a minute, fit the model to the wearer, show its scores and install it.

    A running daemon keeps streaming. The hand must be disarmed, because its model is changed.
    """
    from msgspec import to_builtins

    from myobridge.calibration import calibrate

    if take_back:
        calibrate.undo(mine)
        say(f"{mine} is the previous model again; `--undo` once more brings the new model back.")
        write_json({"model": str(mine), "swapped": _swap(port, mine)}, json_to)
        return
    base = _checked(port, model_name, mine, recording, yes)
    made = recording or _record(port or "", base, mine, config)
    if not calibrate.can_train():
        raise calibrate.elsewhere(made, model_name or "", mine)
    with (
        interruptible(lambda: f"The calibration was interrupted and {mine} is unchanged; {_go_on(made, mine)}."),
        TemporaryDirectory() as folder,
    ):
        new = Path(folder) / mine.name
        scores = calibrate.train(made, base, new)
        for sentence in calibrate.verdict(scores, model_name or base.stem):
            say(sentence)
        taken = _taken(scores, made, mine, yes)
        if taken:
            calibrate.put_in_place(new, mine, base)
            say(f"{mine} is your model now; `myobridge calibrate --undo --out {mine}` brings the previous model back.")
            wrote(mine, "model")
    swapped = taken and _swap(port, mine)
    summary = {"recording": str(made), **to_builtins(scores), "taken": taken, "model": str(mine), "swapped": swapped}
    write_json(summary, json_to)


def _checked(port: str | None, model_name: str | None, mine: Path, recording: Path | None, yes: bool) -> Path:
    """Checks everything that can be checked before recording; the base model's file."""
    from myobridge.calibration.calibrate import can_train
    from myobridge.model.load import open_model
    from myobridge.model.shipped import find_model
    from myobridge.recording import Recording

    if not model_name:
        raise UserError("The model to start from is missing; name an .onnx file or a shipped model with --model.")
    if not (port or recording):
        raise UserError("There is nothing to train on; name the hand with --port, or a recording with --recording.")
    if mine.suffix.lower() != ".onnx" or not mine.parent.is_dir():
        raise UserError(f"{mine} cannot be written; give --out a name that ends in .onnx, in a folder that exists.")
    if not yes and can_train() and not sys.stdin.isatty():
        raise UserError("Without a terminal, calibrate cannot ask whether to take the new model; add --yes.")
    base = find_model(model_name)
    open_model(base)
    if recording is not None:
        Recording.load(recording)
    return base


def _record(port: str, base: Path, mine: Path, config: Path | None) -> Path:
    """Records, beside `mine`, the channels and rate that the base model needs; the recording's file."""
    from myobridge.board import check_rate
    from myobridge.calibration.calibrate import TIMING, can_train, check_disarmed
    from myobridge.calibration.poses import load_poses
    from myobridge.calibration.session import fresh_seed, record_session, sum_up
    from myobridge.model.load import open_model
    from myobridge.settings import load_settings

    spec, settings = open_model(base).spec, load_settings(config)
    check_rate(settings, spec)
    if not can_train():
        say("PyTorch is not installed here, so this command only records; you can train on another machine.")
    check, prefix = partial(check_disarmed, port=port), str(mine.with_name(mine.stem))
    out, outcome = record_session(port, None, prefix, spec, settings, load_poses(), TIMING, fresh_seed(), say, check)
    for sentence in sum_up(outcome, out):
        say(sentence)
    if outcome.problem:
        why = "" if outcome.stopped else f"{outcome.problem} "
        raise UserError(f"{why}The recording is incomplete; {_go_on(out, mine)}, or make another recording.")
    return out


def _go_on(recording: Path, mine: Path) -> str:
    return f"`myobridge calibrate --recording {recording} --out {mine} --model …` trains on this recording"


def _taken(scores: Scores, made: Path, mine: Path, yes: bool) -> bool:
    """Whether to take the new model: asks, or with `yes` takes the better model."""
    if not yes:
        return click.confirm("Take the new model?", default=scores.better, err=True)
    if not scores.better:
        raise UserError(
            f"The new model is not better, so {mine} is unchanged and {made} is kept; leave --yes out to choose for "
            "yourself, or make another recording."
        )
    return True


def _swap(port: str | None, mine: Path) -> bool:
    """Gives the model to the daemon on the port, if one runs there; whether the daemon runs the model now."""
    from myobridge.calibration.calibrate import swap

    if port is None:
        return False
    swapped, sentence = swap(port, mine)
    say(sentence)
    return swapped
