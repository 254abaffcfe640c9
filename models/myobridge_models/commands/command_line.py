"""The command line of `myobridge-models`."""

from __future__ import annotations

from typing import Final

import click

from myobridge.commands.command_line import Commands, debug_option

TRAINING_PACKAGES: Final = ("torch", "onnx", "scipy", "sklearn", "joblib", "matplotlib")
"""Packages of the extra `train`; the daemon does not need them."""


@click.group(
    cls=Commands,
    name="myobridge-models",
    package="myobridge_models.commands",
    extras={**dict.fromkeys(TRAINING_PACKAGES, "train"), "distributed": "dask"},
)
@debug_option
@click.version_option(package_name="myobridge", prog_name="myobridge-models")
def commands(debug: bool) -> None:
    """Train, evaluate and export the decoders of myobridge."""
