"""`myobridge calibrate`: a minute of recording, and the model is the wearer's own."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import CONFIG, JSON, PLAIN, interruptible, say, write_json, wrote
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge.calibration.calibrate import Scores


@click.command()
@click.option("--port", help="Serial port of the hand; a daemon that has it goes on, and gets the new model.")
@click.option("--model", "model_name", help="The model to begin with: an .onnx file, or a shipped model.")
@click.option("--out", "mine", type=click.Path(path_type=Path), required=True, help="Your own model, an .onnx file.")
@click.option("--recording", type=click.Path(path_type=Path), help="Train on this recording instead of making one.")
@click.option("--yes", is_flag=True, help="Do not ask: take the new model if it is better.")
@click.option("--undo", "take_back", is_flag=True, help="Go back to the model that --out was before.")
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
    """Record for a minute, fit the model to the wearer, show the scores, and put it in place.

    The daemon's stream goes on; a hand must be disarmed when its model is changed.
    """
    from msgspec import to_builtins

    from myobridge.calibration import calibrate

    if take_back:
        calibrate.undo(mine)
        say(f"{mine} is the model from before again; --undo once more takes that back.")
        write_json({"model": str(mine), "swapped": _swap(port, mine)}, json_to)
        return
    base = _checked(port, model_name, mine, recording, yes)
    made = recording or _record(port or "", base, mine, config)
    if not calibrate.can_train():
        raise calibrate.elsewhere(made, model_name or "", mine)
    with (
        interruptible(lambda: f"The calibration was interrupted, and {mine} is as it was; {_go_on(made, mine)}."),
        TemporaryDirectory() as folder,
    ):
        new = Path(folder) / mine.name
        scores = calibrate.train(made, base, new)
        for sentence in calibrate.verdict(scores, model_name or base.stem):
            say(sentence)
        taken = _taken(scores, made, mine, yes)
        if taken:
            calibrate.put_in_place(new, mine, base)
            say(f"{mine} is your model now; `myobridge calibrate --undo --out {mine}` goes back.")
            wrote(mine, "model")
    swapped = taken and _swap(port, mine)
    summary = {"recording": str(made), **to_builtins(scores), "taken": taken, "model": str(mine), "swapped": swapped}
    write_json(summary, json_to)


def _checked(port: str | None, model_name: str | None, mine: Path, recording: Path | None, yes: bool) -> Path:
    """The base model's file, once everything that can be known beforehand is in order."""
    from myobridge.calibration.calibrate import can_train
    from myobridge.model.load import open_model
    from myobridge.model.shipped import find_model
    from myobridge.recording import Recording

    if not model_name:
        raise UserError("Say with --model which model to begin with: an .onnx file, or a shipped one.")
    if not (port or recording):
        raise UserError("Say with --port where the hand is, or with --recording what to train on.")
    if mine.suffix.lower() != ".onnx" or not mine.parent.is_dir():
        raise UserError(f"{mine} cannot be made: give --out a name that ends in .onnx, in a folder that exists.")
    if not yes and can_train() and not sys.stdin.isatty():
        raise UserError("There is no terminal to ask at whether to take the new model; add --yes.")
    base = find_model(model_name)
    open_model(base)
    if recording is not None:
        Recording.load(recording)
    return base


def _record(port: str, base: Path, mine: Path, config: Path | None) -> Path:
    """Records what the base model needs beside `mine`; the file."""
    from myobridge.board import check_rate
    from myobridge.calibration.calibrate import TIMING, can_train, check_disarmed
    from myobridge.calibration.poses import load_poses
    from myobridge.calibration.session import fresh_seed, record_session, sum_up
    from myobridge.model.load import open_model
    from myobridge.settings import load_settings

    spec, settings = open_model(base).spec, load_settings(config)
    check_rate(settings, spec)
    if not can_train():
        say("PyTorch is not installed here, so this records only; training can follow on another machine.")
    check, prefix = partial(check_disarmed, port=port), str(mine.with_name(mine.stem))
    out, outcome = record_session(port, None, prefix, spec, settings, load_poses(), TIMING, fresh_seed(), say, check)
    for sentence in sum_up(outcome, out):
        say(sentence)
    if outcome.problem:
        why = "" if outcome.stopped else f"{outcome.problem} "
        raise UserError(f"{why}The recording is not whole; {_go_on(out, mine)}, or record another one.")
    return out


def _go_on(recording: Path, mine: Path) -> str:
    return f"`myobridge calibrate --recording {recording} --out {mine} --model …` trains on what was recorded"


def _taken(scores: Scores, made: Path, mine: Path, yes: bool) -> bool:
    """Asks whether to take the new model; with `yes` the better model is taken."""
    if not yes:
        return click.confirm("Take the new model?", default=scores.better, err=True)
    if not scores.better:
        raise UserError(
            f"The new model is no better, so {mine} stays as it was; leave --yes out to choose for yourself, or make "
            f"another recording ({made} is kept)."
        )
    return True


def _swap(port: str | None, mine: Path) -> bool:
    """Gives the model to the daemon on the port, if there is one; whether it runs now."""
    from myobridge.calibration.calibrate import swap

    if port is None:
        return False
    swapped, sentence = swap(port, mine)
    say(sentence)
    return swapped
