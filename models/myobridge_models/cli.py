"""`myobridge-models`: describe, train, evaluate and export decoders."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from myobridge.errors import UserError
from rich.console import Console

from myobridge_models.describe import describe, print_description
from myobridge_models.receptive import Shape

json_option = click.option("--json", "json_path", metavar="F", help="Also write one JSON object to F (- is stdout).")


def write_json(facts: dict[str, Any], path: str) -> None:
    """Writes `facts` to a file, or to stdout if `path` is "-".

    Raises:
        UserError: the file cannot be written.
    """
    text = json.dumps(facts, indent=1)
    if path == "-":
        click.echo(text)
        return
    try:
        Path(path).write_text(text + "\n")
    except OSError as error:
        raise UserError(f"{path}: cannot write the JSON ({error.strerror}); choose another path.") from error


def console_for(json_path: str | None) -> Console:
    """Where people read: stderr if stdout carries the JSON."""
    return Console(stderr=json_path == "-", highlight=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Train, judge and export the decoders of myobridge."""


@commands.command("describe")
@click.option("--fs", "fs_hz", type=float, required=True, help="Sampling rate in Hz.")
@click.option("--channels", type=int, default=4, show_default=True, help="EMG channels.")
@json_option
def describe_command(fs_hz: float, channels: int, json_path: str | None) -> None:
    """Show dilations, receptive fields, window and parameters at a sampling rate."""
    shape = Shape(fs_hz, channels)
    print_description(shape, console_for(json_path))
    if json_path:
        write_json(describe(shape), json_path)


def main() -> None:
    """The command; a user's mistake is one sentence on stderr and exit code 1."""
    try:
        commands()
    except UserError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
