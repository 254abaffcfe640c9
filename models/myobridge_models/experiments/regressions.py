"""Regressions beside which a network that follows fingers is judged: they read the network's window, the last 0.4 s.

They learn angles from the same recordings, from the logarithms of RMS, mean absolute value and waveform length, and
from zero crossings, of the last 0.1, 0.2 and 0.4 s, and decide every 50 ms. `behind_filter` steadies their decisions as
the daemon steadies those of a network.
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

from myobridge import SERVOS
from myobridge.decoder.postprocess import Postprocessor
from myobridge.model.file import LabelledPose, ModelSpec
from myobridge.recording import Recording
from myobridge_models.data.takes import channel_scale, design_prefilter, scaled
from myobridge_models.data.training_set import Source, training_takes
from myobridge_models.evaluation.decisions import Decisions
from myobridge_models.experiments.baselines import Baseline, Learner, LearntBaseline, check_targets
from myobridge_models.experiments.classical_features import hudgins
from myobridge_models.network.families.base import FULL_SWING_DEG

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


def behind_filter(decisions: Decisions, spec: ModelSpec, recording: Recording) -> Decisions:
    """Returns the decisions behind the gate and the filter of a model, one each hop; between decisions, they stay."""
    steady = Postprocessor(spec, (0.0,) * len(SERVOS), (FULL_SWING_DEG,) * len(SERVOS))
    sample, angles_deg = [], []
    for take in recording.takes():
        own = decisions.sample[(decisions.sample >= take.start) & (decisions.sample < take.stop)]
        if len(own):
            steady.reset()
            hops = np.arange(own[0], take.stop, spec.hop_samples)
            newest = np.searchsorted(decisions.sample, hops, side="right") - 1
            sample.append(hops)
            angles_deg += [steady(row) for row in decisions.angles_deg[newest].tolist()]
    return Decisions(np.concatenate(sample), np.array(angles_deg, np.float32))
