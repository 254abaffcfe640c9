"""Trials over days and models, side by side: a table, a picture, and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from myobridge.calibration.trial.judge import Result, judge
from myobridge.calibration.trial.words import HEAD, rows, table
from myobridge.errors import UserError, printable
from myobridge.files import draft, write_text
from myobridge.recording.extras import need
from myobridge.recording.log import read_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR: Final = 20
CURVE_HEAD: Final = ("started", "model", "task", "judged", "done", "score", "unit")
FILE_HEAD: Final = ("file", "started_utc", "model", "task", "judged", "proportional")


class Session(NamedTuple):
    """The trial of one recording."""

    path: Path
    started_utc: datetime
    result: Result

    @property
    def mark(self) -> tuple[float, str] | None:
        """The figure that is compared, and its unit; None without one."""
        result = self.result
        if result.task == "fitts":
            return None if result.throughput is None else (result.throughput.bits_s, "bits/s")
        if result.task == "rest":
            return None if result.false_movements is None else (float(result.false_movements), "false movements")
        return None if result.completion is None else (100 * result.completion, "% reached")


def read_session(path: Path) -> Session:
    """Judges the trial in a recording again.

    Raises:
        UserError: the file cannot be read, or holds no whole trial.
    """
    log = read_log(path)
    try:
        result = judge(record for _, record in log.trial)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return Session(path, log.header.started_utc, result)


def read_sessions(paths: Sequence[Path]) -> list[Session]:
    """The trials of several recordings, in the order of their days.

    Raises:
        UserError: a file cannot be read, or holds no whole trial.
    """
    return sorted(map(read_session, paths), key=lambda session: session.started_utc)


def curve(sessions: Sequence[Session]) -> list[str]:
    """A line for each session, with a bar as long as its figure; bars are comparable within a task."""
    most: dict[str, float] = {}
    for session in sessions:
        if session.mark is not None:
            most[session.result.task] = max(most.get(session.result.task, 0.0), session.mark[0])
    lines = table(CURVE_HEAD, [_row(session) for session in sessions])
    bars = [_bar(session, most.get(session.result.task, 0.0)) for session in sessions]
    return [
        lines[0],
        *(f"{line.ljust(max(map(len, lines)))}  {bar}" for line, bar in zip(lines[1:], bars, strict=True)),
    ]


def _row(session: Session) -> tuple[str, ...]:
    result, mark = session.result, session.mark
    done = f"{len(result.targets)}/{result.planned}"
    figure, unit = (f"{mark[0]:.2f}", mark[1]) if mark else ("–", "")
    started = f"{session.started_utc:%Y-%m-%d %H:%M}"
    return started, printable(result.model), result.task, result.measured, done, figure, unit


def _bar(session: Session, most: float) -> str:
    return "█" * round(BAR * session.mark[0] / most) if session.mark and most else ""


def write_csv(sessions: Sequence[Session], path: Path) -> None:
    """Writes a row for each target of each session.

    Raises:
        UserError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*FILE_HEAD, *HEAD])
    for session in sessions:
        result = session.result
        started = session.started_utc.isoformat(timespec="seconds")
        about = [printable(str(session.path)), started, printable(result.model), result.task, result.measured]
        writer.writerows([*about, result.proportional, *row] for row in rows(result))
    write_text(path, text.getvalue())


def draw(sessions: Sequence[Session], path: Path) -> None:
    """Draws the figures of all sessions over time, a panel for each task and a line for each model.

    Raises:
        UserError: matplotlib is not installed, the file cannot be written, or no session has a figure.
    """
    figure_type = need("matplotlib.figure", "Drawing").Figure
    tasks = list(dict.fromkeys(session.result.task for session in sessions if session.mark))
    if not tasks:
        raise UserError(
            "These trials ended without a finished target, so there is no curve to draw; give other recordings."
        )
    figure = figure_type(figsize=(8, 1 + 2.6 * len(tasks)), dpi=110, layout="constrained")
    panels = figure.subplots(len(tasks), 1, squeeze=False)[:, 0]
    for axes, task in zip(panels, tasks, strict=True):
        _paint(axes, [session for session in sessions if session.result.task == task and session.mark])
    with draft(path) as half:
        figure.savefig(half, format="png")


def _paint(axes: Axes, sessions: Sequence[Session]) -> None:
    for model in dict.fromkeys(session.result.model for session in sessions):
        own = [session for session in sessions if session.result.model == model]
        values = [session.mark[0] for session in own if session.mark]
        axes.plot([session.started_utc for session in own], values, "o-", label=printable(model))  # type: ignore[arg-type]
    unit = sessions[0].mark[1] if sessions[0].mark else ""
    axes.set_title(sessions[0].result.task, loc="left")
    axes.set_ylabel(unit)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize="small")
