"""The robustness curves as one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from myobridge_models.report.plots import plain_grid

SHOWN = (("balanced_accuracy", "balanced accuracy"), ("mae_deg", "mean absolute error, °"))
UNCHANGED_AT = {"gain, all channels": 1.0, "gain, one channel": 1.0, "rotation, electrodes": 0.0}
"""Level of the unchanged recording on a curve, for curves that include it."""


def robustness_figure(curves: Sequence[Mapping[str, object]]) -> Figure:
    """Draws a column for each curve: accuracy above, error below; the dashed line is the unchanged recording."""
    names = [name for name in dict.fromkeys(str(row["perturbation"]) for row in curves) if name != "none"]
    figure = Figure(figsize=(2.2 * len(names), 4.6), layout="constrained")
    panels = np.array(figure.subplots(len(SHOWN), len(names), sharey="row", sharex="col", squeeze=False))
    for line, (key, title) in zip(panels, SHOWN, strict=True):
        unchanged = [row[key] for row in curves if row["perturbation"] == "none"]
        for axes, name in zip(line, names, strict=True):
            plain_grid(axes)
            points = {float(str(row["level"])): row[key] for row in curves if row["perturbation"] == name}
            if name in UNCHANGED_AT:
                points[UNCHANGED_AT[name]] = unchanged[0]
            levels = sorted(level for level, value in points.items() if value is not None)
            style = "o" if name == "dead channel" else "o-"
            axes.plot(levels, [float(str(points[level])) for level in levels], style, linewidth=1.2, markersize=4)
            if unchanged[0] is not None:
                axes.axhline(float(str(unchanged[0])), color="#777777", linewidth=0.8, linestyle="--")
            axes.set_xticks(levels, [f"{level:g}" for level in levels])
        line[0].set_ylabel(title)
        line[0].set_ylim(0, 1 if key == "balanced_accuracy" else None)
    for axes, name in zip(panels[0], names, strict=True):
        axes.set_title(name)
    return figure
