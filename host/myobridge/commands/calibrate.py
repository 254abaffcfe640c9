"""`myobridge calibrate`: from a recording of seconds, or of a minute, to the wearer's own model."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from myobridge.commands.options import (
    CONFIG,
    JSON,
    MODEL_HELP,
    PLAIN,
    give_to_daemon,
    interruptible,
    say,
    write_json,
    wrote,
)
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge.calibration.calibrate import Scores
    from myobridge.calibration.quick import Base
    from myobridge.model.file import ModelSpec
    from myobridge.recording import Recording

HOW = ("calibrated in seconds", "trained on a recording")
"""What made the new model: the arithmetic, or else the training."""
GOOD = 0.9
"""Balanced accuracy below which a long training may be worth its time."""


@click.command()
@click.option("--port", help="Serial port of the hand. A daemon that runs there keeps running and gets the new model.")
@click.option(
    "--model",
    "model_name",
    help=f"{MODEL_HELP} The training starts from it; needed except with --undo.",
)
@click.option("--out", "mine", type=click.Path(path_type=Path), required=True, help="File of your own model (.onnx).")
@click.option("--recording", type=click.Path(path_type=Path), help="Use this recording instead of making a new one.")
@click.option("--long", "train", is_flag=True, help="Record for a minute and train for minutes; needs PyTorch.")
@click.option("--yes", is_flag=True, help="Do not ask; take a better model that takes no pose for another.")
@click.option("--undo", "take_back", is_flag=True, help="Put the model before back into --out; may be repeated.")
@PLAIN
@CONFIG
@JSON
def calibrate(
    port: str | None,
    model_name: str | None,
    mine: Path,
    recording: Path | None,
    train: bool,
    yes: bool,
    take_back: bool,
    config: Path | None,
    json_to: str | None,
) -> None:
    """Record the wearer, fit the model to the wearer, show its scores and install it.

    If the model holds class statistics, two seconds of each pose suffice, and the arithmetic takes a second. Other
    models, and --long, need a minute of recording and minutes of training. A running daemon keeps streaming. The hand
    must be disarmed, because its model is changed.
    """
    from myobridge.model.generations import Generations

    if take_back:
        say(f"{mine} is generation {Generations(mine).undo()} again; `myobridge generations {mine}` lists them all.")
        write_json({"model": str(mine), "swapped": give_to_daemon(port, mine)}, json_to)
        return
    base, quick = _checked(port, model_name, mine, recording, train, yes)
    made = recording or _record(port or "", base, quick, mine, config)
    with (
        interruptible(lambda: f"The calibration was interrupted and {mine} is unchanged; {_go_on(made, mine)}."),
        TemporaryDirectory() as folder,
    ):
        new = Path(folder) / mine.name
        if quick:
            fitted = _arithmetic(quick, made, new, model_name or base.stem)
        else:
            fitted = _training(base, made, mine, new, model_name or base.stem)
        taken = _taken(fitted, made, mine, yes)
        if taken:
            accuracy, how = fitted.scores.after.balanced_accuracy, HOW[quick is None]
            Generations(mine).keep(new.read_bytes(), fitted.said, how, balanced_accuracy=accuracy, base=base)
            say(f"{mine} is your model now; `myobridge calibrate --undo --out {mine}` goes back to the model before.")
            wrote(mine, "model")
    swapped = taken and give_to_daemon(port, mine)
    write_json(
        {"recording": str(made), **fitted.summary, "taken": taken, "model": str(mine), "swapped": swapped}, json_to
    )


class _Fitted(NamedTuple):
    """A new model: its summary, its scores, its scores in words.

    told_apart: it takes no pose mostly for another; None: it was trained, so its scores alone say how good it is.
    """

    summary: dict[str, Any]
    scores: Scores
    said: str
    told_apart: bool | None = None


def _arithmetic(base: Base, made: Path, new: Path, name: str) -> _Fitted:
    """Calibrates in seconds into the file `new`."""
    from msgspec import to_builtins

    from myobridge.calibration import calibrate
    from myobridge.calibration.judge import TooLittle, recognised, words
    from myobridge.calibration.quick import calibrated
    from myobridge.files import write_bytes
    from myobridge.recording import Recording

    recording = Recording.load(made)
    try:
        found = calibrated(base, recording, made, new.stem)
    except TooLittle as reason:
        raise UserError(f"{str(reason).rstrip('.')}; or add --long, which trains for minutes.") from reason
    write_bytes(new, found.model)
    for sentence in (*_contacts(recording), words(found.poses), *calibrate.verdict(found.scores, name), *found.doubts):
        say(sentence)
    if (found.scores.after.balanced_accuracy or 0) < GOOD:
        say("With --long, calibrate records for a minute and trains for minutes; that may recognise more.")
    summary = {**to_builtins(found.scores), "poses": to_builtins(found.poses)}
    return _Fitted(summary, found.scores, recognised(found.poses), found.told_apart)


def _contacts(recording: Recording) -> list[str]:
    """Sentences about channels that held no EMG in some poses, with the names of these poses."""
    from myobridge.calibration.quality import bad_contact

    found: dict[str, list[str]] = {}
    for pose in recording.poses:
        held = recording.counts[recording.label == pose.label]
        for sentence in bad_contact(held, recording.fs_hz, recording.adc_bits):
            found.setdefault(sentence, []).append(pose.name)
    return [f"{', '.join(poses)}: {sentence}" for sentence, poses in found.items()]


def _training(base: Path, made: Path, mine: Path, new: Path, name: str) -> _Fitted:
    """Trains into the file `new`."""
    from msgspec import to_builtins

    from myobridge.calibration import calibrate

    if not calibrate.can_train():
        raise calibrate.elsewhere(made, name, mine)
    scores = calibrate.train(made, base, new)
    for sentence in calibrate.verdict(scores, name):
        say(sentence)
    return _Fitted(to_builtins(scores), scores, calibrate.in_words(scores.after))


def _checked(
    port: str | None, model_name: str | None, mine: Path, recording: Path | None, train: bool, yes: bool
) -> tuple[Path, Base | None]:
    """Checks everything that can be checked before recording; the base model's file, and what makes seconds enough."""
    from myobridge.calibration.calibrate import can_train
    from myobridge.calibration.quick import base_of
    from myobridge.model.load import open_model
    from myobridge.model.shipped import find_model
    from myobridge.recording import Recording

    if not model_name:
        raise UserError("The model to start from is missing; name an .onnx file or a shipped model with --model.")
    if not (port or recording):
        raise UserError("There is nothing to train on; name the hand with --port, or a recording with --recording.")
    if mine.suffix.lower() != ".onnx" or not mine.parent.is_dir():
        raise UserError(f"{mine} cannot be written; give --out a name that ends in .onnx, in a folder that exists.")
    base = find_model(model_name)
    spec = open_model(base).spec
    quick = None if train else base_of(base)
    if not yes and (quick or can_train()) and not sys.stdin.isatty():
        raise UserError("Without a terminal, calibrate cannot ask whether to take the new model; add --yes.")
    if recording is not None:
        other = _other_than(spec, Recording.load(recording))
        if quick and other:
            quick = None
            say(f"{recording} holds {other}, so seconds do not suffice, and calibrate trains for minutes.")
    return base, quick


def _other_than(spec: ModelSpec, given: Recording) -> str:
    """What a recording holds that does not fit a calibration of the model in seconds; empty: all of it fits."""
    if given.shown:
        return "a shown hand that moved"
    if (given.fs_hz, given.channels) == (spec.fs_hz, len(spec.channels)):
        return ""
    return (
        f"{given.channels} channels at {given.fs_hz:g} Hz, and {spec.name} needs {len(spec.channels)} at "
        f"{spec.fs_hz:g} Hz"
    )


def _record(port: str, base: Path, quick: Base | None, mine: Path, config: Path | None) -> Path:
    """Records, beside `mine`, the channels and rate that the base model needs; the recording's file."""
    from myobridge.board import check_rate
    from myobridge.calibration.calibrate import TIMING, can_train, check_disarmed
    from myobridge.calibration.movements import TIMING as FOLLOWED
    from myobridge.calibration.movements import load_movements
    from myobridge.calibration.poses import guided, load_poses
    from myobridge.calibration.quick import TIMING as SECONDS
    from myobridge.calibration.session import fresh_seed, record_session, sum_up
    from myobridge.model.file import REST
    from myobridge.model.load import open_model
    from myobridge.settings import load_settings

    spec, settings = open_model(base).spec, load_settings(config)
    check_rate(settings, spec)
    poses = guided(quick.poses) if quick else load_poses()
    if all(pose.label != REST for pose in poses):
        raise UserError(f"{base} knows no rest pose, so it cannot be calibrated in seconds; add --long.")
    if not quick and not can_train():
        say("PyTorch is not installed here, so this command only records; you can train on another machine.")
    check, prefix = partial(check_disarmed, port=port), str(mine.with_name(mine.stem))
    movements = load_movements() if spec.proportional and not spec.poses else ()
    timing = SECONDS if quick else FOLLOWED if movements else TIMING
    seed = fresh_seed()
    out, outcome = record_session(port, None, prefix, spec, settings, poses, timing, seed, say, check, movements)
    for sentence in sum_up(outcome, out):
        say(sentence)
    if outcome.problem:
        why = "" if outcome.stopped else f"{outcome.problem} "
        raise UserError(f"{why}The recording is incomplete; {_go_on(out, mine)}, or make another recording.")
    return out


def _go_on(recording: Path, mine: Path) -> str:
    return f"`myobridge calibrate --recording {recording} --out {mine} --model …` uses this recording"


def _taken(fitted: _Fitted, made: Path, mine: Path, yes: bool) -> bool:
    """Whether to take the new model: asks, or with `yes` takes a better model that tells the poses apart."""
    better, unchanged = fitted.scores.better, f"{mine} is unchanged and {made} is kept"
    if fitted.told_apart is not None and not better:
        raise UserError(
            f"The new model is not better, so {unchanged}; make another recording, or add --long, which trains for "
            "minutes."
        )
    apart = fitted.told_apart is not False
    if not yes:
        return click.confirm("Take the new model?", default=better and apart, err=True)
    if not better or not apart:
        why = "The new model cannot tell these poses apart" if better else "The new model is not better"
        raise UserError(f"{why}, so {unchanged}; make another recording, or leave --yes out to choose for yourself.")
    return True
