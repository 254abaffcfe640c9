"""Regressions beside which a network that follows fingers is judged: they read the network's window, the last 0.4 s.

They learn angles from the same recordings, from the logarithms of RMS, mean absolute value and waveform length, and
from zero crossings, of the last 0.1, 0.2 and 0.4 s, and decide every 50 ms without smoothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from myobridge.model.file import LabelledPose
from myobridge_models.data.takes import channel_scale, design_prefilter, scaled
from myobridge_models.data.training_set import Source, training_takes
from myobridge_models.experiments.baselines import Baseline, Learner, LearntBaseline, check_targets
from myobridge_models.experiments.classical_features import hudgins

WINDOWS_S: Final = (0.1, 0.2, 0.4)
MOST_WINDOWS: Final = 8000
"""Support vectors cost the square of the windows: of more, evenly spread ones are learned from."""


def _ridge() -> Learner:
    ridge: Learner = make_pipeline(StandardScaler(), RidgeCV(np.geomspace(0.01, 1000, 6)))
    return ridge


def _forest() -> Learner:
    forest: Learner = RandomForestRegressor(100, min_samples_leaf=2, random_state=0)
    return forest


def _svr() -> Learner:
    # C is in the unit of the targets; an error of 2° costs nothing.
    svr: Learner = make_pipeline(StandardScaler(), MultiOutputRegressor(SVR(C=100.0, epsilon=2.0)))
    return svr


_features = partial(hudgins, windows_s=WINDOWS_S)
REGRESSIONS: Final[Mapping[str, Baseline]] = {
    name: Baseline(learner, _features, classifies=False, settled=False)
    for name, learner in (("ridge", _ridge), ("forest", _forest), ("svr", _svr))
}


def learnt(name: str, sources: Sequence[Source], poses: Sequence[LabelledPose]) -> LearntBaseline:
    """Returns a regression that has learnt from these recordings.

    Raises:
        UserError: the recordings do not fit together or do not suffice.
    """
    baseline = REGRESSIONS[name]
    fs_hz = sources[0][1].fs_hz
    takes = training_takes(sources, poses, design_prefilter(fs_hz))
    scale = channel_scale(takes)
    x, y = baseline.windows(scaled(takes, scale), fs_hz)
    check_targets(y, str(sources[0][0]))
    some = np.linspace(0, len(x) - 1, min(len(x), MOST_WINDOWS)).astype(np.int64)
    return LearntBaseline(baseline, baseline.learner().fit(x[some], y[some]), scale, poses)
