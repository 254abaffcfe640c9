"""`myobridge-models train`: recordings in, one .onnx out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from myobridge.commands.options import JSON, write_json
from myobridge_models.commands.options import RECORDINGS, SEED, STEPS, progress_bar


@click.command()
@RECORDINGS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx file to write.")
@click.option("--hold-out", type=click.IntRange(min=0), help="Repetition to leave out, to be judged on later.")
@SEED
@STEPS
@JSON
def train(
    recordings: tuple[Path, ...], out: Path, hold_out: int | None, seed: int, steps: int | None, json_to: str | None
) -> None:
    """Train on RECORDINGS (.npz) of one device and write the model.

    Targets are the recordings' true finger angles, or else BioPatRec's labels through its proposed poses.
    """
    from myobridge.recording import Recording
    from myobridge_models import biopatrec
    from myobridge_models.build import build
    from myobridge_models.export import export
    from myobridge_models.train import fastest_device, recipe

    plan = recipe(seed, steps)
    sources = [(path, Recording.load(path)) for path in recordings]
    poses = () if all(r.angles_deg is not None for _, r in sources) else biopatrec.POSES
    with progress_bar(out.stem, plan.steps) as bar:
        network, spec = build(out.stem, sources, poses, plan, hold_out, fastest_device(), bar)
    export(network, spec, out)
    write_json({"model": str(out), **asdict(plan), **spec.training}, json_to)
