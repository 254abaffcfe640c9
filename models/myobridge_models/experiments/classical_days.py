"""The classical decoders on later days: a centre of the features takes up what has changed.

The centre of a session is the mean of its features over the known seconds, in which each movement has its share. The
decoder learns from features minus their session's centre, so a new session only needs a centre of its own. A decoder
that knows nothing of a session takes the centre of earlier ones, and follows the new features in file order. Labels of
the known seconds are learnt in addition; they weigh as much as one earlier session. Where the earlier sessions
recognise few of these seconds, the electrodes sit elsewhere, and the decoder learns from these seconds alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from myobridge_models.data.takes import Take, channel_scale, scaled
from myobridge_models.evaluation.decisions import STEP_S, Decisions, instants
from myobridge_models.experiments.baselines import FULL_S, Baseline, Learner, Targets, check_targets
from myobridge_models.experiments.classical_features import Floats
from myobridge_models.experiments.knowledge import Knowledge
from myobridge_models.experiments.sessions import Session

CENTRE_S: Final = 30.0
"""A decoder that knows nothing of a session weighs the centre of earlier sessions like this time of the new one; 15 to
50 s did alike on days 6 to 42 of MultiDay."""

ELSEWHERE: Final = 0.62
"""Earlier sessions that recognise less than this share of the known windows are not learnt from.

On days 6 to 42 of MultiDay the share is 0.66 or more; after a shift of the cuff (persons 0 to 3 of ElectrodeShift) it
is mostly less."""


@dataclass(frozen=True)
class ClassicalDays:
    """A baseline that has learnt from several sessions.

    scale: (channels,), of the training.
    x, y: features (windows, F) minus their session's centre, and targets, of one session on average `per_session`.
    estimator: has learnt from x.
    centre: (F,), the mean of the earlier sessions' centres.
    """

    baseline: Baseline
    scale: Floats
    x: Floats
    y: Targets
    per_session: float
    estimator: Learner
    centre: Floats

    def __call__(self, session: Session, knowledge: Knowledge) -> Decisions:
        """Decides at the instants of a session."""
        takes, rows = scaled(session.takes, self.scale), instants(session.recording)
        x = self.baseline.features_at(takes, rows, session.recording.fs_hz)
        if knowledge is Knowledge.NONE:
            predicted = self.estimator.predict(self._followed(x))
        else:
            known, targets = known_windows(self.baseline, session, takes)
            centre = known.mean(axis=0)
            learner = self.estimator if knowledge is Knowledge.UNLABELLED else self._taught(known - centre, targets)
            predicted = learner.predict(x - centre)
        return Decisions(rows, self.baseline.angles_deg(predicted, session.poses))

    def _followed(self, x: Floats) -> Floats:
        """Subtracts from each window the mean of all windows up to it and of the centre before."""
        before, seen = round(CENTRE_S / STEP_S), np.arange(1, len(x) + 1)[:, None]
        centre = (before * self.centre + np.cumsum(x, axis=0, dtype=np.float64)) / (before + seen)
        return np.asarray(x - centre, np.float32)

    def _taught(self, x: Floats, y: Targets) -> Learner:
        """Learns anew, from the earlier sessions and from known windows, or from these alone."""
        taught = self.baseline.learner()
        tells = self.baseline.classifies and len(np.unique(y)) > 1
        if tells and np.mean(self.estimator.predict(x) == y) < ELSEWHERE:
            return taught.fit(x, y)
        times = max(1, round(self.per_session / len(x)))
        return taught.fit(np.concatenate([self.x, *[x] * times]), np.concatenate([self.y, *[y] * times]))


def learn_baseline(baseline: Baseline, train: Sequence[Session]) -> ClassicalDays:
    """Learns from earlier sessions.

    Raises:
        UserError: there are too few windows, or movements, to learn from, or a channel is flat.
    """
    scale = channel_scale([take for session in train for take in session.takes])
    found, targets, centres = [], [], []
    for session in train:
        takes = scaled(session.takes, scale)
        x, y = baseline.windows(takes, session.recording.fs_hz)
        found.append(x)
        targets.append(y)
        centres.append(known_windows(baseline, session, takes)[0].mean(axis=0))
    y = np.concatenate(targets)
    check_targets(y, ", ".join(session.name for session in train))
    centred = np.concatenate([x - c for x, c in zip(found, centres, strict=True)])
    return ClassicalDays(
        baseline,
        scale,
        centred,
        y,
        len(y) / len(train),
        baseline.learner().fit(centred, y),
        np.mean(centres, axis=0),
    )


def known_windows(baseline: Baseline, session: Session, takes: Sequence[Take]) -> tuple[Floats, Targets]:
    """Returns features and targets of the windows inside a session's known seconds."""
    rows = session.known_rows(STEP_S, FULL_S)
    targets = session.label[rows].astype(np.int64) if baseline.classifies else session.truth_deg[rows]
    return baseline.features_at(takes, rows, session.recording.fs_hz), targets
