"""Every family has the same interface, so training, export and daemon run all of them alike."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

from labelled_recording import POSES
from myobridge.decoder.pipeline import Pipeline
from myobridge.errors import UserError
from myobridge.model.file import ModelSpec, usual_hop_samples
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge.recording.replay import replay
from myobridge.settings import Settings
from myobridge.simulator.synth import SynthOptions
from myobridge_models.commands.command_line import commands
from myobridge_models.data.synthetic import record
from myobridge_models.export.export import export
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.cost import decision_macs, streaming_macs
from myobridge_models.network.families.frames import FrameShape, LogFrames
from myobridge_models.network.families.registry import DEFAULT_FAMILY, FAMILIES, create
from myobridge_models.training.build import build
from myobridge_models.training.recipe import Recipe, history_hops

every_family = pytest.mark.parametrize("family", FAMILIES)
FS_HZ = 500


def network_of(family, fs_hz=FS_HZ, channels=2) -> Network:
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
        rest_pose_deg=(40, 40, 40, 40, 40),
    )


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


class TestFrames:
    shape = FrameShape(1000, 1, frames=4, length_ms=20, step_ms=10)

    def test_energies_of_a_tone_describe_its_power_and_frequency(self):
        tone = torch.sin(2 * torch.pi * 100 * torch.arange(self.shape.window_samples) / 1000)
        signal, slope, curvature = LogFrames(self.shape).log_energies(tone[None, None])[0].exp()
        factor = (2 * np.sin(np.pi * 100 / 1000)) ** 2  # of a difference, in power
        assert np.allclose(signal, 0.5, rtol=0.01)
        assert np.allclose(slope, 0.5 * factor, rtol=0.01)
        assert np.allclose(curvature, 0.5 * factor**2, rtol=0.01)

    def test_the_last_frame_ends_at_the_newest_sample(self):
        emg = torch.zeros(1, 1, self.shape.window_samples + 3)
        emg[..., -1] = 1
        loud = LogFrames(self.shape).log_energies(emg[..., 3:])[0] > np.log(1e-3)
        assert loud.tolist() == [[False, False, False, True]] * 3

    def test_frames_last_the_same_time_at_any_rate(self):
        for fs_hz in (500, 1000, 2000, 4000):
            shape = FrameShape(fs_hz, 4, frames=16, length_ms=25, step_ms=25)
            assert shape.window_samples / fs_hz == pytest.approx(0.4, abs=0.02)

    def test_fit_gives_zero_mean_and_unit_variance(self):
        frames, emg = LogFrames(self.shape), 7 * torch.randn(64, 1, 52)
        frames.fit(emg)
        seen = frames(emg)
        assert torch.allclose(seen.mean(dim=(0, 2)), torch.zeros(3), atol=1e-4)
        assert torch.allclose(seen.std(dim=(0, 2)), torch.ones(3), atol=1e-2)


class TestCost:
    def macs(self, tmp_path, family):
        network, path = network_of(family, 2000, 4), tmp_path / f"{family}.onnx"
        export(network, spec_for(network, family), path)
        return decision_macs(onnx.load(path)), streaming_macs(network, hop_samples=10)

    def test_the_cost_of_the_mlp_equals_a_count_by_hand(self, tmp_path):
        frames, mlp = 12 * 16, (12 * 16 + 10) * 128 + 128 * 64 + 64 * 5
        assert self.macs(tmp_path, "mlp") == (frames * 50 + mlp, 12 * 10 + mlp)

    def test_the_cost_of_lstm_and_gru_equals_a_count_by_hand(self, tmp_path):
        head = (64 + 10) * 64 + 64 * 5
        for family, gates in (("gru", 3), ("lstm", 4)):
            step = gates * 64 * (12 + 64)
            assert self.macs(tmp_path, family) == (12 * 16 * 50 + 16 * step + head, 12 * 10 + step + head)

    def test_the_cost_of_the_tcn_equals_a_count_by_hand(self, tmp_path):
        column = 3 * 32 * 12 + 5 * 3 * 32 * 32 + 12 * 32
        new = 2  # a frame is two and a half hops, so frames and hops align after five hops, which are two frames
        assert self.macs(tmp_path, "tcn")[1] == 12 * 10 + new * column + (32 + 10) * 64 + 64 * 5

    def test_the_cost_of_the_notes_network_equals_a_count_by_hand(self, tmp_path):
        mlp = 150 * 128 + 128 * 64 + 64 * 5
        taps, patterns = 57 + 37 + 25 + 25, 4 * (10 * 4 + 10 * 4 * 4)
        correlation = (4 + 6 + 4 * 8) * (10 + 40 + 76)  # the hop's products, and sums of hops
        assert self.macs(tmp_path, DEFAULT_FAMILY)[1] == 4 * 10 * (taps + patterns) + correlation + mlp

    @every_family
    def test_keeping_state_costs_less_than_a_window(self, tmp_path, family):
        window, hop = self.macs(tmp_path, family)
        assert 0 < hop < window

    def test_a_tcn_that_keeps_its_columns_gives_the_numbers_of_windows(self):
        network = network_of("tcn")
        w, step = network.shape.window_samples, network.shape.step
        emg = torch.randn(1, 2, w + 5 * step)
        kept = network.blocks(network.frames(emg))
        for n in range(6):
            window = emg[..., n * step : n * step + w]
            assert torch.allclose(kept[..., n - 6], network.features(window), atol=1e-4)


class TestCommands:
    @pytest.fixture
    def recording(self, tmp_path):
        """Two movements of different loudness, each cued twice."""
        rng, n = np.random.default_rng(0), 3 * FS_HZ
        label = np.concatenate([np.repeat([movement, 0], n) for movement in (1, 2) for _ in range(2)]).astype(np.uint8)
        repetition = np.repeat([0, 1, 0, 1], 2 * n).astype(np.uint8)
        loudness = 20 + 100 * np.stack([label, 2 - label], axis=1)
        counts = (loudness * rng.standard_normal((len(label), 2))).astype(np.int16)
        path = tmp_path / "r.npz"
        movement = np.repeat([0, 1], 4 * n).astype(np.uint8)
        Recording(counts, FS_HZ, 16, label, repetition, movement, poses=POSES).save(path)
        return path

    def run(self, *arguments):
        return CliRunner().invoke(commands, [str(a) for a in arguments])

    def test_compare_ranks_by_error_and_writes_what_it_shows(self, recording, tmp_path):
        to = tmp_path / "c.json"
        chosen = ("--families", "mlp,cnn_mlp", "--steps", 20)
        result = self.run("compare", recording, "--hold-out", 1, *chosen, "--json", to)
        assert result.exit_code == 0, result.output
        summary = json.loads(to.read_text())
        rows = summary["rows"]
        assert {row["family"] for row in rows} == {"mlp", "cnn_mlp"}
        assert [row["mae_deg"] for row in rows] == sorted(row["mae_deg"] for row in rows)
        assert (summary["held_out"], summary["steps"]) == (1, 20)
        mlp, notes = sorted(rows, key=lambda row: row["family"] == "cnn_mlp")
        assert notes["p50_ratio"] == 1
        assert 0 < mlp["p50_ms"] <= mlp["p99_ms"]
        assert mlp["streaming_kmac"] < mlp["decision_kmac"] < notes["decision_kmac"]
        assert min(mlp["file_kb"], notes["file_kb"]) > 4 * min(mlp["parameters"], notes["parameters"]) / 1000
        assert 0 <= mlp["balanced_accuracy"] <= 1
        for shown in ("mlp", "cnn_mlp", "MAE", "hop"):
            assert shown in result.output

    def test_train_takes_a_family(self, recording, tmp_path):
        out = tmp_path / "m.onnx"
        assert self.run("train", recording, "--family", "gru", "--steps", 20, "--out", out).exit_code == 0
        assert open_model(out).spec.family == "gru"

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            (("--families", "mlp,magic", "--hold-out", 1), "There is no family 'magic'; choose from cnn_mlp, "),
            (
                ("--families", "mlp", "--hold-out", 7),
                "has the repetitions [0, 1], so [7] cannot be held out; choose some of them",
            ),
        ],
    )
    def test_a_mistake_is_one_sentence(self, recording, more, sentence):
        result = self.run("compare", recording, *more)
        assert result.exit_code == 1
        assert sentence in result.output
