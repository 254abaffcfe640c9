"""`myobridge-models`: describe, train, evaluate and benchmark decoders."""

from __future__ import annotations

from myobridge.cli import begin


def main() -> None:
    """Runs `myobridge-models` as a process of its own."""
    begin()
    from myobridge_models.commands.command_line import commands

    commands()
