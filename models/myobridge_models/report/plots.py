"""Plots of a benchmark: confusions, angles against the cue, error by person, decoders side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from cycler import cycler
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.files import draft, no_pictures
from myobridge_models.evaluation.decisions import held_at, instants
from myobridge_models.evaluation.evaluate import distinct_poses
from myobridge_models.evaluation.steadiness import nearest_pose
from myobridge_models.experiments.benchmark import Judged, means

COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#444444", "#b5a800")
"""The palette of Okabe and Ito, which colour-blind readers can tell apart."""
STYLE: Final[dict[Any, Any]] = {
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "figure.dpi": 120,
    "font.size": 9,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
}

Draw = Callable[[], Figure]


def benchmark_plots(judged: Sequence[Judged], folder: Path) -> list[Path]:
    """Draws all plots of a benchmark into the folder, which is created if missing, and returns their paths.

    Raises:
        UserError: the folder cannot be written.
    """
    plots: dict[str, Draw] = {
        "decoders": lambda: decoders_figure(judged),
        "people": lambda: people_figure(judged),
    }
    for decoder in decoders_of(judged):
        plots[f"confusion_{decoder}"] = lambda decoder=decoder: confusion_figure(judged, decoder)  # type: ignore[misc]
    best = min(means([one.row() for one in judged]), key=lambda mean: float(str(mean["mae_deg"])))["decoder"]
    seen: set[int] = set()
    for one in judged:
        if one.decoder == best and one.fold.person not in seen:
            seen.add(one.fold.person)
            plots[f"angles_person{one.fold.person}"] = lambda one=one: angles_figure(one)  # type: ignore[misc]
    return draw_all(plots, folder)


def draw_all(plots: Mapping[str, Draw], folder: Path) -> list[Path]:
    """Draws each plot into a .png of its name.

    Raises:
        UserError: the folder cannot be written.
    """
    paths = [folder / f"{name}.png" for name in plots]
    with no_pictures(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE):
        for path, paint in zip(paths, plots.values(), strict=True):
            with draft(path) as half:
                paint().savefig(half)
    return paths


def decoders_of(judged: Sequence[Judged]) -> list[str]:
    """Returns the names of the decoders, in the order of the rows."""
    return list(dict.fromkeys(one.decoder for one in judged))


def decoders_figure(judged: Sequence[Judged]) -> Figure:
    """Draws all decoders side by side, a dot for each fold and a bar for their mean."""
    names = decoders_of(judged)
    shown = (
        ("mae_deg", "mean absolute error, °"),
        ("balanced_accuracy", "balanced accuracy"),
        ("false_activations_per_hour", "false activations per hour of rest"),
        ("away_s_per_hour", "s away from rest per hour of rest"),
        ("onset_delay_s", "onset delay, s"),
    )
    figure = Figure(figsize=(12.5, 3.4), layout="constrained")
    for axes, (key, title) in zip(np.ravel(figure.subplots(1, len(shown))), shown, strict=True):
        plain_grid(axes, title)
        for at, name in enumerate(names):
            known = [getattr(one.figures, key) for one in judged if one.decoder == name]
            values = np.array([value for value in known if value is not None])
            if len(values):
                spread = np.linspace(-0.25, 0.25, len(values)) if len(values) > 1 else 0
                axes.bar(at, values.mean(), width=0.7, color=COLOURS[at % len(COLOURS)], alpha=0.35)
                axes.scatter(at + spread, values, s=6, color=COLOURS[at % len(COLOURS)])
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    return figure


def people_figure(judged: Sequence[Judged]) -> Figure:
    """Draws the error by person: the mean over the person's folds, a line for each decoder."""
    people = sorted({one.fold.person for one in judged})
    figure = Figure(figsize=(max(5, 0.6 * len(people) + 3), 3.4), layout="constrained")
    axes = figure.subplots()
    plain_grid(axes, "mean absolute error by person, °")
    for name in decoders_of(judged):
        errors = [
            np.mean([one.figures.mae_deg for one in judged if one.decoder == name and one.fold.person == person])
            for person in people
        ]
        axes.plot(range(len(people)), errors, "o-", label=name, linewidth=1, markersize=4)
    axes.set_xticks(range(len(people)), [str(person) for person in people])
    axes.set_xlabel("person")
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside right upper")
    return figure


def confusion_counts(judged: Sequence[Judged], decoder: str) -> NDArray[np.int64]:
    """Counts how often each pose (row) was decoded as each pose (column) over a decoder's folds: (poses, poses)."""
    poses = distinct_poses(judged[0].fold.poses)
    counts = np.zeros((len(poses), len(poses)), np.int64)
    for one in judged:
        if one.decoder == decoder:
            rows = instants(one.fold.recording, one.fold.held_out)
            angles_deg = held_at(rows, one.decisions, one.fold.recording, one.fold.rest_deg)
            true = nearest_pose(one.fold.truth_deg[rows], poses)
            np.add.at(counts, (true, nearest_pose(angles_deg, poses)), 1)
    return counts


def confusion_figure(judged: Sequence[Judged], decoder: str) -> Figure:
    """Draws the share of each pose that was decoded as each pose."""
    fold = judged[0].fold
    counts = confusion_counts(judged, decoder)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    first_names = [
        next(pose.name for pose in fold.poses if np.array_equal(pose.angles_deg, row))
        for row in distinct_poses(fold.poses)
    ]
    names = [name.replace("_", " ") for name in first_names]
    figure = Figure(figsize=(1.8 + 0.6 * len(names), 1.5 + 0.55 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("decoded")
    axes.set_ylabel("cue")
    axes.set_title(f"{decoder}: % of each pose's instants")
    return figure


def angles_figure(one: Judged) -> Figure:
    """Draws the five angles against the cue through the held-out repetition, one movement after the other."""
    fold = one.fold
    rows = instants(fold.recording, fold.held_out)
    angles_deg, true_deg = held_at(rows, one.decisions, fold.recording, fold.rest_deg), fold.truth_deg[rows]
    at_s = np.arange(len(rows)) * (rows[1] - rows[0]) / fold.recording.fs_hz
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = np.ravel(figure.subplots(len(SERVOS), 1, sharex=True, sharey=True))
    for servo, axes in enumerate(panels):
        plain_grid(axes)
        axes.fill_between(at_s, true_deg[:, servo], color="#dddddd", linewidth=0, step="mid", label="cue's pose")
        axes.plot(at_s, angles_deg[:, servo], linewidth=1, label=one.decoder)
        axes.set_ylabel(f"{SERVOS[servo]}, °")
    for start in np.flatnonzero(np.diff(rows) > rows[1] - rows[0]):
        for axes in panels:
            axes.axvline(at_s[start], color="#bbbbbb", linewidth=0.5)
    panels[0].set_title(f"person {fold.person}, repetition {fold.held_out} held out: {one.figures.mae_deg:.1f}° MAE")
    panels[0].set(ylim=(-6, 186), yticks=(0, 90, 180), xlim=(0, at_s[-1]))
    panels[-1].set_xlabel("s, takes one after the other")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def plain_grid(axes: Axes, title: str = "") -> None:
    """Draws horizontal lines behind the data."""
    axes.set_title(title)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
