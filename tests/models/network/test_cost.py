"""The multiply-adds of a decision equal a count by hand."""

import onnx
import pytest
import torch

from myobridge_models.export.export import export
from myobridge_models.network.families.cost import decision_macs, streaming_macs
from myobridge_models.network.families.registry import DEFAULT_FAMILY, FAMILIES
from networks import network_of, spec_for


def macs_of(tmp_path, family):
    network, path = network_of(family, 2000, 4), tmp_path / f"{family}.onnx"
    export(network, spec_for(network, family), path)
    return decision_macs(onnx.load(path)), streaming_macs(network, hop_samples=10)


def test_the_cost_of_the_mlp_equals_a_count_by_hand(tmp_path):
    frames, mlp = 12 * 16, (12 * 16 + 10) * 128 + 128 * 64 + 64 * 5
    assert macs_of(tmp_path, "mlp") == (frames * 50 + mlp, 12 * 10 + mlp)


def test_the_cost_of_lstm_and_gru_equals_a_count_by_hand(tmp_path):
    head = (64 + 10) * 64 + 64 * 5
    for family, gates in (("gru", 3), ("lstm", 4)):
        step = gates * 64 * (12 + 64)
        assert macs_of(tmp_path, family) == (12 * 16 * 50 + 16 * step + head, 12 * 10 + step + head)


def test_the_cost_of_the_tcn_equals_a_count_by_hand(tmp_path):
    column = 3 * 32 * 12 + 5 * 3 * 32 * 32 + 12 * 32
    new = 2  # a frame is two and a half hops, so frames and hops align after five hops, which are two frames
    assert macs_of(tmp_path, "tcn")[1] == 12 * 10 + new * column + (32 + 10) * 64 + 64 * 5


def test_the_cost_of_separable_convolutions_equals_a_count_by_hand(tmp_path):
    column = 12 * (3 + 32) + 5 * 32 * (3 + 32) + 12 * 32
    assert macs_of(tmp_path, "separable")[1] == 12 * 10 + 2 * column + (32 + 10) * 64 + 64 * 5


def test_the_cost_of_the_ring_equals_a_count_by_hand(tmp_path):
    ring = 4 * 3 * (3 * 16 + 32) * 32 + 3 * (4 * 32 + 1) * 64
    head = (64 + 10) * 64 + 64 * 5
    assert macs_of(tmp_path, "ring") == (12 * 16 * 50 + ring + head, 12 * 10 + ring + head)


def test_the_cost_of_the_notes_network_equals_a_count_by_hand(tmp_path):
    mlp = 150 * 128 + 128 * 64 + 64 * 5
    taps, patterns = 57 + 37 + 25 + 25, 4 * (10 * 4 + 10 * 4 * 4)
    correlation = (4 + 6 + 4 * 8) * (10 + 40 + 76)  # the hop's products, and sums of hops
    assert macs_of(tmp_path, "cnn_mlp")[1] == 4 * 10 * (taps + patterns) + correlation + mlp


def test_the_cost_of_the_default_network_equals_a_count_by_hand(tmp_path):
    mlp = (64 + 160 + 10) * 128 + 128 * 64 + 64 * 5
    taps, patterns = 57 + 37 + 25 + 25, 4 * (10 * 4 + 10 * 4 * 4)
    power = (4 + 2 * (6 + 4 * 8)) * (10 + 40 + 76)  # the hop's squares, and sums of hops
    assert macs_of(tmp_path, DEFAULT_FAMILY)[1] == 4 * 10 * (taps + patterns) + power + mlp


@pytest.mark.parametrize("family", FAMILIES)
def test_keeping_state_costs_less_than_a_window(tmp_path, family):
    window, hop = macs_of(tmp_path, family)
    assert 0 < hop < window


@pytest.mark.parametrize("family", ["tcn", "separable"])
def test_a_network_that_keeps_its_columns_gives_the_numbers_of_windows(family):
    network = network_of(family)
    w, step = network.shape.window_samples, network.shape.step
    emg = torch.randn(1, 2, w + 5 * step)
    kept = network.blocks(network.frames(emg))
    for n in range(6):
        window = emg[..., n * step : n * step + w]
        assert torch.allclose(kept[..., n - 6], network.features(window), atol=1e-4)
