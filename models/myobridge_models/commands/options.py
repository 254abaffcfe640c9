"""What several commands share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from myobridge.commands.options import say
from myobridge.errors import UserError
from myobridge.view.drawable import can_draw

if TYPE_CHECKING:
    from myobridge.model.file import LabelledPose
    from myobridge_models.training.build import Source
    from myobridge_models.training.train import Progress

RECORDINGS = click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path))
SEED = click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of everything that is random.")
POSES = click.option(
    "--poses",
    metavar="FILE",
    help="What labels mean where a recording does not say so: a TOML file as for `myobridge record`, or biopatrec.",
)
BIOPATREC = "biopatrec"
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
    help="Processor cores to train on. More gain little, and lose much where other programs want them too.",
)

BAR_COLUMNS: Final = 60
"""What a bar with its title and its figures needs."""


def console_for(json_to: str | None) -> Console:
    """Where people read: stderr if stdout carries the JSON."""
    return Console(stderr=json_to == "-", highlight=False)


@contextmanager
def progress_bar(title: str, steps: int) -> Iterator[Progress]:
    """A bar on stderr that shows the error of the fingers on what is trained on, or lines where it cannot be drawn."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not can_draw(console, BAR_COLUMNS, 1):
        yield _progress_lines(title, steps)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[error]}"), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=steps, error="")
        yield lambda step, loss_deg: bar.update(task, completed=step, error=f"error {loss_deg:4.1f}°")


def _progress_lines(title: str, steps: int) -> Progress:
    """Says it at every tenth of the way."""
    told = 0

    def progress(step: int, loss_deg: float) -> None:
        nonlocal told
        tenths = 10 * step // steps
        if tenths > told:
            told = tenths
            say(f"{title}: {10 * tenths} % of {steps} steps, error {loss_deg:.1f}°")

    return progress


def check_place(out: Path) -> None:
    """Before minutes of training, not after them.

    Raises:
        UserError: nothing can be written there.
    """
    if not out.parent.is_dir():
        raise UserError(f"{out} cannot be made: there is no folder {out.parent}; make it, or choose another --out.")
    if out.is_dir():
        raise UserError(f"{out} cannot be made: a folder is in its place; choose another --out.")


def numbers(text: str | None) -> list[int] | None:
    """ "1,7" → [1, 7]; None stays None.

    Raises:
        UserError: it is no list of whole numbers.
    """
    try:
        return None if text is None else [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"'{text}' is no list of numbers; write them like 1,7.") from error


def training_set(recordings: Sequence[Path], poses: str | None) -> tuple[list[Source], Sequence[LabelledPose]]:
    """Recordings with their paths, and what their labels mean: what they say themselves, or else what `--poses` says.

    Raises:
        UserError: a recording cannot be read, or it is not known what its labels mean.
    """
    from myobridge.calibration.poses import load_poses
    from myobridge.recording import Recording
    from myobridge_models.data import biopatrec
    from myobridge_models.data.labels import poses_of

    given: tuple[LabelledPose, ...] = ()
    if poses == BIOPATREC:
        given = biopatrec.POSES
    elif poses is not None:
        given = tuple(pose.labelled for pose in load_poses(Path(poses)))
    sources = [(path, Recording.load(path)) for path in recordings]
    return sources, poses_of(sources, given)
