"""The networks on later days: as they are, or with a last step for the day, from class statistics of earlier days.

With nothing known, the network decides in the daemon's pipeline. With known seconds, a linear discriminant on the
network's features decides (`myobridge.calibration.class_statistics`), at the instants and unsmoothed, as a classical
decoder does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from myobridge.calibration.class_statistics import ClassStatistics, LastStep, alike, last_step, statistics_of
from myobridge.model.file import ModelSpec
from myobridge_models.data.takes import scaled
from myobridge_models.evaluation.decisions import STEP_S, Decisions, Rows, instants
from myobridge_models.experiments.baselines import FULL_S
from myobridge_models.experiments.decoders import LearntNetwork
from myobridge_models.experiments.knowledge import Knowledge
from myobridge_models.experiments.sessions import Session
from myobridge_models.network.families.base import Network
from myobridge_models.training.build import build
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.train import Progress, fastest_device

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NetworkDays:
    """A network that has learnt from several sessions."""

    network: Network
    spec: ModelSpec
    statistics: ClassStatistics

    def __call__(self, session: Session, knowledge: Knowledge) -> Decisions:
        """Decides on a whole session."""
        if knowledge is Knowledge.NONE:
            return LearntNetwork(self.network, self.spec)(session.recording, session.source)
        rows = instants(session.recording)
        found = self._step(session, knowledge)(features_at(self.network, self.spec, session, rows))
        pose_of = {pose.label: pose.angles_deg for pose in session.poses}
        return Decisions(rows, np.array([pose_of[label] for label in found.tolist()], np.float32))

    def _step(self, session: Session, knowledge: Knowledge) -> LastStep:
        """Returns the last step of a session; movements that were held alike keep their old means."""
        rows = session.known_rows(STEP_S, FULL_S)
        seen = features_at(self.network, self.spec, session, rows)
        old = last_step(self.statistics, seen)
        if knowledge is Knowledge.UNLABELLED:
            return old
        labels = session.label[rows].astype(np.int64)
        new = last_step(self.statistics, seen, labels)
        pose_of = {pose.label: pose.angles_deg for pose in session.poses}
        mistaken = any(pose_of[one] != pose_of[other] for one, other in alike(new, seen, labels))
        return old if mistaken else new


def learn_network(family: str, train: Sequence[Session], recipe: Recipe, progress: Progress | None) -> NetworkDays:
    """Trains a network on earlier sessions.

    Raises:
        UserError: the sessions do not suffice.
    """
    sources = [(session.source, session.recording) for session in train]
    network, spec = build("days", sources, train[0].poses, recipe, None, fastest_device(), progress, family)
    found, labels = [], []
    for session in train:
        rows, known = instants(session.recording), session.known_rows(STEP_S, FULL_S)
        centre = features_at(network, spec, session, known).mean(axis=0)
        found.append(features_at(network, spec, session, rows) - centre)
        labels.append(session.label[rows].astype(np.int64))
    return NetworkDays(network, spec, statistics_of(np.concatenate(found), np.concatenate(labels)))


@torch.no_grad()
def features_at(network: Network, spec: ModelSpec, session: Session, rows: Rows) -> Floats:
    """Returns the network's features (rows, F); a window that begins before its take reads zeros there."""
    before, found, start = spec.window_samples - 1, [], 0
    for take in scaled(session.takes, np.array(spec.scale_fs, np.float32)):
        inside = rows[(rows >= start) & (rows < start + len(take))] - start
        if len(inside):
            emg = torch.from_numpy(np.pad(take.emg, ((0, 0), (before, 0))))[None]
            found.append(network.features_at(emg, torch.from_numpy(inside + before))[0].double().numpy())
        start += len(take)
    return np.concatenate(found)
