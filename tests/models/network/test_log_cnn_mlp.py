"""The network that reads logarithms: a gain is a shift, and noise is for training only."""

import pytest
import torch

from myobridge_models.network.log_cnn_mlp import MAP_SCATTER, MAP_SHIFT, LogCnnMlp
from myobridge_models.network.time_shape import TimeShape


def network_at(fs_hz, channels=3):
    torch.manual_seed(0)
    network = LogCnnMlp(TimeShape(fs_hz, channels))
    loudness = torch.rand(16, channels, 1) + 0.1
    network.fit_gain(loudness * torch.randn(16, channels, network.shape.window_samples + 200))
    return network.eval()


@pytest.mark.parametrize("fs_hz", [200, 1000, 2048])
def test_a_segment_and_the_cache_give_the_features_of_windows(fs_hz):
    network = network_at(fs_hz)
    w = network.shape.window_samples
    segment = torch.randn(1, 3, w + 333)
    ends = torch.tensor([w - 1, w, w + 57, w + 332])
    windows = torch.stack([network.features(segment[..., end - w + 1 : end + 1])[0] for end in ends])
    assert torch.allclose(network.features_at(segment, ends)[0], windows, rtol=1e-3, atol=1e-3)
    cached = network.from_cache(network.to_cache(segment[0]), ends, torch.ones(4, 3))
    assert torch.allclose(cached, windows, rtol=1e-3, atol=1e-3)


def test_a_gain_is_applied_to_the_cache_as_to_the_emg():
    network = network_at(1000)
    w = network.shape.window_samples
    for bias in network.patterns.biases:
        torch.nn.init.zeros_(bias)  # the maps follow a gain exactly without them
    emg, gain, ends = torch.randn(3, w + 100), torch.tensor([[0.5, 1.0, 2.0]]), torch.tensor([w + 99])
    cached = network.from_cache(network.to_cache(emg), ends, gain)
    scaled = network.features_at(emg[None] * gain[..., None], ends)[0]
    assert torch.allclose(cached, scaled, rtol=1e-3, atol=1e-3)


def test_a_gain_of_all_channels_shifts_all_features_of_loud_emg():
    network = network_at(1000)
    emg = 30 * torch.randn(4, 3, network.shape.window_samples)
    before, after = (network.spread * network.features(gain * emg) + network.centre for gain in (1, 2))
    maps, loud = network.shape.pattern_values, before > 2  # a map of which nothing passes the ReLU stays silent
    expected = torch.tensor([2.0, 4.0]).log().repeat_interleave(torch.tensor([maps, before.shape[1] - maps]))
    assert loud.float().mean() > 0.8
    assert torch.allclose((after - before)[loud], expected.expand_as(before)[loud], atol=0.02)


def movements(network):
    """Features of three movements, each of its own loudness, and their numbers."""
    ends = torch.arange(network.shape.window_samples, 3000, 3)
    segments = torch.linspace(0.3, 3, 3)[:, None, None] * torch.randn(3, 3, 3000)
    number = torch.arange(3)[:, None].expand(3, len(ends)) + 7
    return network.features_at(segments, ends).flatten(0, 1), number.flatten()


def scatter_of_one_movement(features, number):
    apart = torch.cat([features[number == n] - features[number == n].mean(dim=0) for n in number.unique()])
    return (apart.T @ apart / len(apart)).diagonal().mean().item()


def test_a_training_centres_the_features_and_whitens_what_one_movement_scatters_on_new_windows():
    network = network_at(500)
    network.fit_features(*movements(network))
    features, number = movements(network)
    assert features.mean(dim=0).abs().max() < 0.3
    features[:, : network.shape.pattern_values] *= MAP_SCATTER
    assert scatter_of_one_movement(features @ network.whitening, number) == pytest.approx(1, abs=0.3)


def test_the_mlp_trusts_the_maps_less_than_the_channel_powers():
    network = network_at(500)
    network.fit_features(*movements(network))
    features, number = movements(network)
    maps = network.shape.pattern_values
    of_maps, of_powers = features.clone(), features.clone()
    of_maps[:, maps:], of_powers[:, :maps] = 0, 0
    per_map, per_power = (
        scatter_of_one_movement(part @ network.whitening, number) / count
        for part, count in ((of_maps, maps), (of_powers, features.shape[1] - maps))
    )
    assert per_map < per_power / 2


def test_the_whitening_goes_into_the_first_dense_layer_and_changes_no_angle(tmp_path):
    network = network_at(500)
    network.fit_features(*movements(network))
    features, history = movements(network)[0][:50], 180 * torch.rand(50, 10)
    assert "whitening" in network.state_dict()
    before = network.logits(features, history)
    other = LogCnnMlp(TimeShape(500, 3)).eval()
    other.load_state_dict(network.state_dict())  # as a checkpoint does
    network.fold()
    assert "whitening" not in network.state_dict()
    assert torch.allclose(network.logits(features, history), before, atol=1e-3)
    assert torch.equal(other.logits(features, history), before)


def test_noise_disturbs_the_features_in_training_only():
    network = network_at(500)
    features, history = torch.ones(2, network.shape.feature_values), torch.zeros(2, 10)
    assert torch.equal(network.logits(features, history)[0], network.logits(features, history)[1])
    network.train()
    assert not torch.equal(network.logits(features, history)[0], network.logits(features, history)[1])


def test_the_maps_of_a_segment_are_shifted_alike_and_the_channel_powers_are_not():
    network = network_at(500)
    features = torch.zeros(400, 4, network.shape.feature_values)
    shifted = network.shifted(features)
    maps = network.shape.pattern_values
    assert not shifted[..., maps:].any()
    assert torch.equal(shifted, shifted[:, :1].expand_as(shifted)), "a segment is of one day"
    spread = shifted[:, 0, :maps].std(dim=0)
    assert spread.mean().item() == pytest.approx(MAP_SHIFT, abs=0.05)
    assert not features.any()
