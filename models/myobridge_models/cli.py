"""`myobridge-models`: describe, train, evaluate and benchmark decoders.

Commands import what they need when they run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from myobridge.cli import JSON, write_json
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge_models.train import Progress

RECORDINGS = click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path))
SEED = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
STEPS = click.option("--steps", type=click.IntRange(min=20), help="Training steps; the recipe's by default.")

TRAINING_PACKAGES = ("torch", "onnx", "scipy", "sklearn")
"""Of the extra `train`; the runtime does without."""


def console_for(json_to: str | None) -> Console:
    """Where people read: stderr if stdout carries the JSON."""
    return Console(stderr=json_to == "-", highlight=False)


@contextmanager
def progress_bar(title: str, steps: int) -> Iterator[Progress]:
    """A bar on stderr that shows the training's loss."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[loss]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=steps, loss="")
        yield lambda step, loss_deg: bar.update(task, completed=step, loss=f"{loss_deg:4.1f}°")


def numbers(text: str | None) -> list[int] | None:
    """ "1,7" → [1, 7]; None stays None.

    Raises:
        UserError: it is no list of whole numbers.
    """
    try:
        return None if text is None else [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"'{text}' is no list of numbers; write them like 1,7.") from error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Train, judge and export the decoders of myobridge."""


@commands.command()
@click.option("--fs", "fs_hz", type=float, required=True, help="Sampling rate in Hz.")
@click.option("--channels", type=int, default=4, show_default=True, help="EMG channels.")
@JSON
def describe(fs_hz: float, channels: int, json_to: str | None) -> None:
    """Show dilations, receptive fields, window and parameters at a sampling rate."""
    from myobridge_models.describe import facts, print_facts
    from myobridge_models.receptive import Shape

    shape = Shape(fs_hz, channels)
    print_facts(shape, console_for(json_to))
    write_json(facts(shape), json_to)


@commands.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--seconds", type=click.FloatRange(min=1), default=180, show_default=True)
@click.option("--fs", "fs_hz", type=float, default=2000, show_default=True, help="Sampling rate in Hz.")
@click.option("--channels", type=int, default=4, show_default=True)
@SEED
def synth(out: Path, seconds: float, fs_hz: float, channels: int, seed: int) -> None:
    """Record the simulated wearer, true finger angles included, to OUT (.npz)."""
    from myobridge.device.synth import SynthOptions
    from myobridge_models.synthetic import record

    record(SynthOptions(fs_hz=fs_hz, channels=channels, seed=seed), seconds).save(out)


@commands.command()
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


@commands.command()
@click.argument("model", type=click.Path(path_type=Path))
@RECORDINGS
@click.option("--repetition", type=click.IntRange(min=0), help="Judge on this repetition only.")
@JSON
def evaluate(model: Path, recordings: tuple[Path, ...], repetition: int | None, json_to: str | None) -> None:
    """Closed-loop figures of MODEL on RECORDINGS, through the daemon's pipeline."""
    from myobridge.recording import Recording
    from myobridge.shipped import find_model
    from myobridge_models.evaluate import evaluate as evaluate_model
    from myobridge_models.tables import print_rows

    path = find_model(str(model))
    scores = [(source, evaluate_model(path, Recording.load(source), source, repetition)) for source in recordings]
    rows = [{"recording": source.name, **score._asdict()} for source, score in scores]
    print_rows(f"{path.stem}, closed loop from rest", rows, console_for(json_to))
    mae_deg = sum(score.mae_deg for _, score in scores) / len(scores)
    write_json({"model": str(path), "repetition": repetition, "rows": rows, "mae_deg": mae_deg}, json_to)


@commands.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder with s01.npz, s02.npz …")
@click.option("--people", help="Like 1,7; all by default.")
@click.option("--folds", help="Held-out repetitions, like 0,2; all three by default.")
@click.option("--decoders", default="mean,forest,lda,cnn_mlp", show_default=True)
@SEED
@STEPS
@JSON
def benchmark(
    data: Path, people: str | None, folds: str | None, decoders: str, seed: int, steps: int | None, json_to: str | None
) -> None:
    """Train on two repetitions, test on the third: the network beside the classical decoders."""
    from myobridge_models import biopatrec
    from myobridge_models.benchmark import checked_decoders, means, run_fold
    from myobridge_models.tables import print_rows
    from myobridge_models.train import recipe

    chosen = checked_decoders(decoders.split(","))
    plan, console = recipe(seed, steps), console_for(json_to)
    rows = []
    for person in numbers(people) or biopatrec.people_in(data):
        source, recording = biopatrec.load_person(data, person)
        for fold in numbers(folds) or [0, 1, 2]:
            with progress_bar(f"person {person}, fold {fold}", plan.steps) as bar:
                rows += run_fold(person, source, recording, fold, chosen, plan, bar)
    found = [row._asdict() for row in rows]
    print_rows("Held-out repetition, closed loop, all windows", found, console)
    print_rows("Means", means(rows), console)
    write_json({"rows": found, "means": means(rows), "steps": plan.steps, "seed": seed}, json_to)


def main() -> None:
    """The command; a user's mistake is one sentence on stderr and exit code 1."""
    try:
        commands()
    except UserError as error:
        click.echo(f"myobridge-models: {error}", err=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in TRAINING_PACKAGES:
            raise
        click.echo(f"myobridge-models: {package} is not installed; run `pip install -e '.[train]'` first.", err=True)
        sys.exit(1)
