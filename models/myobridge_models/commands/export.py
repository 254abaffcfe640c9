"""`myobridge-models export`: the network of an unfinished training as a model file."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import wrote


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx file to write.")
def export(checkpoint: Path, out: Path) -> None:
    """Export the network of an unfinished training from its CHECKPOINT.

    A training keeps the checkpoint beside its model; the export does not end the training.
    """
    from myobridge_models.export.export import export as write
    from myobridge_models.training.checkpoint import network_in

    write(*network_in(checkpoint), out)
    wrote(out, "model of an unfinished training")
