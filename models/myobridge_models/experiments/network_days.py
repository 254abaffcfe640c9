"""The networks on later days: as they are, with today's features translated into those of earlier days, or fresh.

Translation, fresh head and the choice between them are those of a calibration in seconds
(`myobridge.calibration.today_head`). All networks decide in the daemon's pipeline.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from myobridge.calibration.class_statistics import Day, Labels, Translation, statistics_of, translation
from myobridge.calibration.fresh_head import fresh_head, has_room
from myobridge.calibration.judge import Poses, score, taken_for_another
from myobridge.calibration.today_head import ENOUGH
from myobridge.model.file import ModelSpec
from myobridge.model.head import LAYERS
from myobridge.model.statistics import ClassStatistics
from myobridge_models.data.takes import scaled
from myobridge_models.evaluation.decisions import STEP_S, Angles, Decisions, Rows, instants
from myobridge_models.experiments.baselines import FULL_S
from myobridge_models.experiments.decoders import LearntNetwork
from myobridge_models.experiments.knowledge import Knowledge
from myobridge_models.experiments.sessions import Session
from myobridge_models.network.families.base import Network
from myobridge_models.network.shape import HISTORY_STEPS
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
        network = self.network if knowledge is Knowledge.NONE else self._of_day(session, knowledge)
        return LearntNetwork(network, self.spec)(session.recording, session.source)

    def _of_day(self, session: Session, knowledge: Knowledge) -> Network:
        """Returns the network of a session; labels of poses that were held alike are not believed."""
        rows = session.known_rows(STEP_S, FULL_S)
        seen, labels = features_at(self.network, self.spec, session, rows), session.label[rows].astype(np.int64)
        old = behind(self.network, translation(self.statistics, seen))
        if knowledge is Knowledge.UNLABELLED:
            return old
        poses = {pose.label: pose for pose in session.poses if pose.label in labels}
        knows = (score(_at_rest(old, seen, session.rest_deg), labels, poses).balanced_accuracy or 0.0) >= ENOUGH
        new = None if knows else self._fresh(seen, labels, poses)
        if new is None:
            new = behind(self.network, translation(self.statistics, seen, labels))
        return old if taken_for_another(_at_rest(new, seen, session.rest_deg), labels, poses) else new

    def _fresh(self, seen: Floats, labels: Labels, poses: Poses) -> Network | None:
        """Returns a network with a head of known windows; None where a calibration in seconds has no fresh head."""
        copied = copy.deepcopy(self.network)
        linear = _dense(copied)
        layers = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in linear]
        rest_deg = self.spec.rest_pose_deg
        same = list(poses) == self.statistics.labels.tolist()
        if len(layers) != LAYERS or not same or not has_room(poses, rest_deg, layers):
            return None
        today = Day(seen, labels, np.ones(len(labels), bool))
        with torch.no_grad():
            for layer, (weight, bias) in zip(
                linear, fresh_head(self.statistics, today, poses, rest_deg, layers), strict=True
            ):
                layer.weight.copy_(torch.from_numpy(weight))
                layer.bias.copy_(torch.from_numpy(bias))
        return copied


@torch.no_grad()
def _at_rest(network: Network, seen: Floats, rest_deg: Angles) -> Floats:
    """Returns the angles (N, 5) of features (N, F) of a hand that has been at rest."""
    rest = torch.tensor(rest_deg).repeat(len(seen), HISTORY_STEPS)
    angles_deg: Floats = network.decide(torch.from_numpy(seen).float(), rest).double().numpy()
    return angles_deg


def _dense(network: Network) -> list[nn.Linear]:
    return [layer for layer in network.get_submodule("mlp").modules() if isinstance(layer, nn.Linear)]


@torch.no_grad()
def behind(network: Network, moved: Translation) -> Network:
    """Returns a copy of the network that reads the features of another day."""
    copied = copy.deepcopy(network)
    first = _dense(copied)[0]
    weight, bias = moved.before(first.weight.double().numpy(), first.bias.double().numpy())
    first.weight.copy_(torch.from_numpy(weight))
    first.bias.copy_(torch.from_numpy(bias))
    return copied


def learn_network(family: str, train: Sequence[Session], recipe: Recipe, progress: Progress | None) -> NetworkDays:
    """Trains a network on earlier sessions.

    Raises:
        UserError: the sessions do not suffice.
    """
    sources = [(session.source, session.recording) for session in train]
    network, spec = build("days", sources, train[0].poses, recipe, None, fastest_device(), progress, family)
    return NetworkDays(network, spec, statistics_of([_day(network, spec, session) for session in train]))


def _day(network: Network, spec: ModelSpec, session: Session) -> Day:
    known = session.known_rows(STEP_S, FULL_S)
    rows = np.union1d(instants(session.recording), known)
    return Day(features_at(network, spec, session, rows), session.label[rows].astype(np.int64), np.isin(rows, known))


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
