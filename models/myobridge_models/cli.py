"""`myobridge-models`: describe, train, evaluate and benchmark decoders."""

from __future__ import annotations

import sys
from typing import Final

import click

from myobridge.cli import DEBUG, Commands

TRAINING_PACKAGES: Final = ("torch", "onnx", "scipy", "sklearn", "matplotlib")
"""Of the extra `train`; the runtime does without."""


@click.group(
    cls=Commands,
    name="myobridge-models",
    package="myobridge_models.commands",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@DEBUG
def commands(debug: bool) -> None:
    """Train, judge and export the decoders of myobridge."""


def main() -> None:
    """The command; where the training extra is missing it says so in one sentence."""
    try:
        commands()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in TRAINING_PACKAGES:
            raise
        click.echo(f"myobridge-models: {package} is not installed; run `pip install -e '.[train]'` first.", err=True)
        sys.exit(1)
