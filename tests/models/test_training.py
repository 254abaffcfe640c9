"""Recordings become windows, windows a network, and the network's figures come from the daemon's pipeline."""

from pathlib import Path

import numpy as np
import pytest
import torch

from myobridge.device.synth import SynthOptions
from myobridge.errors import UserError
from myobridge.prefilter import Prefilter
from myobridge.recording import Recording
from myobridge_models import biopatrec
from myobridge_models.build import build
from myobridge_models.data import channel_scale, design_prefilter, filtered, only_repetitions, settled, takes_of
from myobridge_models.evaluate import evaluate
from myobridge_models.export import export
from myobridge_models.receptive import Shape
from myobridge_models.synthetic import record
from myobridge_models.train import Recipe, Segments, closed_loop_loss, random_history

FS_HZ = 500
POSES = biopatrec.POSES
SOURCE = Path("rec.npz")
QUICK = Recipe(steps=40, segments=8, average=0.9)


def labelled(labels=(1, 2), seconds_each=4.0, repetitions=2, channels=2, fs_hz=FS_HZ) -> Recording:
    """Cue and relax in turn; each label is a loudness of its own on each channel."""
    rng = np.random.default_rng(0)
    n = round(seconds_each * fs_hz)
    label = np.concatenate([np.repeat([movement, 0], n) for movement in labels for _ in range(repetitions)])
    repetition = np.concatenate([np.full(2 * n, r) for _ in labels for r in range(repetitions)])
    loudness = 20 + 100 * np.stack([label, label[::-1].max() - label], axis=1)[:, [i % 2 for i in range(channels)]]
    counts = (loudness * rng.standard_normal((len(label), channels))).astype(np.int16)
    run = np.repeat(np.arange(len(labels)), 2 * n * repetitions)
    as_bytes = (values.astype(np.uint8) for values in (label, repetition, run))
    return Recording(counts, fs_hz, 16, *as_bytes)


def takes_of_labelled(recording=None):
    return takes_of(recording or labelled(), SOURCE, design_prefilter(FS_HZ), POSES)


class TestTakes:
    def test_filter_starts_in_the_steady_state_of_the_first_sample(self):
        still = np.full((300, 2), 1000, np.int16)
        assert np.abs(filtered(still, 16, design_prefilter(2000))).max() < 1e-6

    def test_filter_is_causal_and_starts_anew_with_each_run(self):
        recording = labelled()
        takes = takes_of_labelled(recording)
        first_run = recording.counts[: len(takes[0])]
        assert np.allclose(takes[0].emg, filtered(first_run, 16, design_prefilter(FS_HZ)))
        half = filtered(first_run[:500], 16, design_prefilter(FS_HZ))
        assert np.allclose(takes[0].emg[:, :500], half)

    def test_filter_is_the_daemons(self):
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

    def test_a_held_out_repetition_leaves_no_sample_behind(self):
        kept = only_repetitions(takes_of_labelled(), [1])
        assert {int(r) for take in kept for r in take.repetition} == {1}
        assert sum(len(take) for take in kept) == 2 * 2 * 4 * FS_HZ

    def test_flat_channel_is_named(self):
        recording = labelled()
        recording.counts[:, 1] = 7
        with pytest.raises(UserError, match="EMG 2 is flat"):
            channel_scale(takes_of_labelled(recording))

    def test_label_without_a_pose_is_refused(self):
        with pytest.raises(UserError, match=r"rec.npz has labels without a known pose \(\[42\]\)"):
            takes_of_labelled(labelled(labels=(1, 42)))


class TestSegments:
    shape = Shape(FS_HZ, 2)

    def test_windows_lie_within_one_take_and_their_targets_fit(self):
        takes = takes_of_labelled()
        segments = Segments(takes, self.shape, Recipe(segments=64))
        emg, target, counts = segments.draw()
        assert emg.shape == (64, 2, self.shape.window_samples + 3 * 24)
        assert target.shape == (64, 4, 5)
        assert counts.any(dim=1).all()
        for piece, angles in zip(emg.numpy(), target.numpy(), strict=True):
            starts = [(t, np.flatnonzero(np.all(piece[:, 0] == t.emg[:, : -emg.shape[2]].T, axis=1))) for t in takes]
            [(take, [at, *_])] = [(t, hits) for t, hits in starts if len(hits)]
            assert np.array_equal(take.emg[:, at : at + emg.shape[2]], piece)
            assert np.array_equal(take.target_deg[at + segments.ends], angles)

    def test_every_movement_is_drawn_equally_often_at_any_phase(self):
        recording = labelled(labels=(1, 2, 2, 2))
        segments = Segments(takes_of_labelled(recording), self.shape, Recipe(segments=600, unroll=1))
        _, target, _ = segments.draw()
        thumb, often = np.unique(target[:, 0, 0].numpy(), return_counts=True)
        assert thumb.tolist() == [0, 40, 180]
        assert often.min() > 150

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

    def test_history_starts_anywhere_within_the_servo(self):
        history = random_history(torch.tensor([[0.0] * 5, [180.0] * 5]), 200, noise_deg=15)
        assert history.shape == (200, 10)
        assert history.min() >= 0
        assert history.max() <= 180
        assert (history[:, :5] - history[:, 5:]).abs().max() > 5


class TestTraining:
    def test_loss_falls_and_the_seed_decides_everything(self):
        def run(seed):
            losses = []
            recipe = Recipe(steps=40, segments=8, average=0.9, seed=seed)
            network, _ = build("t", [(SOURCE, labelled())], POSES, recipe, progress=lambda _, loss: losses.append(loss))
            return losses, network.mlp[1].weight

        losses, weight = run(0)
        again, same = run(0)
        other, _ = run(1)
        assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
        assert losses == again
        assert torch.equal(weight, same)
        assert losses != other

    def test_exported_model_tells_the_movements_apart_in_the_daemons_pipeline(self, tmp_path):
        recording, path = labelled(), tmp_path / "model.onnx"
        network, spec = build("tiny", [(SOURCE, recording)], POSES, QUICK, held_out=1)
        export(network, spec, path)
        found = evaluate(path, recording, SOURCE, repetition=1)
        assert spec.training["held_out_repetition"] == 1
        assert (spec.hop_samples, spec.history_hops) == (2, 12)
        assert found.balanced_accuracy > 0.6
        assert found.mae_deg < 45

    def test_true_angles_are_learnt_without_labels(self):
        recording = record(SynthOptions(fs_hz=FS_HZ, channels=2, seed=3), seconds=20)
        losses = []
        build("s", [(SOURCE, recording)], (), QUICK, progress=lambda _, loss: losses.append(loss))
        assert np.mean(losses[-5:]) < np.mean(losses[:5])

    @pytest.mark.parametrize("change", [{"fs_hz": 1000}, {"channels": 4}])
    def test_recordings_of_two_devices_are_refused(self, change):
        with pytest.raises(UserError, match=r"one.npz and two.npz differ"):
            build("t", [(Path("one.npz"), labelled()), (Path("two.npz"), labelled(**change))], POSES, QUICK)

    def test_a_repetition_that_is_not_there_cannot_be_held_out(self):
        with pytest.raises(UserError, match=r"one.npz has the repetitions \[0, 1\], so 7 cannot"):
            build("t", [(Path("one.npz"), labelled())], POSES, QUICK, held_out=7)
