"""The robustness curves as one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from myobridge_models.report.plots import COLOURS, plain_grid

SHOWN = (("balanced_accuracy", "balanced accuracy"), ("mae_deg", "mean absolute error, °"))
UNCHANGED_AT = {"gain, all channels": 1.0, "gain, one channel": 1.0, "rotation, electrodes": 0.0}
"""Level of the unchanged recording on a curve, for curves that include it."""


def robustness_figure(curves: Sequence[Mapping[str, object]]) -> Figure:
    """Draws a column for each curve: accuracy above, error below; the dashed line is the unchanged recording."""
    names = [name for name in dict.fromkeys(str(row["perturbation"]) for row in curves) if name != "none"]
    decoders = list(dict.fromkeys(str(row["decoder"]) for row in curves))
    figure = Figure(figsize=(2.2 * len(names), 4.6), layout="constrained")
    panels = np.array(figure.subplots(len(SHOWN), len(names), sharey="row", sharex="col", squeeze=False))
    for line, (key, title) in zip(panels, SHOWN, strict=True):
        for axes, name in zip(line, names, strict=True):
            plain_grid(axes)
            for number, decoder in enumerate(decoders):
                own = [row for row in curves if row["decoder"] == decoder]
                _draw_curve(axes, own, name, key, COLOURS[number % len(COLOURS)], decoder)
        line[0].set_ylabel(title)
        line[0].set_ylim(0, 1 if key == "balanced_accuracy" else None)
    for axes, name in zip(panels[0], names, strict=True):
        axes.set_title(name)
    if len(decoders) > 1:
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside right upper")
    return figure


def _draw_curve(
    axes: Axes, curves: Sequence[Mapping[str, object]], name: str, key: str, colour: str, decoder: str
) -> None:
    """Draws one decoder's curve of this name into a panel."""
    [unchanged] = [row[key] for row in curves if row["perturbation"] == "none"]
    points = {float(str(row["level"])): row[key] for row in curves if row["perturbation"] == name}
    if name in UNCHANGED_AT:
        points[UNCHANGED_AT[name]] = unchanged
    levels = sorted(level for level, value in points.items() if value is not None)
    style = "o" if name == "dead channel" else "o-"
    shown = [float(str(points[level])) for level in levels]
    axes.plot(levels, shown, style, color=colour, linewidth=1.2, markersize=4, label=decoder)
    if unchanged is not None:
        axes.axhline(float(str(unchanged)), color=colour, linewidth=0.8, linestyle="--")
    axes.set_xticks(levels, [f"{level:g}" for level in levels])
