"""Recordings become windows, windows train a network, and the daemon's pipeline gives the network's figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from labelled_recording import FS_HZ, labelled
from myobridge.decoder.prefilter import Prefilter
from myobridge.errors import UserError
from myobridge.model.file import REST_DEG
from myobridge.simulator.synth import SynthOptions
from myobridge_models.data import biopatrec
from myobridge_models.data.augment import shifted, warped, with_mains, with_noise
from myobridge_models.data.label_alignment import aligned
from myobridge_models.data.synthetic import record
from myobridge_models.data.takes import (
    Take,
    channel_scale,
    design_prefilter,
    filtered,
    only_repetitions,
    scaled,
    settled,
    takes_of,
)
from myobridge_models.data.training_set import all_but
from myobridge_models.evaluation.evaluate import evaluate
from myobridge_models.export.export import export
from myobridge_models.network.families.registry import create
from myobridge_models.network.shape import Shape
from myobridge_models.training.build import build
from myobridge_models.training.checkpoint import network_in
from myobridge_models.training.feature_cache import FeatureCache
from myobridge_models.training.loss import closed_loop_loss, random_history
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.segments import Segments
from myobridge_models.training.validation import Validation

POSES = biopatrec.POSES
SOURCE = Path("rec.npz")
QUICK = Recipe(steps=80, segments=8, average=0.9)


def takes_of_labelled(recording=None):
    return takes_of(recording or labelled(), SOURCE, design_prefilter(FS_HZ), POSES)


class TestTakes:
    def test_the_filter_starts_in_the_steady_state_of_the_first_sample(self):
        still = np.full((300, 2), 1000, np.int16)
        assert np.abs(filtered(still, 16, design_prefilter(2000))).max() < 1e-6

    def test_the_filter_is_causal_and_restarts_with_each_take(self):
        recording = labelled()
        takes = takes_of_labelled(recording)
        first_run = recording.counts[: len(takes[0])]
        assert np.allclose(takes[0].emg, filtered(first_run, 16, design_prefilter(FS_HZ)))
        half = filtered(first_run[:500], 16, design_prefilter(FS_HZ))
        assert np.allclose(takes[0].emg[:, :500], half)

    def test_the_filter_is_the_daemons_filter(self):
        counts, sections = labelled().counts[:1000], design_prefilter(FS_HZ)
        runtime = Prefilter(sections, np.full(2, 2.0**-15), 10)
        runtime.reset(counts[0])
        online = np.concatenate([runtime(counts[at : at + 10]).copy() for at in range(0, 1000, 10)])
        assert np.allclose(filtered(counts, 16, sections).T, online, atol=1e-7)

    def test_only_settled_samples_are_trained_on(self):
        label = np.repeat([0, 1, 0], 6 * FS_HZ).astype(np.uint8)
        seconds = np.flatnonzero(settled(label, FS_HZ)) / FS_HZ
        assert not ((seconds > 6.0) & (seconds < 6.7)).any()  # the muscle follows the cue late
        assert not ((seconds >= 11.8) & (seconds < 13.0)).any()  # and relaxes late, or a little early
        assert ((seconds >= 6.7) & (seconds < 11.8)).sum() == pytest.approx(5.1 * FS_HZ, abs=2)

    def test_no_sample_of_a_held_out_repetition_is_kept(self):
        kept = only_repetitions(takes_of_labelled(), [1])
        assert {int(r) for take in kept for r in take.repetition} == {1}
        assert sum(len(take) for take in kept) == 2 * 2 * 4 * FS_HZ

    def test_a_flat_channel_is_named(self):
        recording = labelled()
        recording.counts[:, 1] = 7
        with pytest.raises(UserError, match="EMG 2 is flat"):
            channel_scale(takes_of_labelled(recording))

    def test_a_label_without_a_pose_is_refused(self):
        with pytest.raises(UserError, match=r"rec.npz has labels without a known pose \(\[42\]\)"):
            takes_of_labelled(labelled(labels=(1, 42)))


class TestSegments:
    shape = Shape(FS_HZ, 2)
    rng = np.random.default_rng(0)

    def test_windows_lie_within_one_take_and_their_targets_fit(self):
        takes = takes_of_labelled()
        segments = Segments(takes, self.shape, Recipe())
        drawn = segments.draw(64, self.rng)
        emg = segments.emg(drawn)
        assert emg.shape == (64, 2, self.shape.window_samples + 3 * 24)
        assert drawn.target_deg.shape == (64, 4, 5)
        assert drawn.counts.any(dim=1).all()
        for piece, angles in zip(emg.numpy(), drawn.target_deg.numpy(), strict=True):
            starts = [(t, np.flatnonzero(np.all(piece[:, 0] == t.emg[:, : -emg.shape[2]].T, axis=1))) for t in takes]
            [(take, [at, *_])] = [(t, hits) for t, hits in starts if len(hits)]
            assert np.array_equal(take.emg[:, at : at + emg.shape[2]], piece)
            assert np.array_equal(take.target_deg[at + segments.ends], angles)

    def test_rest_has_its_share_and_the_poses_share_the_remainder_equally(self):
        recording = labelled(labels=(1, 2, 2, 2))
        segments = Segments(takes_of_labelled(recording), self.shape, Recipe(unroll=1, rest_share=0.2))
        thumb = segments.draw(1000, self.rng).target_deg[:, 0, 0]
        share = {angle: float((thumb == angle).float().mean()) for angle in (0, 40, 180)}
        assert share == {
            0: pytest.approx(0.4, abs=0.06),
            40: pytest.approx(0.2, abs=0.05),
            180: pytest.approx(0.4, abs=0.06),
        }

    def test_one_movement_is_not_enough(self):
        with pytest.raises(UserError, match="All training data have the label 0"):
            Segments(takes_of_labelled(labelled(labels=(0,))), self.shape, Recipe())

    def test_takes_shorter_than_a_window_are_too_little(self):
        with pytest.raises(UserError, match="too little data"):
            Segments(takes_of_labelled(labelled(seconds_each=0.2)), self.shape, Recipe())


class TestClosedLoop:
    def test_history_is_the_networks_own_past_and_never_the_truth(self):
        seen = []

        class Spy:
            def decide(self, features, history):
                seen.append(history.clone())
                return torch.full((len(features), 5), 10.0 * len(seen))

        start, target = torch.full((1, 10), 77.0), torch.full((1, 3, 5), 180.0)
        loss = closed_loop_loss(Spy(), torch.zeros(1, 3, 4), start, target, torch.ones(1, 3))
        assert [h[0, 0].item() for h in seen] == [77, 10, 20]
        assert [h[0, 5].item() for h in seen] == [77, 77, 10]
        assert loss.item() == pytest.approx((170 + 160 + 150) / 3 / 180)

    def test_windows_that_do_not_count_add_nothing(self):
        class Off:
            def decide(self, features, history):
                return torch.zeros(len(features), 5)

        target = torch.tensor([[[0.0] * 5, [180.0] * 5]])
        loss = closed_loop_loss(Off(), torch.zeros(1, 2, 4), torch.zeros(1, 10), target, torch.tensor([[1.0, 0.0]]))
        assert loss.item() == 0

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
            validation.look(network)
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


def louder(recording):
    """The same cues with a louder signal, as a recording of the same name from another day."""
    return replace(recording, counts=2 * recording.counts)


class TestCheckpoint:
    def interrupted(self, folder, at_step, recipe=QUICK):
        """Interrupts a training at a step."""

        def stop(step, _loss):
            if step == at_step:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.training(folder, recipe, stop)

    def training(self, folder, recipe=QUICK, progress=None, family="cnn_mlp", on=(0,), recording=None):
        sources = [(SOURCE, recording or labelled(repetitions=3))]
        return build("t", sources, POSES, recipe, on, "cpu", progress, family, None, folder / "c")[0]

    @pytest.mark.parametrize("at_step", [15, 70])
    def test_a_resumed_training_gives_the_weights_of_an_uninterrupted_one(self, tmp_path, monkeypatch, at_step):
        monkeypatch.setattr("myobridge_models.training.train.LOOK_STEPS", 10)
        self.interrupted(tmp_path, at_step)
        assert (tmp_path / "c").exists()
        resumed = self.training(tmp_path)
        assert not (tmp_path / "c").exists()
        whole = self.training(tmp_path)
        for name, weight in whole.state_dict().items():
            assert torch.equal(resumed.state_dict()[name], weight), name

    def test_an_unfinished_network_can_be_exported(self, tmp_path, monkeypatch):
        monkeypatch.setattr("myobridge_models.training.train.LOOK_STEPS", 10)
        self.interrupted(tmp_path, 70)
        export(*network_in(tmp_path / "c"), tmp_path / "m.onnx")
        assert evaluate(tmp_path / "m.onnx", labelled(), SOURCE).mae_deg < 90

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"recipe": replace(QUICK, seed=9)}, "seed: 0 instead of 9"),
            ({"family": "gru"}, "family: cnn_mlp instead of gru"),
            ({"on": (1,)}, "repetitions: 0 instead of 1"),
            ({"recording": louder(labelled(repetitions=3))}, "loudness: .* instead of"),
        ],
    )
    def test_a_checkpoint_of_another_training_is_refused(self, tmp_path, monkeypatch, change, sentence):
        monkeypatch.setattr("myobridge_models.training.train.LOOK_STEPS", 10)
        self.interrupted(tmp_path, 15)
        with pytest.raises(UserError, match=sentence):
            self.training(tmp_path, **change)

    def test_a_file_that_is_not_a_checkpoint_is_refused(self, tmp_path):
        (tmp_path / "c").write_bytes(b"PK nonsense")
        with pytest.raises(UserError, match=r"not a whole checkpoint; .*move it away"):
            self.training(tmp_path)


class TestLabelAlignment:
    def take(self, begins_s=0.3, ends_s=0.5, loud=8.0):
        """3 s of rest, a cue of 3 s that the muscle follows late, and 3 s of rest."""
        rng, n = np.random.default_rng(0), 9 * FS_HZ
        t = np.arange(n) / FS_HZ
        active = (t >= 3 + begins_s) & (t < 6 + ends_s)
        emg = rng.standard_normal((2, n)).astype(np.float32) * np.where(active, loud, 1.0).astype(np.float32)
        cue = ((t >= 3) & (t < 6)).astype(np.int64) * 2
        target = np.where(cue[:, None] > 0, 180.0, 40.0).repeat(5, axis=1).astype(np.float32)
        return Take(emg, target, cue, np.zeros(n, np.int64), np.zeros(n, bool))

    @pytest.mark.parametrize(("begins_s", "ends_s"), [(0.1, 0.2), (0.4, 0.6), (0.7, 0.3)])
    def test_labels_begin_and_end_with_the_muscle(self, begins_s, ends_s):
        found = aligned(self.take(begins_s, ends_s), FS_HZ)
        seconds = np.flatnonzero(found.movement == 2) / FS_HZ
        assert seconds[0] == pytest.approx(3 + begins_s, abs=0.06)  # half the envelope
        assert seconds[-1] == pytest.approx(6 + ends_s, abs=0.06)
        assert np.array_equal(found.target_deg[:, 0] == 180, found.movement == 2)
        assert found.usable.all()

    def test_an_invisible_contraction_gets_the_usual_delay(self):
        found = aligned(self.take(loud=1.1), FS_HZ)
        seconds = np.flatnonzero(found.movement == 2) / FS_HZ
        assert seconds[0] == pytest.approx(3.4, abs=0.01)
        assert seconds[-1] == pytest.approx(6.4, abs=0.01)


class TestAlterations:
    rng = np.random.default_rng(0)
    emg = rng.standard_normal((3, 4000)).astype(np.float32)

    def test_a_turned_cuff_mixes_neighbours(self):
        turned = shifted(self.emg, 0.25)
        assert np.allclose(turned[1], 0.75 * self.emg[1] + 0.25 * self.emg[0], atol=1e-6)
        assert np.allclose(shifted(self.emg, -1.0)[0], self.emg[1], atol=1e-6)

    def test_noise_has_its_level(self):
        noise = with_noise(self.emg, 20, self.rng) - self.emg
        assert noise.std() == pytest.approx(0.1, rel=0.05)

    def test_hum_has_its_frequency_and_level(self):
        hum = with_mains(np.zeros((1, 4000), np.float32), 50, np.array([0.5]), 1000, self.rng)[0]
        assert np.argmax(np.abs(np.fft.rfft(hum))) == 50 * 4
        assert hum.std() == pytest.approx(0.5, rel=0.1)

    def test_warping_speeds_up_signal_and_labels_together(self):
        take = takes_of_labelled()[0]
        fast = warped(take, 1.05)
        assert len(fast) == pytest.approx(len(take) / 1.05, abs=2)
        cues = [np.flatnonzero(np.diff(t.movement))[0] for t in (take, fast)]
        assert cues[1] == pytest.approx(cues[0] / 1.05, abs=2)
