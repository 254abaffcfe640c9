"""Options and helpers that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from myobridge.commands.options import say
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge.model.file import LabelledPose
    from myobridge_models.data.training_set import Source

RECORDINGS = click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path))
SEED = click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="Random seed.")
POSES = click.option(
    "--poses",
    metavar="FILE",
    help="Poses of labels that a recording does not name: a TOML file as for `myobridge record`, or biopatrec.",
)
BIOPATREC = "biopatrec"
UNNAMED = "Labels of recordings that do not name their poses are read as BioPatRec's movements."
STEPS = click.option("--steps", type=click.IntRange(min=20), help="Training steps.", show_default="the recipe's")


def _use_threads(_context: click.Context, _parameter: click.Parameter, threads: int) -> None:
    from myobridge_models.network.families.base import use_threads

    use_threads(threads)


THREADS = click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    expose_value=False,
    callback=_use_threads,
    help="Processor cores to train on; more than one gains little, and loses much beside other programs.",
)


def spreads(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options `jobs` and `dask` of a command that spreads its work (`experiments.parallel.Workers`)."""
    jobs = click.option(
        "--jobs", type=click.IntRange(min=1), help="Processes that work.", show_default="one for each core"
    )
    dask = click.option(
        "--dask", metavar="ADDRESS", help="Work on the Dask cluster whose scheduler has this address instead."
    )
    return jobs(dask(command))


class SeveralValues(click.Command):
    """Options that may be repeated take several values at once: `--train A B` means `--train A --train B`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Writes each value's option before it."""
        options = (one for one in self.params if isinstance(one, click.Option) and one.multiple)
        repeated = {name for one in options for name in one.opts}
        words: list[str] = []
        current = None
        for word in args:
            if word.startswith("-"):
                current = word if word in repeated else None
            elif current and words[-1] != current:
                words.append(current)
            words.append(word)
        return super().parse_args(ctx, words)


def console_for(json_to: str | None) -> Console:
    """Returns the console for tables: stderr if stdout carries the JSON."""
    return Console(stderr=json_to == "-", highlight=False)


def check_output(out: Path) -> None:
    """Checks the output path before minutes of training.

    Raises:
        UserError: nothing can be written there.
    """
    if not out.parent.is_dir():
        raise UserError(f"{out} cannot be written: there is no folder {out.parent}; make it, or choose another --out.")
    if out.is_dir():
        raise UserError(f"{out} cannot be written: a folder is in its place; choose another --out.")


def names(text: str) -> list[str]:
    """Converts "lda, svm" to ["lda", "svm"]."""
    return [part.strip() for part in text.split(",")]


def numbers(text: str | None) -> list[int] | None:
    """Converts "1,7" to [1, 7], each number once; None stays None.

    Raises:
        UserError: the text is not a list of whole numbers.
    """
    try:
        return None if text is None else list(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError as error:
        raise UserError(f"'{text}' is not a list of numbers; write numbers like 1,7.") from error


def training_set(recordings: Sequence[Path], poses: str | None) -> tuple[list[Source], Sequence[LabelledPose]]:
    """Loads recordings, and the poses of their labels: the recordings' own, or else those that `--poses` names.

    Says how the wearer followed a shown hand.

    Raises:
        UserError: a recording cannot be read, or its labels have no poses.
    """
    from myobridge.calibration.poses import load_poses
    from myobridge_models.data import biopatrec
    from myobridge_models.data.labels import poses_of
    from myobridge_models.data.training_set import load_source

    given: tuple[LabelledPose, ...] = ()
    if poses == BIOPATREC:
        given = biopatrec.POSES
    elif poses is not None:
        given = tuple(pose.labelled for pose in load_poses(Path(poses)))
    sources = [load_source(path, say) for path in recordings]
    return sources, poses_of(sources, given)
