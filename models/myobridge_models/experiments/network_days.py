"""The networks on later days: as they are, or with the MLP trained on by the known seconds and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import torch

from myobridge.model.file import ModelSpec
from myobridge_models.data.takes import Take, channel_scale, scaled
from myobridge_models.evaluation.decisions import Decisions
from myobridge_models.experiments.decoders import LearntNetwork
from myobridge_models.experiments.knowledge import Knowledge
from myobridge_models.experiments.sessions import Session
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.registry import create
from myobridge_models.training.build import build
from myobridge_models.training.recipe import CALIBRATION, Recipe
from myobridge_models.training.train import Progress, fastest_device, train


@dataclass(frozen=True)
class NetworkDays:
    """A network that has learnt from several sessions."""

    network: Network
    spec: ModelSpec

    def __call__(self, session: Session, knowledge: Knowledge) -> Decisions | None:
        """Decides in the daemon's pipeline; a network cannot use seconds without labels."""
        match knowledge:
            case Knowledge.NONE:
                return LearntNetwork(self.network, self.spec)(session.recording, session.source)
            case Knowledge.UNLABELLED:
                return None
            case Knowledge.LABELLED:
                return self._taught(session)(session.recording, session.source)

    def _taught(self, session: Session) -> LearntNetwork:
        """Trains a copy on the known seconds, as a calibration does."""
        torch.manual_seed(CALIBRATION.seed)
        spec = self.spec
        network = create(spec.family, spec.fs_hz, len(spec.channels), CALIBRATION.dropout)
        network.load_state_dict(self.network.state_dict())
        takes = known_takes(session)
        scale = channel_scale(takes)
        network = train(scaled(takes, scale), network, CALIBRATION, fastest_device())
        return LearntNetwork(network, msgspec.structs.replace(spec, scale_fs=tuple(scale.tolist())))


def learn_network(family: str, train_on: Sequence[Session], recipe: Recipe, progress: Progress | None) -> NetworkDays:
    """Trains a network on earlier sessions.

    Raises:
        UserError: the sessions do not suffice.
    """
    sources = [(session.source, session.recording) for session in train_on]
    poses, device = train_on[0].poses, fastest_device()
    return NetworkDays(*build("days", sources, poses, recipe, None, device, progress, family))


def known_takes(session: Session) -> list[Take]:
    """Cuts the known seconds out of a session's takes, each as a take of its own; the muscle holds all of it."""
    found, start = [], 0
    for take in session.takes:
        for known in session.known:
            if start <= known.start < start + len(take):
                part = take.cut(slice(known.start - start, known.stop - start))
                found.append(replace(part, usable=np.ones(len(part), bool)))
        start += len(take)
    return found
