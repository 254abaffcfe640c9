"""Every family has the same interface, so training, export and daemon run all of them alike."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from myobridge.decoder.pipeline import Pipeline
from myobridge.errors import UserError
from myobridge.model.load import open_model
from myobridge.recording.replay import replay
from myobridge.settings import Settings
from myobridge.simulator.synth import SynthOptions
from myobridge_models.data.synthetic import record
from myobridge_models.export.export import export
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.registry import FAMILIES, create
from myobridge_models.training.build import build
from myobridge_models.training.recipe import Recipe
from networks import network_of, spec_for

every_family = pytest.mark.parametrize("family", FAMILIES)
FS_HZ = 500


@every_family
class TestInterface:
    @pytest.mark.parametrize(("fs_hz", "channels"), [(500, 2), (1000, 8), (2000, 4), (4000, 3)])
    def test_any_rate_and_any_channels(self, family, fs_hz, channels):
        network = network_of(family, fs_hz, channels)
        shape = network.shape
        assert (shape.fs_hz, shape.channels, shape.history_values) == (fs_hz, channels, 10)
        emg = torch.randn(3, channels, shape.window_samples, requires_grad=True)
        angles = network(emg, 180 * torch.rand(3, 10))
        assert angles.shape == (3, 5)
        assert angles.min() >= 0
        assert angles.max() <= 180
        angles.sum().backward()
        assert emg.grad[..., 0].abs().max() > 0  # the oldest sample counts
        assert emg.grad[..., -1].abs().max() > 0  # and so does the newest

    def test_many_windows_of_a_segment_equal_each_window_by_itself(self, family):
        network = network_of(family)
        w = network.shape.window_samples
        segment, ends = torch.randn(2, 2, w + 333), torch.tensor([w - 1, w, w + 57, w + 332])
        at_once = network.features_at(segment, ends)
        one_by_one = [network.features(segment[..., end - w + 1 : end + 1]) for end in ends]
        assert torch.allclose(at_once, torch.stack(one_by_one, dim=1), rtol=1e-4, atol=1e-4)

    def test_past_samples_change_the_features_and_future_samples_do_not(self, family):
        network = network_of(family)
        w = network.shape.window_samples
        segment, end = torch.randn(1, 2, w + 200), torch.tensor([w + 99])
        before = network.features_at(segment, end)
        future, past = segment.clone(), segment.clone()
        future[..., w + 100 :] = 100
        past[..., w + 99] = 100
        assert torch.equal(network.features_at(future, end), before)
        assert not torch.equal(network.features_at(past, end), before)

    def test_the_last_angles_change_the_output(self, family):
        network = network_of(family)
        emg = torch.randn(1, 2, network.shape.window_samples)
        assert not torch.allclose(network(emg, torch.zeros(1, 10)), network(emg, torch.full((1, 10), 180.0)))

    def test_silence_and_saturation_give_finite_angles(self, family):
        network = network_of(family)
        for level in (0.0, 1e3):
            emg = torch.full((1, 2, network.shape.window_samples), level)
            assert network(emg, torch.zeros(1, 10)).isfinite().all()


@every_family
class TestExport:
    @pytest.mark.parametrize(("fs_hz", "channels"), [(500, 2), (2000, 4)])
    def test_onnxruntime_agrees_with_torch_for_any_batch(self, tmp_path, family, fs_hz, channels):
        network, path = network_of(family, fs_hz, channels), tmp_path / "model.onnx"
        export(network, spec_for(network, family), path)
        session = onnxruntime.InferenceSession(path)
        for batch in (1, 7):
            emg = torch.randn(batch, channels, network.shape.window_samples)
            history = 180 * torch.rand(batch, 10)
            (angles,) = session.run(["angles"], {"emg": emg.numpy(), "history": history.numpy()})
            with torch.no_grad():
                assert np.abs(angles - network(emg, history).numpy()).max() <= 1e-3
            assert angles.std() > 0.1  # the angles differ, so the comparison tells something

    def test_the_file_is_small_with_plain_operators_and_carries_its_family(self, tmp_path, family):
        network, path = network_of(family, 2000, 4), tmp_path / "model.onnx"
        export(network, spec_for(network, family), path)
        model = onnx.load(path)
        assert {node.domain for node in model.graph.node} == {""}
        assert [i.type.tensor_type.shape.dim[0].dim_param for i in model.graph.input] == ["batch", "batch"]
        assert sum(p.numel() for p in network.parameters()) <= 450_000
        assert open_model(path).spec.family == family

    def test_a_family_learns_the_simulated_wearer_in_few_steps_and_runs_in_the_daemons_pipeline(self, tmp_path, family):
        recording, path = record(SynthOptions(fs_hz=FS_HZ, channels=2, seed=3), seconds=20), tmp_path / "model.onnx"
        losses = []
        sources, recipe = [(Path("s.npz"), recording)], Recipe(steps=60, segments=8, average=0.9)
        network, spec = build("s", sources, (), recipe, progress=lambda _, loss: losses.append(loss), family=family)
        assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
        export(network, spec, path)
        run = replay(recording, Pipeline(open_model(path), Settings(), recording.adc_bits))
        again = replay(recording, Pipeline(open_model(path), Settings(), recording.adc_bits))
        assert len(run.sample) > 3000
        assert np.isfinite(run.angles_deg).all()
        assert np.array_equal(run.angles_deg, again.angles_deg)


def test_an_unknown_family_is_refused():
    with pytest.raises(
        UserError, match="There is no family 'magic'; choose from cnn_mlp, cnn_mlp_full, mlp, lstm, gru, tcn"
    ):
        create("magic", 2000, 4, 0.1)


class OfFive(NamedTuple):
    fs_hz: float = FS_HZ
    channels: int = 5
    window_samples: int = 50
    history_values: int = 0


class WithoutHistory(Network):
    """The smallest possible network: the loudness of a channel is the angle of a finger."""

    def __init__(self):
        super().__init__()
        self.shape = OfFive()
        self.gain = torch.nn.Parameter(torch.ones(5))

    def features(self, emg):
        return emg.norm(dim=2)

    def logits(self, features, history_deg):
        return self.gain * features


def test_the_daemon_runs_a_network_without_a_history_input(tmp_path):
    network, path = WithoutHistory(), tmp_path / "model.onnx"
    export(network, spec_for(network, "own"), path)
    assert [i.name for i in onnx.load(path).graph.input] == ["emg"]
    recording = record(SynthOptions(fs_hz=FS_HZ, channels=5, seed=3), seconds=2)
    assert len(replay(recording, Pipeline(open_model(path), Settings(), recording.adc_bits)).sample)
