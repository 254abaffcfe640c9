"""Joins the commands of a package into one command line, and turns every failure into a sentence and an exit code."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from io import StringIO
from keyword import iskeyword
from pathlib import Path
from pkgutil import iter_modules
from traceback import extract_tb
from typing import IO, Any, Final, NoReturn

import click

from myobridge.commands.hardened import hardened
from myobridge.errors import UserError, printable

SHARED: Final = ("command_line", "completion", "hardened", "options", "pairing")
"""Modules of a commands package that do not hold a command."""
DEBUG: Final = "--debug"
SETTINGS: Final = {"help_option_names": ["-h", "--help"], "show_default": True}


class Commands(click.Group):
    """The commands of one package. A command's module is imported when the command runs, so commands start fast."""

    def __init__(self, package: str, extras: Mapping[str, str] | None = None, **settings: Any) -> None:
        """extras: for each library that may be missing, the name of the extra that installs it."""
        super().__init__(context_settings=SETTINGS, **settings)
        self._package, self._extras = package, extras or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all command modules."""
        path = import_module(self._package).__path__
        modules = (module.name for module in iter_modules(path) if module.name not in SHARED)
        return sorted(name.rstrip("_").replace("_", "-") for name in modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None: there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        name = cmd_name.replace("-", "_") + "_" * iskeyword(cmd_name)
        return hardened(getattr(import_module(f"{self._package}.{name}"), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the user asked for; the error about an unknown name offers the nearest name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(
                f"There is no command '{args[0]}'." + _nearest(args[0], self.list_commands(ctx)), ctx
            ) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists each command with the whole first sentence of its help."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_sentence(command)) for name, command in commands if command])

    def main(  # type: ignore[override]  # click's returns where we end the process
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **settings: Any
    ) -> NoReturn:
        """Runs the command that the user asked for, and ends the process.

        Exit codes: 0; 1 after a mistake or a failure; 2 after wrong usage; SIGINT ends the process as SIGINT.
        """
        words = list(sys.argv[1:] if args is None else args)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # so that `finally` blocks clean up
        try:
            try:
                status = super().main(words, prog_name or self.name, **settings | {"standalone_mode": False})
            except SystemExit as ended:
                status = ended.code
            sys.stdout.flush()
        except (click.ClickException, click.Abort, KeyboardInterrupt, Exception) as error:
            if words[:1] == [DEBUG] and not isinstance(error, click.ClickException | click.Abort):
                raise
            status = self._refuse(error, words)
        for stream in (sys.stdout, sys.stderr):
            _give_up_unwritten(stream)
        sys.exit(status or 0)

    def _refuse(self, error: BaseException, words: Sequence[str]) -> int:
        """Prints what is wrong, if standard error is open; the exit code."""
        if isinstance(error, click.Abort | KeyboardInterrupt):
            _end_interrupted()
        with suppress(OSError):
            if isinstance(error, click.ClickException):
                said = StringIO()
                _helpful(error).show(said)
                click.echo("\n".join(map(printable, said.getvalue().splitlines())), err=True)
            elif not isinstance(error, BrokenPipeError):
                click.echo(f"{self.name}: {self._sentence(error, words)}", err=True)
        return error.exit_code if isinstance(error, click.ClickException) else 1

    def _sentence(self, error: BaseException, words: Sequence[str]) -> UserError:
        """The sentence about a failure that no command has handled."""
        match error:
            case UserError():
                return error
            case OSError():
                what = error.strerror or str(error)
                where = f": {error.filename}" if error.filename else ""
                return UserError(f"{what}{where}; check the path, its permissions and the free space on the disk.")
            case MemoryError():
                return UserError("There is not enough memory; use a shorter recording or a computer with more memory.")
            case ModuleNotFoundError(name=str(name)) if (package := name.partition(".")[0]) in self._extras:
                return UserError(
                    f"{package} is not installed; run `pip install 'myobridge[{self._extras[package]}]'` first."
                )
        at = extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error}".removesuffix(": ")
        return UserError(
            f"This is a bug in {self.name} ({what}, in {Path(at.filename).name}, line {at.lineno}); "
            f"run `{self.name} {DEBUG} {' '.join(words)}`, and report what it prints."
        )


def _helpful(error: click.ClickException) -> click.ClickException:
    """The error, with the nearest option for an unknown one, and with the help of an option that is missing."""
    match error:
        case click.NoSuchOption(ctx=click.Context() as ctx):
            known = [name for parameter in ctx.command.get_params(ctx) for name in parameter.opts if name[:1] == "-"]
            said = f"There is no option '{error.option_name}'." + _nearest(error.option_name, known)
            return click.UsageError(said, ctx)
        case click.MissingParameter(param=click.Option(help=str(text)) as option):
            return click.UsageError(f"The option '{option.opts[0]}' is missing. {text}", error.ctx)
    return error


def _nearest(typed: str, names: Sequence[str]) -> str:
    return "".join(f" Did you mean '{name}'?" for name in get_close_matches(typed, names, 1))


def _first_sentence(command: click.Command) -> str:
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    found = re.match(r".+?[.](?=\s|$)", paragraph)
    return found[0] if found else paragraph


def _end_interrupted() -> NoReturn:
    """Ends the process by SIGINT, so that a shell's loop around the command ends too."""
    for stream in (sys.stdout, sys.stderr):
        _give_up_unwritten(stream)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.raise_signal(signal.SIGINT)
    sys.exit(128 + signal.SIGINT)  # where SIGINT is blocked


def _give_up_unwritten(stream: IO[str]) -> None:
    """Flushes the stream; if nobody reads it, drops the rest, which Python would otherwise retry with a traceback."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


debug_option = click.option(
    DEBUG, is_flag=True, help="Show the traceback of an error; write this option before the command."
)


@click.group(cls=Commands, name="myobridge", package="myobridge.commands")
@debug_option
@click.version_option(package_name="myobridge", prog_name="myobridge")
def commands(debug: bool) -> None:
    """Turn surface EMG from a serial port into five servo angles of a prosthetic hand.

    myobridge is a research prototype, not a medical device.
    """
