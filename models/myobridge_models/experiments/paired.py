"""Networks against the strongest classical decoder that knows as much, paired over people.

A person counts once, with the mean over the person's folds, because folds of a person are not independent. Strongest
is the classical decoder with the highest mean balanced accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from myobridge_models.experiments.baselines import BASELINES

CONFIDENCE: Final = 0.95
LEAST_PEOPLE: Final = 2
STRANGERS: Final = "_unseen"
MINUTE: Final = ("_one", "_minute")
SECONDS: Final = "_seconds"

Row = Mapping[str, Any]


class Paired(NamedTuple):
    """A network minus a classical decoder, over people.

    difference, low, high: mean of balanced accuracy, and its interval (Student's t). ahead: people on whom the network
    is ahead. wilcoxon_p: of the signed-rank test, two-sided. mae_difference_deg: of the error.
    """

    decoder: str
    classical: str
    people: int
    difference: float
    low: float
    high: float
    ahead: int
    wilcoxon_p: float
    mae_difference_deg: float

    def sentence(self) -> str:
        """Returns the comparison as a sentence."""
        return (
            f"{self.decoder} minus {self.classical}, paired over {self.people} people: balanced accuracy "
            f"{self.difference:+.3f} ({self.low:+.3f} to {self.high:+.3f}, 95 %), ahead on {self.ahead}, Wilcoxon "
            f"p = {self.wilcoxon_p:.2g}; error {self.mae_difference_deg:+.1f}°."
        )


def paired(rows: Sequence[Row]) -> list[Paired]:
    """Compares each network of the benchmark's rows with the strongest classical decoder that knows as much."""
    names = list(dict.fromkeys(str(row["decoder"]) for row in rows))
    found = []
    for name in names:
        rivals = [other for other in names if other in BASELINES and _knows(other) == _knows(name)]
        if name in BASELINES or not rivals:
            continue
        strongest = max(rivals, key=lambda rival: np.mean([*_by_person(rows, rival, "balanced_accuracy").values()]))
        accuracy, error = (_differences(rows, name, strongest, figure) for figure in ("balanced_accuracy", "mae_deg"))
        if len(accuracy) >= LEAST_PEOPLE:
            found.append(_compared(name, strongest, accuracy, error))
    return found


def _compared(name: str, classical: str, accuracy: NDArray[np.float64], error_deg: NDArray[np.float64]) -> Paired:
    people, mean = len(accuracy), float(accuracy.mean())
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, people - 1) * accuracy.std(ddof=1) / np.sqrt(people))
    p = float(stats.wilcoxon(accuracy).pvalue) if accuracy.any() else 1.0
    ahead = int(np.sum(accuracy > 0))
    return Paired(name, classical, people, mean, mean - reach, mean + reach, ahead, p, float(error_deg.mean()))


def _knows(decoder: str) -> str:
    """What a decoder knows of the person, by the end of its name."""
    if decoder.endswith(STRANGERS):
        return STRANGERS
    if decoder.endswith(SECONDS):
        return SECONDS
    return "minute" if decoder.endswith(MINUTE) else "all"


def _differences(rows: Sequence[Row], name: str, rival: str, figure: str) -> NDArray[np.float64]:
    """The figure of a decoder minus its rival's (people,), of the people who have both."""
    own, others = _by_person(rows, name, figure), _by_person(rows, rival, figure)
    return np.array([own[person] - others[person] for person in own if person in others])


def _by_person(rows: Sequence[Row], decoder: str, figure: str) -> dict[object, float]:
    """The mean figure of a decoder over each person's folds."""
    folds: dict[object, list[float]] = {}
    for row in rows:
        if row["decoder"] == decoder:
            folds.setdefault(row["person"], []).append(float(row[figure]))
    return {person: float(np.mean(values)) for person, values in folds.items()}
