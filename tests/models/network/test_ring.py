"""The ring family shares its weights around the ring of electrodes."""

import torch

from myobridge_models.network.families.ring import TURNS, turned
from networks import network_of


def test_a_turned_ring_gives_turned_maps():
    network = network_of("ring", 2000, 8)
    emg = torch.randn(3, 8, network.shape.window_samples)
    for by in TURNS:
        assert torch.allclose(network.maps(turned(emg, by)), turned(network.maps(emg), by), atol=1e-4)


def test_an_electrode_sees_two_neighbours_on_each_side():
    network = network_of("ring", 2000, 8)
    emg = torch.randn(1, 8, network.shape.window_samples)
    before = network.maps(emg)
    emg[:, 0] *= 3
    changed = (network.maps(emg) != before).any(dim=2)[0]
    assert changed.tolist() == [True, True, True, False, False, False, True, True]


def test_a_turn_changes_the_features_of_averaged_turns_less_than_those_of_one():
    network = network_of("ring", 2000, 8)
    maps = network.maps(torch.randn(50, 8, network.shape.window_samples))

    def of_one(x):
        return torch.relu(network.placed(x.flatten(1)))

    def averaged(x):
        return torch.stack([of_one(turned(x, by)) for by in TURNS]).mean(dim=0)

    def change(features):
        return (features(turned(maps, 1)) - features(maps)).norm() / features(maps).norm()

    assert change(averaged) < 0.7 * change(of_one)
