"""From a recording to the wearer's own model: train it in another process, put it in place, take it back.

Training belongs to `myobridge-models`, with which this shares files only.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from myobridge.calibration.byte_source import ByteSource
from myobridge.calibration.plan import Timing
from myobridge.errors import UserError
from myobridge.feed import FeedClient, NoDaemon, Snapshot
from myobridge.files import draft, refusals

NEEDS: Final = ("myobridge_models", "torch", "onnx", "scipy")
TIMING: Final = Timing(repetitions=3, hold_s=2.0, rest_s=1.2)
"""Of the seven poses: less than a minute of EMG."""
TRAINER: Final = (sys.executable, "-m", "myobridge_models")
LOOK_S: Final = 1.0
SWAP_AGAIN_S: Final = (0.0, 1.0, 3.0)
"""A hand that is just being connected again takes a model a moment later."""
NICE: Final = ("nice", "-n", "10")
"""The hand goes first."""


GRADES: Final = (
    (0.9, "That is very good: nearly every pose is recognised."),
    (0.75, "That is good: most poses are recognised most of the time."),
    (0.5, "That is fair: poses are often mistaken for one another. Use fewer poses, or move the electrodes."),
    (0.0, "That is poor: poses are mostly mistaken for one another. Run `myobridge doctor`, and record again."),
)
"""Least balanced accuracy, and what it means."""


class Score(msgspec.Struct, frozen=True):
    """Figures of a model on the recording; balanced_accuracy: of telling the poses apart, None if there are none."""

    mae_deg: float
    balanced_accuracy: float | None


class Scores(msgspec.Struct, frozen=True):
    """The base and the new model on what neither was trained on; before: None where the base is for another device.

    from_base: the new model began with the base; a model of this recording alone was no better.
    """

    before: Score | None
    after: Score
    from_base: bool = True

    @property
    def better(self) -> bool:
        """The new model tells the poses apart better, or errs less where that cannot be told."""
        if self.before is None:
            return True
        was, now = self.before.balanced_accuracy, self.after.balanced_accuracy
        if was is None or now is None or was == now:
            return self.after.mae_deg < self.before.mae_deg
        return now > was


def verdict(scores: Scores, base: str) -> list[str]:
    """What the scores mean, as sentences; `base` is what the person calls the model that it began with."""
    before, after = scores.before, scores.after
    said = []
    if after.balanced_accuracy is not None:
        was = "–" if before is None or before.balanced_accuracy is None else f"{before.balanced_accuracy:.2f}"
        means = next(words for least, words in GRADES if after.balanced_accuracy >= least)
        said.append(f"Poses told apart (1 is all): {was} before, {after.balanced_accuracy:.2f} now. {means}")
    was = "–" if before is None else f"{before.mae_deg:.1f}°"
    said.append(f"Error of the fingers: {was} before, {after.mae_deg:.1f}° now.")
    if before is None:
        said.append(f"{base} is for another device, so the new model was trained on this recording alone.")
    elif not scores.from_base:
        said.append(f"Training on this recording alone gave a better model than going on from {base}.")
    if before is not None:
        said.append(f"The new model is {'better than' if scores.better else 'no better than'} {base}.")
    return said


def check_disarmed(source: ByteSource, *, port: str) -> None:
    """Refuses a hand that may move: its model could not be changed at the end.

    Raises:
        UserError: a daemon has armed it.
    """
    if source.daemon and may_move(port):
        raise UserError(f"The hand on {port} is armed, and its model is changed only while it is disarmed; disarm it.")


def may_move(port: str) -> bool:
    """The daemon on `port` has armed its hand."""
    with FeedClient(port) as feed:
        feed.subscribe("snapshots")
        look = feed.receive(LOOK_S)
        return isinstance(look, Snapshot) and look.may_move


def can_train() -> bool:
    """What training needs is installed here."""
    return all(find_spec(name) is not None for name in NEEDS)


def elsewhere(recording: Path, base: str, mine: Path) -> UserError:
    """What to do where training is not installed."""
    return UserError(
        f"Training needs PyTorch, which is not installed here: `pip install -e '.[train]'` in a clone installs it, and "
        f"`myobridge calibrate --recording {recording} --model {base} --out {mine}` trains, here or on another machine "
        f"to which you copy {recording.name} and from which you bring {mine.name} back."
    )


def train(recording: Path, base: Path, new: Path) -> Scores:
    """Fine-tunes `base` on the recording into the file `new`, in a process of lower priority; it draws on stderr.

    The model calls itself, and the trainer calls it, by the file's name.

    Raises:
        UserError: the training did not succeed.
    """
    scores = new.with_suffix(".json")
    command = [*NICE, *TRAINER, "calibrate", "--model", str(base), "--recording", str(recording)]
    try:
        trainer = subprocess.run(
            [*command, "--out", str(new), "--json", str(scores)], stdout=subprocess.DEVNULL, check=False
        )
        if trainer.returncode == 0:
            return msgspec.json.decode(scores.read_bytes(), type=Scores)
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(f"The training left no scores ({error}); {recording} is kept, try again with it.") from error
    finally:
        scores.unlink(missing_ok=True)
    raise UserError(f"The training did not succeed, as said above; {recording} is kept, try again with --recording.")


def previous_model(mine: Path) -> Path:
    """Where the model stays that `mine` was before."""
    return mine.with_name(f"{mine.stem}.previous{mine.suffix}")


def put_in_place(new: Path, mine: Path, base: Path) -> None:
    """`new` is copied to `mine`; what was there before, or else `base`, stays as its previous model.

    Raises:
        UserError: the folder cannot be written to; `mine` is then as it was.
    """
    _copy(mine if mine.exists() else base, previous_model(mine))
    _copy(new, mine)


def undo(mine: Path) -> None:
    """`mine` and its previous model change places, so that a second time takes the first one back.

    Raises:
        UserError: there is no previous model, or the folder cannot be written to.
    """
    previous, undone = previous_model(mine), mine.with_name(f"{mine.stem}.undone{mine.suffix}")
    killed_before_its_last_step = undone.exists() and not previous.exists()
    if not previous.exists() and not killed_before_its_last_step:
        raise UserError(f"There is nothing to undo: {previous} does not exist; give the --out of that calibration.")
    if mine.exists() and not killed_before_its_last_step:
        _copy(mine, undone)
    with refusals(mine):
        if previous.exists():
            previous.replace(mine)
        if undone.exists():
            undone.replace(previous)


def swap(port: str, mine: Path) -> tuple[bool, str]:
    """Gives the model to the daemon on `port`; whether that runs it now, and a sentence."""
    try:
        with FeedClient(port) as feed:
            for wait_s in SWAP_AGAIN_S:
                time.sleep(wait_s)
                reply = feed.request("model", path=str(mine.resolve()))
                if reply.ok:
                    break
    except NoDaemon:
        return False, f"No daemon runs on {port}: `myobridge run --port {port} --model {mine}` takes the model."
    later = (
        ""
        if reply.ok
        else f" Until then it runs the old one; `myobridge run --port {port} --model {mine}` begins with the new one."
    )
    return reply.ok, reply.text + later


def _copy(source: Path, target: Path) -> None:
    """A copy that is there whole or not at all."""
    with draft(target) as half:
        shutil.copyfile(source, half)
