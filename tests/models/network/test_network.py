"""The network is the one of the notes, for any sampling rate and channel count."""

import pytest
import torch

from myobridge.errors import UserError
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.shape import Detector, Shape
from myobridge_models.network.time_shape import TimeShape
from myobridge_models.report.describe import facts


def test_dilations_and_fields_at_2_khz_are_those_of_the_notes():
    shape = Shape(fs_hz=2000, channels=4)
    assert [d.dilation(2000) for d in shape.detectors] == [4, 2, 1, 1]
    assert [d.receptive_field(2000) for d in shape.detectors] == [225, 73, 25, 25]
    assert shape.window_samples == 802
    assert shape.pattern_values == 4 * 4 * 4  # of 50 samples each the mean
    assert shape.dense_sizes == (64 + shape.correlation_values + 10, 128, 64, 5)
    full = Shape(fs_hz=2000, channels=4, averaged=1, correlation_hops=())
    assert full.feature_values == 4 * 4 * 4 * 50
    assert full.dense_sizes == (3200 + 10, 128, 64, 5)
    assert full.window_samples == shape.window_samples


@pytest.mark.parametrize("fs_hz", [500, 1000, 2000, 4000])
@pytest.mark.parametrize("channels", [2, 4, 8])
def test_the_window_is_exactly_as_long_as_the_network_needs(fs_hz, channels):
    shape = Shape(fs_hz, channels)
    network = CnnMlp(shape).eval()
    emg = torch.randn(3, channels, shape.window_samples, requires_grad=True)
    angles = network(emg, torch.zeros(3, 10))
    assert angles.shape == (3, 5)
    angles.sum().backward()
    assert emg.grad[..., 0].abs().max() > 0  # the oldest sample counts
    with pytest.raises(RuntimeError):
        network(emg[..., 1:], torch.zeros(3, 10))


def test_other_detectors_can_be_chosen():
    detectors = (Detector("slow", 20, kernel=12, stride=2, layers=3), Detector("fast", 300, kernel=5, stride=4))
    shape = Shape(2000, 3, detectors)
    network = CnnMlp(shape).eval()
    assert network(torch.zeros(2, 3, shape.window_samples), torch.zeros(2, 10)).shape == (2, 5)
    assert [d.dilation(2000) for d in detectors] == [8, 1]


def test_parameters_are_counted_by_layer():
    shape = Shape(2000, 4)
    counts = shape.parameters()
    assert sum(counts.values()) == sum(p.numel() for p in CnnMlp(shape).parameters())
    full = Shape(2000, 4, averaged=1, correlation_hops=()).parameters()
    assert sum(full.values()) == pytest.approx(420_000, rel=0.001)
    assert full["dense 3210 → 128"] / sum(full.values()) == pytest.approx(0.98, abs=0.005)
    assert sum(counts.values()) == sum(full.values()) - 3200 * 128 + (64 + shape.correlation_values) * 128


def test_a_network_of_means_equals_the_full_one_with_equal_weights_for_a_map():
    network, full = (CnnMlp(Shape(2000, 4, averaged=n, correlation_hops=())).eval() for n in (50, 1))
    state = network.state_dict()
    maps, history = state["mlp.1.weight"].split((64, 10), dim=1)
    state["mlp.1.weight"] = torch.cat(((maps / 50).repeat_interleave(50, dim=1), history), dim=1)
    full.load_state_dict(state)
    emg, history = torch.randn(8, 4, 802), 180 * torch.rand(8, 10)
    assert torch.allclose(network(emg, history), full(emg, history), atol=1e-3)


def test_the_silence_filter_is_fixed_and_alternates():
    silence = CnnMlp(Shape(2000, 4)).detectors[3]
    assert not list(silence.parameters())
    assert torch.equal(silence.taps.sign(), torch.tensor([-1.0, 1, -1, 1, -1, 1, -1]).expand(4, 1, 1, 7))


def test_stage_1_is_linear_and_keeps_negative_parts():
    for detector in CnnMlp(Shape(2000, 4)).detectors:
        x = torch.randn(1, 1, 300)
        assert torch.allclose(detector(-x), -detector(x))
        assert torch.allclose(detector(3 * x), 3 * detector(x), rtol=1e-4, atol=1e-4)


def test_layers_of_stage_1_run_as_one_filter_and_equal_layer_by_layer():
    for detector in CnnMlp(Shape(2000, 4)).detectors:
        x = layered = torch.randn(2, 1, 400)
        for taps in detector.taps:
            layered = torch.nn.functional.conv1d(layered, taps, dilation=detector.dilation)
        assert torch.allclose(detector(x), layered, rtol=1e-4, atol=1e-4)


def test_all_channels_share_the_detectors_weights():
    network = CnnMlp(Shape(2000, 4, correlation_hops=())).eval()
    emg = torch.randn(1, 4, 802)
    features = network.features(emg).reshape(4, -1)
    swapped = network.features(emg.flip(1)).reshape(4, -1)
    assert torch.allclose(features, swapped.flip(0))


def test_angles_stay_within_the_servo_and_keep_a_gradient():
    network = CnnMlp(Shape(2000, 4)).eval()
    emg = torch.randn(8, 4, 802, requires_grad=True)
    angles = network(emg, torch.zeros(8, 10))
    assert angles.min() >= 0
    assert angles.max() <= 180
    angles.sum().backward()
    assert (emg.grad.abs().amax((1, 2)) > 0).all()


@pytest.mark.parametrize("averaged", [1, 10, 50])
@pytest.mark.parametrize("fs_hz", [500, 2000, 4000])
def test_many_windows_of_a_segment_equal_each_window_by_itself(fs_hz, averaged):
    shape = Shape(fs_hz, 4, averaged=averaged)
    network = CnnMlp(shape).eval()
    w = shape.window_samples
    segment = torch.randn(2, 4, w + 333)
    ends = torch.tensor([w - 1, w, w + 57, w + 332])
    at_once = network.features_at(segment, ends)
    one_by_one = torch.stack([network.features(segment[..., end - w + 1 : end + 1]) for end in ends], dim=1)
    assert torch.allclose(at_once, one_by_one, rtol=1e-4, atol=1e-4)
    gain = torch.ones(len(ends), 4)
    cached = torch.stack([network.from_cache(network.to_cache(emg), ends, gain) for emg in segment])
    assert torch.allclose(cached, one_by_one, rtol=1e-4, atol=1e-4)


def test_unit_gain_initialisation_keeps_the_size_of_the_signal():
    torch.manual_seed(0)
    emg, sizes = torch.randn(16, 4, 802), []
    for _ in range(20):
        features = CnnMlp(Shape(2000, 4, averaged=1, correlation_hops=())).features(emg).reshape(16, 4, 4, -1)
        sizes.append(features[:, :, :3].std().item())
    assert 0.2 < min(sizes) < max(sizes) < 5


@pytest.mark.parametrize(("fs_hz", "pinned"), [(500, ["Type IIa", "Type IIb"]), (1574, ["Type IIb"]), (1575, [])])
def test_describe_warns_where_a_dilation_is_pinned(fs_hz, pinned):
    table = facts(Shape(fs_hz, 4))
    assert [w.split(":")[0] for w in table["warnings"]] == pinned
    assert [d["name"] for d in table["detectors"] if d["pinned"]] == pinned


def test_describe_warns_where_a_detector_listens_above_half_the_sampling_rate():
    (warning,) = facts(TimeShape(400, 4))["warnings"]
    assert warning == (
        "Type IIb: 225 Hz lies above half the sampling rate of 400 Hz, so this filter cannot see its action "
        "potentials; record at a higher rate."
    )
    assert facts(TimeShape(500, 4))["warnings"] == []


@pytest.mark.parametrize(("fs_hz", "channels"), [(0, 4), (-1, 4), (float("nan"), 4), (float("inf"), 4), (2000, 0)])
def test_impossible_rates_and_channel_counts_are_refused_in_one_sentence(fs_hz, channels):
    with pytest.raises(UserError, match=r"give .*\.$"):
        Shape(fs_hz, channels)
