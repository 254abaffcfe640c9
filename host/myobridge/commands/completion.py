"""What a shell offers after an option: serial ports, and models. https://click.palletsprojects.com/shell-completion/"""

from __future__ import annotations

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


class ModelName(click.types.StringParamType):
    """A model; a shell offers the shipped ones and files."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The shipped models that begin like this, and files."""
        from myobridge.model.shipped import shipped_models

        names = [CompletionItem(name) for name in shipped_models() if name.startswith(incomplete)]
        return [*names, CompletionItem(incomplete, type="file")]


COMPLETED: Final = {"port": PortName(), "ports": PortName(), "model_name": ModelName()}
"""By the name of the parameter, in each command."""
