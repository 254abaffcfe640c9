"""What a shell offers after an option: serial ports, and models. https://click.palletsprojects.com/shell-completion/"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import click
from click.shell_completion import CompletionItem


class PortName(click.types.StringParamType):
    """A serial port; a shell offers the ports of this machine."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The ports that begin like this, and else file names, because a simulated hand is a link."""
        from serial.tools.list_ports import comports

        found = sorted(port.device for port in comports() if port.device.startswith(incomplete))
        return [CompletionItem(name) for name in found] or [CompletionItem(incomplete, type="file")]


class NameOrFile(click.types.StringParamType):
    """One of some names, or a file; a shell offers both."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def names(self) -> Iterable[str]:
        """The names."""
        return self._names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin like this, and files."""
        names = [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]
        return [*names, CompletionItem(incomplete, type="file")]


class ModelName(NameOrFile):
    """A model: a shipped one, or a file."""

    def names(self) -> Iterable[str]:
        """The shipped models."""
        from myobridge.model.shipped import shipped_models

        return shipped_models()


COMPLETED: Final = {
    "port": PortName(),
    "ports": PortName(),
    "hand": PortName(),
    "model_name": ModelName(),
    "source": NameOrFile("synth"),
    "poses": NameOrFile(),
    "json_to": NameOrFile("-"),
}
"""By the name of the parameter, in each command."""
