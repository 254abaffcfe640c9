"""Options that several commands share, and how commands talk to the user."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from myobridge.errors import UserError, printable
from myobridge.files import write_text
from myobridge.wire.messages import Board

MODEL_HELP: Final = "Model: an .onnx file, or a shipped model (synth, follow, biopatrec, population)."
MODEL = click.option("--model", "model_name", required=True, help=MODEL_HELP)
CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file (TOML).", show_default="the built-in settings"
)
FIRMWARE = click.option(
    "--firmware",
    type=click.Choice([board.name.lower() for board in Board if board is not Board.SIMULATED]),
    help="Run the real firmware of this board in its simulator; this needs a clone of the repository.",
)
NAME = click.option(
    "--name", default="", help="Name of the hand, left or right, if its service has one.", show_default=False
)
SECONDS = click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="How long to run, in seconds.",
    show_default="until Ctrl-C",
)
JSON = click.option(
    "--json", "json_to", metavar="F", help="Write the summary to this file as JSON; - prints it on standard output."
)


def _only_lines(_context: click.Context, _option: click.Parameter, plain: bool) -> None:
    """Makes rich, and every process that the command starts, treat this terminal as one that only prints lines."""
    if plain:
        os.environ["TERM"] = "dumb"


PLAIN = click.option(
    "--plain",
    is_flag=True,
    expose_value=False,
    callback=_only_lines,
    help="Print lines of text instead of drawing, for screen readers and simple terminals.",
)

VIEW_PORT = click.option(
    "--view-port", default=8765, type=click.IntRange(0, 65535), help="TCP port of the page; 0 picks a free port."
)
BIND = click.option(
    "--bind",
    default="127.0.0.1",
    metavar="ADDRESS",
    help="Address of the page. 127.0.0.1 serves this computer only; with another address, such as 0.0.0.0, other "
    "computers can open the page with the printed token.",
)
CONTROL = click.option("--control", is_flag=True, help="Let viewers of the page ARM, DISARM and ESTOP the hand.")


def write_json(summary: dict[str, Any], to: str | None) -> None:
    """Writes the summary to the place that `--json` names, and says which file it wrote; None: nowhere."""
    if to == "-":
        click.echo(json.dumps(summary, indent=2))
    elif to is not None:
        save_json(summary, to)
        wrote(Path(to), "summary")


def save_json(summary: dict[str, Any], to: str | None) -> None:
    """Writes the summary to the file that `--json` names, if it names a file; says nothing."""
    if to not in {None, "-"}:
        write_text(Path(to or ""), json.dumps(summary, indent=2) + "\n")


def say(text: str) -> None:
    """Prints a sentence on standard error; standard output is for results."""
    click.echo(f"myobridge: {printable(text)}", err=True)


def wrote(path: Path, what: str) -> None:
    """Says which file was written; the last sentence of a command that makes a file."""
    say(written(path, what))


def written(path: Path, what: str) -> str:
    """A sentence that names the file, what is in it, and its size."""
    size, unit = float(path.stat().st_size), "bytes"
    for larger in ("kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    digits = 0 if unit == "bytes" or size >= 10 else 1
    return f"Wrote {path} ({what}, {size:.{digits}f} {unit})."


@contextmanager
def interruptible(sentence: Callable[[], str]) -> Iterator[None]:
    """Lets Ctrl-C, SIGTERM and SIGHUP end the block: drafts are removed, and `sentence` says which files exist.

    Raises:
        UserError: the block was interrupted.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    heard = [number for number, handler in before.items() if handler != signal.SIG_IGN]  # `nohup` ignores one
    for number in heard:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt as stopped:
        raise UserError(sentence()) from stopped
    finally:
        for number in heard:
            signal.signal(number, before[number])


def give_to_daemon(port: str | None, mine: Path) -> bool:
    """Gives the model to the daemon on the port, if one runs there; whether the daemon runs the model now."""
    from myobridge.calibration.calibrate import swap

    if port is None:
        return False
    swapped, sentence = swap(port, mine)
    say(sentence)
    return swapped
