"""`myobridge-models robustness`: figures of a model with changed electrodes."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import JSON, PLAIN, write_json, wrote
from myobridge.errors import UserError
from myobridge_models.commands.options import RECORDINGS, console_for, names


@click.command()
@click.argument("model_name", metavar="MODEL")
@RECORDINGS
@click.option(
    "--repetition", type=click.IntRange(min=0), help="Test on this repetition only.", show_default="all repetitions"
)
@click.option(
    "--decoders",
    help="Classical decoders to judge, too; they learn from the other repetitions.",
    show_default="none",
)
@click.option("--plots", type=click.Path(path_type=Path), help="Folder for a plot (.png).")
@PLAIN
@JSON
def robustness(
    model_name: str,
    recordings: tuple[Path, ...],
    repetition: int | None,
    decoders: str | None,
    plots: Path | None,
    json_to: str | None,
) -> None:
    """Measure the accuracy of MODEL on RECORDINGS with changed electrodes, beside classical decoders.

    The changes are: gain, noise, hum, a dead channel, and rotated electrodes.
    """
    from myobridge.model.shipped import find_model
    from myobridge_models.data.training_set import load_source
    from myobridge_models.experiments.baselines import BASELINES
    from myobridge_models.experiments.decoders import checked_decoders
    from myobridge_models.experiments.robustness import Point, curves, learn_beside, perturbations, points_of
    from myobridge_models.report.plots import draw_all
    from myobridge_models.report.progress import tracked
    from myobridge_models.report.robustness_plot import robustness_figure
    from myobridge_models.report.tables import print_rows

    path = find_model(model_name)
    known = [name for name, one in BASELINES.items() if one.of_sessions]
    chosen = checked_decoders(names(decoders), known) if decoders is not None else []
    points: list[Point] = []
    for source in recordings:
        _, recording = load_source(source)
        beside = {}
        if chosen:
            if repetition is None:
                raise UserError("--decoders learn from the other repetitions; name one to judge on with --repetition.")
            beside = learn_beside(chosen, path, recording, source, repetition)
        found = points_of(path, recording, source, repetition, beside)
        points += tracked(found, source.name, (1 + len(beside)) * len(perturbations(recording.channels)), "changes")
    rows = curves(points)
    print_rows(f"{path.stem} with changed electrodes", rows, console_for(json_to))
    report = {"model": str(path), "repetition": repetition, "curves": rows, "rows": [p._asdict() for p in points]}
    write_json(report, json_to)
    if plots:
        for plot in draw_all({f"robustness_{path.stem}": lambda: robustness_figure(rows)}, plots):
            wrote(plot, "plot")
