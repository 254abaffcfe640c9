"""Shows progress on stderr: as a bar, or as lines where a terminal cannot draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Column

from myobridge.commands.options import say
from myobridge.view.drawable import can_draw

if TYPE_CHECKING:
    from myobridge_models.training.train import Progress

BAR_COLUMNS: Final = 60
"""Columns that a bar needs with its title and its figures."""

Item = TypeVar("Item")
Show = Callable[[int, str], None]
"""Shows how many pieces are done, and a note."""


@contextmanager
def training_progress(title: str, steps: int) -> Iterator[Progress]:
    """Shows a training; the figure is the error of the fingers on the training data."""
    with _shown(title, steps, "steps") as (show, _):
        yield lambda step, loss_deg: show(step, _error(loss_deg))


def tracked(items: Iterable[Item], title: str, total: int, unit: str) -> Iterator[Item]:
    """Yields the items, and shows how many of `total` are done."""
    with _shown(title, total, unit) as (show, _):
        for done, item in enumerate(items, start=1):
            yield item
            show(done, "")


@contextmanager
def spread_progress(title: str, total: int, unit: str, steps: int) -> Iterator[tuple[Progress, Callable[[str], None]]]:
    """Shows work in so many pieces; yields the call after a training step, and the call after a piece with its line."""
    finished = 0
    line = _lines("training", steps, "steps")
    with _shown(title, total, unit) as (show, bar):

        def training(step: int, loss_deg: float) -> None:
            if bar is None:
                line(step, _error(loss_deg))
            else:
                show(finished, f"step {step}, {_error(loss_deg)}")

        def done(text: str) -> None:
            nonlocal finished
            finished += 1
            if bar is None:
                say(text)
            else:
                bar.console.print(text, soft_wrap=True)
                show(finished, "")

        yield training, done


@contextmanager
def _shown(title: str, total: int, unit: str) -> Iterator[tuple[Show, Bar | None]]:
    """Yields a call that shows progress, and the bar if one is drawn."""
    console = Console(stderr=True)
    if not can_draw(console, BAR_COLUMNS, 1):
        yield _lines(title, total, unit), None
        return
    with Bar(*_columns(unit), console=console, expand=True) as bar:
        task = bar.add_task(title, total=total, note="")
        yield lambda done, note: bar.update(task, completed=done, note=note), bar


def _columns(unit: str) -> tuple[ProgressColumn, ...]:
    """Title, bar, and the figures with their names; on a narrow terminal title and bar give way to the figures."""
    return (
        TextColumn("{task.description}", table_column=Column(no_wrap=True, ratio=2)),
        BarColumn(bar_width=None, table_column=Column(ratio=1)),
        TextColumn("{task.completed:.0f} of {task.total:.0f} " + unit, table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        TextColumn("left", table_column=Column(no_wrap=True)),
    )


def _lines(title: str, total: int, unit: str) -> Show:
    """Prints a line at every tenth of the way; a new start begins anew."""
    shown = 0

    def show(done: int, note: str) -> None:
        nonlocal shown
        tenths = 10 * done // total
        if tenths > shown:
            say(f"{title}: {10 * tenths} % of {total} {unit}" + (f", {note}" if note else ""))
        shown = tenths

    return show


def _error(loss_deg: float) -> str:
    return f"error {loss_deg:.1f}°"
