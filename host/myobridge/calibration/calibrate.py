"""From a recording to the wearer's own model: trains it in another process, and gives it to the daemon.

Training belongs to `myobridge-models`; this module exchanges only files with it.
"""

from __future__ import annotations

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

NEEDS: Final = ("myobridge_models", "torch", "onnx", "scipy")
TIMING: Final = Timing(repetitions=3, hold_s=2.0, rest_s=1.2)
"""Timing of the seven poses: less than a minute of EMG."""
TRAINER: Final = (sys.executable, "-m", "myobridge_models")
LOOK_S: Final = 1.0
SWAP_AGAIN_S: Final = (0.0, 1.0, 3.0)
"""Waits before each attempt, because a daemon that is reconnecting to its board takes a model only later."""
NICE: Final = ("nice", "-n", "10")
"""Training gets a lower priority than the daemon."""


GRADES: Final = (
    (0.9, "That is very good: nearly every pose is recognised."),
    (0.75, "That is good: most poses are recognised most of the time."),
    (0.5, "That is fair: poses are often mistaken for one another. Use fewer poses, or move the electrodes."),
    (
        0.0,
        "That is poor: most poses are mistaken for one another. Run `myobridge doctor`, then make another recording.",
    ),
)
"""Lowest balanced accuracy of each grade, and what the grade means."""


class Score(msgspec.Struct, frozen=True):
    """Scores of a model on the recording.

    mae_deg: mean absolute error of the angles. balanced_accuracy: of the poses; None: the recording has no poses.
    """

    mae_deg: float
    balanced_accuracy: float | None


class Scores(msgspec.Struct, frozen=True):
    """Scores of the base model and of the new model, on data that neither was trained on.

    before: of the base model; None: the base model is for other channels or another rate.
    from_base: the new model started from the base model; False: a model of this recording alone was better.
    """

    before: Score | None
    after: Score
    from_base: bool = True

    @property
    def better(self) -> bool:
        """Whether the new model has the higher accuracy, or the smaller error if the accuracies do not decide."""
        if self.before is None:
            return True
        was, now = self.before.balanced_accuracy, self.after.balanced_accuracy
        if was is None or now is None or was == now:
            return self.after.mae_deg < self.before.mae_deg
        return now > was


def verdict(scores: Scores, base: str) -> list[str]:
    """What the scores mean, as sentences; `base` is the user's name for the base model."""
    before, after = scores.before, scores.after
    said = []
    if after.balanced_accuracy is not None:
        was = "–" if before is None or before.balanced_accuracy is None else f"{before.balanced_accuracy:.2f}"
        means = next(words for least, words in GRADES if after.balanced_accuracy >= least)
        said.append(f"Accuracy of the poses (1 is perfect): {was} before, {after.balanced_accuracy:.2f} now. {means}")
    was = "–" if before is None else f"{before.mae_deg:.1f}°"
    said.append(f"Mean error of the angles: {was} before, {after.mae_deg:.1f}° now.")
    if before is None:
        said.append(
            f"{base} is for other channels or another rate, so the new model was trained on this recording alone."
        )
    elif not scores.from_base:
        said.append(f"Training on this recording alone gave a better model than starting from {base}.")
    if before is not None:
        said.append(f"The new model is {'better' if scores.better else 'not better'} than {base}.")
    return said


def in_words(score: Score) -> str:
    """A score in a few words."""
    if score.balanced_accuracy is None:
        return f"mean error of the angles {score.mae_deg:.1f}°"
    return f"accuracy of the poses {score.balanced_accuracy:.2f} of 1"


def check_disarmed(source: ByteSource, *, port: str) -> None:
    """Refuses an armed hand, because its model could not be changed after the recording.

    Raises:
        UserError: a daemon has armed the hand.
    """
    if source.daemon and may_move(port):
        raise UserError(
            f"The hand on {port} is armed, and its model can be changed only while it is disarmed; disarm the hand."
        )


def may_move(port: str) -> bool:
    """Whether the daemon on `port` has armed its hand."""
    with FeedClient(port) as feed:
        feed.subscribe("snapshots")
        look = feed.receive(LOOK_S)
        return isinstance(look, Snapshot) and look.may_move


def can_train() -> bool:
    """Whether everything that training needs is installed here."""
    return all(find_spec(name) is not None for name in NEEDS)


def elsewhere(recording: Path, base: str, mine: Path) -> UserError:
    """The error that says how to train if PyTorch is not installed here."""
    return UserError(
        f"Training needs PyTorch, which is not installed here; run `pip install 'myobridge[train]'`, here or on "
        f"another machine to which you copy {recording.name}, then run `myobridge calibrate --recording {recording} "
        f"--model {base} --out {mine} --long` there, and bring {mine.name} back."
    )


def train(recording: Path, base: Path, new: Path) -> Scores:
    """Fine-tunes `base` on the recording into the file `new`, in a process of lower priority that draws on stderr.

    The trainer names the model after the file.

    Raises:
        UserError: the training failed.
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
        raise UserError(
            f"The training gave no scores ({error}); {recording} is kept, so try again with --recording."
        ) from error
    finally:
        scores.unlink(missing_ok=True)
    raise UserError(f"The training failed, as said above; {recording} is kept, so try again with --recording.")


def swap(port: str, mine: Path) -> tuple[bool, str]:
    """Gives the model to the daemon on `port`; whether the daemon runs it now, and a sentence about that."""
    try:
        with FeedClient(port) as feed:
            for wait_s in SWAP_AGAIN_S:
                time.sleep(wait_s)
                reply = feed.request("model", path=str(mine.resolve()))
                if reply.ok:
                    break
    except NoDaemon:
        return (
            False,
            f"No daemon runs on {port}; `myobridge run --port {port} --model {mine}` starts one with the new model.",
        )
    later = (
        ""
        if reply.ok
        else f" Until then it runs the old model; `myobridge run --port {port} --model {mine}` runs the new model."
    )
    return reply.ok, reply.text + later
