"""Untrained networks of every family, for tests of what all families have in common."""

import torch

from myobridge.model.file import REST_DEG, ModelSpec, usual_hop_samples
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.registry import create
from myobridge_models.training.recipe import history_hops


def network_of(family, fs_hz=500, channels=2) -> Network:
    torch.manual_seed(0)
    network = create(family, fs_hz, channels, 0.1)
    network.fit_gain(torch.randn(4, channels, network.shape.window_samples + 100))
    return network.eval()


def spec_for(network: Network, family: str) -> ModelSpec:
    shape = network.shape
    return ModelSpec(
        name="test",
        family=family,
        fs_hz=shape.fs_hz,
        channels=tuple(f"ch{n}" for n in range(shape.channels)),
        window_samples=shape.window_samples,
        hop_samples=usual_hop_samples(shape.fs_hz),
        history_hops=history_hops(shape.fs_hz) if shape.history_values else 0,
        prefilter_sos=((1, -1, 0, 1, -0.9, 0),),
        scale_fs=(0.01,) * shape.channels,
        rest_pose_deg=REST_DEG,
    )
