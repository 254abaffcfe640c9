"""Windows train a network in the closed loop, and the daemon's pipeline gives the network's figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from labelled_recording import FS_HZ, labelled
from myobridge.errors import UserError
from myobridge.model.file import REST_DEG
from myobridge.simulator.synth import SynthOptions
from myobridge_models.data.biopatrec import POSES
from myobridge_models.data.synthetic import record
from myobridge_models.data.takes import channel_scale, design_prefilter, only_repetitions, scaled, takes_of
from myobridge_models.data.training_set import all_but
from myobridge_models.evaluation.evaluate import evaluate
from myobridge_models.export.export import export
from myobridge_models.network.families.registry import create
from myobridge_models.training.build import build
from myobridge_models.training.feature_cache import FeatureCache
from myobridge_models.training.loss import SQUARED_DEG, angle_loss, closed_loop, random_history
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.segments import Segments
from myobridge_models.training.validation import Validation

SOURCE = Path("rec.npz")
POSE = torch.zeros(1, 3, dtype=torch.int64)
QUICK = Recipe(steps=80, segments=8, average=0.9)


def takes_of_labelled(recording=None):
    return takes_of(recording or labelled(), SOURCE, design_prefilter(FS_HZ), POSES)


class TestClosedLoop:
    def test_history_is_the_networks_own_past_and_never_the_truth(self):
        seen = []

        class Spy:
            def decide(self, features, history):
                seen.append(history.clone())
                return torch.full((len(features), 5), 10.0 * len(seen))

        start, target = torch.full((1, 10), 77.0), torch.full((1, 3, 5), 180.0)
        loss = angle_loss(closed_loop(Spy(), torch.zeros(1, 3, 4), start), target, torch.ones(1, 3), POSE)
        assert [h[0, 0].item() for h in seen] == [77, 10, 20]
        assert [h[0, 5].item() for h in seen] == [77, 77, 10]
        assert loss.item() == pytest.approx((170 + 160 + 150) / 3 / 180)

    def test_windows_that_do_not_count_add_nothing(self):
        class Off:
            def decide(self, features, history):
                return torch.zeros(len(features), 5)

        target = torch.tensor([[[0.0] * 5, [180.0] * 5]])
        angles = closed_loop(Off(), torch.zeros(1, 2, 4), torch.zeros(1, 10))
        assert angle_loss(angles, target, torch.tensor([[1.0, 0.0]]), POSE[:, :2]).item() == 0

    def test_small_errors_of_known_angles_are_squared_so_that_the_network_learns_their_mean(self):
        target, counts = torch.zeros(1, 3, 5), torch.ones(1, 3)
        errors = [
            angle_loss(torch.full((1, 3, 5), e), target, counts, POSE - 1).item() * 180 for e in (6.0, 12.0, 90.0)
        ]
        assert errors == pytest.approx([36 / 2 / SQUARED_DEG, 144 / 2 / SQUARED_DEG, 90 - SQUARED_DEG / 2])
        assert angle_loss(torch.full((1, 3, 5), 6.0), target, counts, POSE).item() == pytest.approx(6 / 180)

    def test_history_starts_anywhere_within_the_servos_range(self):
        history = random_history(torch.tensor([[0.0] * 5, [180.0] * 5]), 200, noise_deg=15)
        assert history.shape == (200, 10)
        assert history.min() >= 0
        assert history.max() <= 180
        assert (history[:, :5] - history[:, 5:]).abs().max() > 5


class TestTraining:
    def test_the_loss_falls_and_the_seed_determines_the_weights(self):
        def run(seed):
            losses = []
            recipe = replace(QUICK, seed=seed)
            network, _ = build("t", [(SOURCE, labelled())], POSES, recipe, progress=lambda _, loss: losses.append(loss))
            return losses, network.mlp[1].weight

        losses, weight = run(0)
        again, same = run(0)
        other, _ = run(1)
        assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
        assert len(losses) == QUICK.steps
        assert losses == again
        assert torch.equal(weight, same)
        assert losses != other

    def test_an_exported_model_tells_the_movements_apart_in_the_daemons_pipeline(self, tmp_path):
        recording, path = labelled(), tmp_path / "model.onnx"
        network, spec = build("tiny", [(SOURCE, recording)], POSES, QUICK, repetitions=[0])
        export(network, spec, path)
        found = evaluate(path, recording, SOURCE, repetition=1)
        assert spec.training["repetitions"] == "0"
        assert (spec.hop_samples, spec.history_hops) == (2, 12)
        assert found.balanced_accuracy > 0.6
        assert found.mae_deg < 45

    def test_a_network_learns_true_angles_without_labels(self):
        recording = record(SynthOptions(fs_hz=FS_HZ, channels=2, seed=3), seconds=20)
        losses = []
        build("s", [(SOURCE, recording)], (), QUICK, progress=lambda _, loss: losses.append(loss))
        assert np.mean(losses[-5:]) < np.mean(losses[:5])

    @pytest.mark.parametrize("change", [{"fs_hz": 1000}, {"channels": 4}])
    def test_recordings_of_two_boards_are_refused(self, change):
        with pytest.raises(UserError, match=r"one.npz and two.npz differ"):
            build("t", [(Path("one.npz"), labelled()), (Path("two.npz"), labelled(**change))], POSES, QUICK)

    def test_a_missing_repetition_cannot_be_held_out(self):
        with pytest.raises(UserError, match=r"one.npz has the repetitions \[0, 1\], so \[7\] cannot"):
            all_but([(Path("one.npz"), labelled())], [7])

    def test_validation_keeps_the_best_network(self):
        takes = only_repetitions(takes_of_labelled(), [1])
        network = create("cnn_mlp", FS_HZ, 2, 0.0)
        validation = Validation(scaled(takes, channel_scale(takes)), REST_DEG, network.shape.window_samples)
        found = []
        for _ in range(3):
            network.reset_head()
            validation.validate(network)
            found.append((validation.best_deg, network.mlp[1].weight.clone()))
        best_deg = min(mae_deg for mae_deg, _ in found)
        validation.take_best(network)
        assert validation.best_deg == best_deg
        first = next(weight for mae_deg, weight in found if mae_deg == best_deg)
        assert torch.equal(network.mlp[1].weight, first)

    def test_a_repetition_too_short_to_validate_on_is_refused(self):
        with pytest.raises(UserError, match="has no stretch of 9999 samples"):
            Validation(takes_of_labelled(), REST_DEG, 9999)

    def test_cached_features_equal_those_of_the_windows(self):
        takes = takes_of_labelled()
        takes = scaled(takes, channel_scale(takes))
        network = create("cnn_mlp", FS_HZ, 2, 0.0)
        segments = Segments(takes, network.shape, Recipe())
        drawn = segments.draw(5, np.random.default_rng(1))
        whole = network.features_at(segments.emg(drawn), torch.from_numpy(segments.ends))
        cached = FeatureCache(network, takes, "cpu").features(drawn, torch.ones(5, 2))
        assert torch.allclose(cached, whole, rtol=2e-3, atol=2e-3)  # half precision

    def test_a_stage_of_ten_steps_trains(self):
        recipe = replace(QUICK, steps=24)  # 14 steps with the detectors, 10 without
        losses = []
        build("t", [(SOURCE, labelled())], POSES, recipe, progress=lambda _, loss: losses.append(loss))
        assert len(losses) == 24
