"""What holds for every command: --version, completion, finite numbers, outputs that can be written and replace no
input.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from functools import wraps
from pathlib import Path
from typing import Final, SupportsFloat, SupportsIndex

import click

from myobridge.commands.completion import COMPLETED
from myobridge.errors import UserError
from myobridge.files import check_folder, check_place, no_pictures

STDOUT: Final = "-"
OUTPUTS: Final = ("json_to", "out", "trace", "plot", "csv_to")
"""Names of the parameters that are paths to write to."""
RESULTS: Final = ("json_to", "plot", "csv_to")
"""Names of the parameters that are files of results, which a command writes at its end."""
FOLDER: Final = "plots"
"""Name of the parameter that is a folder of pictures, which a command makes at its end."""
_DONE: Final = "_myobridge_hardened"


class FiniteNumber(click.types.FloatParamType):
    """A finite number; click's own accepts `nan` and `inf`."""

    name = "number"

    def convert(
        self, value: SupportsFloat | SupportsIndex, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number.

        Raises:
            click.BadParameter: the value is not a number, or not finite.
        """
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class FiniteRange(FiniteNumber, click.FloatRange):
    """A range of finite numbers. click's own range accepts `nan`, because `nan` is neither below nor above a limit."""


def hardened(command: click.Command) -> click.Command:
    """The command with --version and completion, made to refuse numbers that are not finite, and outputs that are also
    inputs or cannot be written.
    """
    if getattr(command, _DONE, False):
        return command
    setattr(command, _DONE, True)
    for parameter in command.params:
        old = parameter.type
        if isinstance(old, click.FloatRange):
            parameter.type = FiniteRange(old.min, old.max, old.min_open, old.max_open, old.clamp)
        elif old is click.FLOAT:
            parameter.type = FiniteNumber()
        elif isinstance(old, click.IntRange):
            old.name = "integer"  # in an error; click says "integer range" of the value
        elif old is click.STRING:
            parameter.type = COMPLETED.get(parameter.name or "", old)
    click.version_option(package_name="myobridge")(command)
    if callback := command.callback:

        @wraps(callback)
        def checked(**values: object) -> object:
            refuse_to_replace(values)
            check_places(values)
            return callback(**values)

        command.callback = checked
    return command


def refuse_to_replace(values: dict[str, object]) -> None:
    """Refuses an output that is the same file as an input.

    Raises:
        UserError: one of the outputs is.
    """
    inputs = [path for name, value in values.items() if name not in OUTPUTS for path in _paths(value)]
    for name in OUTPUTS:
        for output in _paths(values.get(name)):
            if any(_same(output, path) for path in inputs):
                raise UserError(f"This command reads {output} and would replace it; write to another file.")


def check_places(values: dict[str, object]) -> None:
    """Checks that results can be written, before a command works for hours on them.

    Raises:
        UserError: a file or a folder of results cannot be written.
    """
    for name in RESULTS:
        for output in _paths(values.get(name)):
            if output != STDOUT:
                check_place(Path(output))
    for output in _paths(values.get(FOLDER)):
        folder = Path(output)
        with no_pictures(folder):
            check_folder(next(parent for parent in (folder, *folder.absolute().parents) if parent.exists()))


def _paths(value: object) -> Iterator[str]:
    if isinstance(value, (str, Path)):
        yield os.fspath(value)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _paths(one)


def _same(one: str, other: str) -> bool:
    try:
        return Path(one).is_file() and Path(one).samefile(other)
    except (OSError, ValueError):
        return False
