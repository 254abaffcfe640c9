"""What several commands share: their options, and how they speak."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from myobridge.errors import UserError, printable
from myobridge.files import write_text

MODEL = click.option(
    "--model", "model_name", required=True, help="An .onnx file, or a shipped model: synth, biopatrec, population."
)
CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="The settings, a TOML file.", show_default="none needed"
)
FIRMWARE = click.option(
    "--firmware", type=click.Choice(["mega2560", "uno"]), help="Run the real firmware in its simulator (from a clone)."
)
SECONDS = click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), help="How long to run.", show_default="until Ctrl-C"
)
JSON = click.option("--json", "json_to", metavar="F", help="Write the summary to this file, or to - for the terminal.")


def _only_lines(_context: click.Context, _option: click.Parameter, plain: bool) -> None:
    """Makes this terminal one that can only print lines, for rich and for the processes that the command starts."""
    if plain:
        os.environ["TERM"] = "dumb"


PLAIN = click.option(
    "--plain",
    is_flag=True,
    expose_value=False,
    callback=_only_lines,
    help="Print lines instead of drawing, for screen readers and simple terminals.",
)

VIEW_PORT = click.option(
    "--view-port", default=8765, type=click.IntRange(0, 65535), help="TCP port of the page; 0 takes a free one."
)
BIND = click.option(
    "--bind",
    default="127.0.0.1",
    metavar="ADDRESS",
    help="Address of the page: this machine only, or e.g. 0.0.0.0 for others too, who then need the printed token.",
)
CONTROL = click.option("--control", is_flag=True, help="Let the page ARM, DISARM and ESTOP the hand.")


def write_json(summary: dict[str, Any], to: str | None) -> None:
    """Writes the summary where `--json` said."""
    if to is None:
        return
    text = json.dumps(summary, indent=2)
    if to == "-":
        click.echo(text)
        return
    write_text(Path(to), text + "\n")


def say(text: str) -> None:
    """A sentence for the person at the terminal, apart from any JSON."""
    click.echo(f"myobridge: {printable(text)}", err=True)


def wrote(path: Path, what: str) -> None:
    """The last sentence of a command that makes a file."""
    say(written(path, what))


def written(path: Path, what: str) -> str:
    """What was written where, and how large it is."""
    size, unit = float(path.stat().st_size), "bytes"
    for larger in ("kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    digits = 0 if unit == "bytes" or size >= 10 else 1
    return f"Wrote {path} ({what}, {size:.{digits}f} {unit})."


@contextmanager
def interruptible(sentence: Callable[[], str]) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP end the block: drafts are removed, and the sentence says what there is.

    Raises:
        UserError: it was interrupted.
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
