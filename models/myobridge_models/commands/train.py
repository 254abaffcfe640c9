"""`myobridge-models train`: recordings in, one .onnx out."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import JSON, PLAIN, interruptible, write_json, wrote
from myobridge_models.commands.options import POSES, RECORDINGS, SEED, STEPS, THREADS, check_output, training_set

if TYPE_CHECKING:
    from myobridge.model.file import ModelSpec
    from myobridge_models.network.families.base import Network


@click.command()
@RECORDINGS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx file to write.")
@click.option(
    "--hold-out", type=click.IntRange(min=0), help="Repetition to leave out, for later tests.", show_default="none"
)
@click.option(
    "--validate", type=click.IntRange(min=0), help="Repetition to leave out, for early stopping.", show_default="none"
)
@click.option("--family", default="cnn_mlp_log", help="Network family; see `compare`.")
@click.option("--population", is_flag=True, help="Many people's recordings, for a base model to calibrate.")
@click.option("--robust", is_flag=True, help="Also train on altered copies: noise, hum, turned cuff, dead channel.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file (TOML) whose [amplifier] goes into the model, so that views show microvolts.",
)
@click.option(
    "--oversampling",
    type=click.IntRange(1, 16),
    default=1,
    help="Conversions of each channel in one sample that the model asks of its board, as in the recordings.",
)
@POSES
@SEED
@STEPS
@THREADS
@PLAIN
@JSON
def train(
    recordings: tuple[Path, ...],
    out: Path,
    hold_out: int | None,
    validate: int | None,
    family: str,
    population: bool,
    robust: bool,
    config: Path | None,
    oversampling: int,
    poses: str | None,
    seed: int,
    steps: int | None,
    json_to: str | None,
) -> None:
    """Train on RECORDINGS (.myo, .npz) of one board and write the model.

    The targets are the recordings' true finger angles, or else the poses of their labels. To resume an interrupted
    training, give the same command again.
    """
    from msgspec import structs

    from myobridge.settings import load_settings
    from myobridge_models.data.training_set import all_but
    from myobridge_models.export.export import export
    from myobridge_models.network.families.registry import checked_family
    from myobridge_models.report.progress import training_progress
    from myobridge_models.training.build import build
    from myobridge_models.training.earlier_days import add_statistics
    from myobridge_models.training.recipe import POPULATION, recipe
    from myobridge_models.training.train import fastest_device

    skin_range_uv = load_settings(config).amplifier.skin_range_uv
    plan = replace(recipe(seed, steps, POPULATION if population else None), copies=int(robust))
    checked_family(family)
    check_output(out)
    sources, named = training_set(recordings, poses)
    repetitions = all_but(sources, sorted({r for r in (hold_out, validate) if r is not None}))
    checkpoint = out.with_name(out.name + ".checkpoint")

    def write(network: Network, spec: ModelSpec) -> None:
        export(network, structs.replace(spec, skin_range_uv=skin_range_uv, oversampling=oversampling), out)
        add_statistics(out, sources, repetitions)

    with interruptible(lambda: _interrupted(checkpoint)), training_progress(out.stem, plan.steps) as bar:
        _, spec = build(
            out.stem,
            sources,
            named,
            plan,
            repetitions,
            fastest_device(),
            bar,
            family,
            validate,
            checkpoint,
            write,
        )
    wrote(out, f"model of {spec.training['minutes']} minutes of EMG")
    write_json({"model": str(out), "family": family, **asdict(plan), **spec.training}, json_to)


def _interrupted(checkpoint: Path) -> str:
    resume = f"give the same command again to resume from {checkpoint}"
    return f"The training was interrupted; {resume if checkpoint.exists() else 'there is no checkpoint yet'}."
