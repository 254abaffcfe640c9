"""The command line. A command's module is imported when it is asked for, so that the daemon starts quickly."""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports ends quietly; `run` and others set their own

import os
import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import click

from myobridge.errors import UserError

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # before numpy: its threads cost memory and latency, and gain nothing

SHARED = "options"
"""The module of a commands package that is no command."""


class Commands(click.Group):
    """The commands of one package; prints a user's mistake as one sentence and leaves with exit code 1."""

    def __init__(self, package: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all command modules."""
        path = import_module(self._package).__path__
        return sorted(module.name.replace("_", "-") for module in iter_modules(path) if module.name != SHARED)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command that its module holds under its own name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"{self._package}.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command that was asked for."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"{ctx.command_path}: {error}", err=True)
            sys.exit(1)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except OSError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"{ctx.command_path}: {_refusal(error)}", err=True)
            sys.exit(1)


def _refusal(error: OSError) -> UserError:
    """What the system does not let us do, where nobody has said it better."""
    what = error.strerror or str(error)
    where = f": {error.filename}" if error.filename else ""
    return UserError(f"{what}{where}; check the path, its permissions and the room on the disk.")


DEBUG = click.option("--debug", is_flag=True, help="Show where an error comes from.")


@click.group(
    cls=Commands,
    name="myobridge",
    package="myobridge.commands",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@DEBUG
@click.version_option(package_name="myobridge")
def main(debug: bool) -> None:
    """Surface EMG in over a serial port, five servo angles of a prosthetic hand out.

    A research prototype, not a medical device.
    """
