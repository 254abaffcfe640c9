"""The curves of `days` as one figure: balanced accuracy by session, a panel for each kind of knowledge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from myobridge_models.experiments.days import Row
from myobridge_models.experiments.knowledge import Knowledge
from myobridge_models.report.plots import plain_grid

TITLES = {
    Knowledge.NONE: "nothing known of the session",
    Knowledge.UNLABELLED: "{:g} s of each movement, no labels",
    Knowledge.LABELLED: "{:g} s of each movement, labelled",
}
MOST_NAMES = 12
"""Sessions that can be named below an axis; of more, some are named."""


def days_figure(rows: Sequence[Row], labelled_s: float) -> Figure:
    """Draws a line for each decoder over the sessions in order."""
    sessions = list(dict.fromkeys(row.session for row in rows))
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    panels = np.ravel(figure.subplots(1, len(TITLES), sharey=True))
    for number, decoder in enumerate(dict.fromkeys(row.decoder for row in rows)):
        for axes, knowledge in zip(panels, TITLES, strict=True):
            own = {
                row.session: row.balanced_accuracy
                for row in rows
                if (row.decoder, row.knowledge) == (decoder, knowledge)
            }
            at = [sessions.index(session) for session in own]
            style = "o-" if number < 8 else "s--"  # the palette has eight colours
            axes.plot(at, list(own.values()), style, linewidth=1.2, markersize=3.5, label=decoder)
    named = range(0, len(sessions), -(-len(sessions) // MOST_NAMES))
    for axes, (_, title) in zip(panels, TITLES.items(), strict=True):
        plain_grid(axes, title.format(labelled_s))
        axes.set_xticks(list(named), [sessions[at] for at in named], rotation=40, ha="right")
        axes.set_ylim(0, 1)
    panels[0].set_ylabel("balanced accuracy")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
    return figure
