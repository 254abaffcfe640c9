"""Simulated electrode faults, applied before the daemon's filter, and the figures of a model with them."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from myobridge.recording import Recording
from myobridge_models import cli
from myobridge_models.experiments.robustness import (
    Perturbation,
    Point,
    curves,
    gain,
    hum,
    noise,
    perturbations,
    perturbed,
    points_of,
    rotation,
)
from tiny_model import write_tiny_model

FS_HZ = 1000.0
EMG = np.random.default_rng(1).normal(7, [10, 20, 30], (4000, 3))


def applied(change, counts=EMG):
    return change(counts, FS_HZ, np.random.default_rng(0))


def rms(x):
    return (x - x.mean(axis=0)).std(axis=0)


class TestChanges:
    def test_gain_is_about_the_mean(self):
        louder = applied(gain(1.5))
        assert louder.mean(axis=0) == pytest.approx(EMG.mean(axis=0))
        assert rms(louder) == pytest.approx(1.5 * rms(EMG))

    def test_gain_of_one_channel_leaves_the_others(self):
        changed = applied(gain(0.5, 1))
        assert rms(changed) == pytest.approx(rms(EMG) * [1, 0.5, 1])
        assert np.array_equal(changed[:, [0, 2]], EMG[:, [0, 2]])

    def test_a_dead_channel_stands_still(self):
        assert rms(applied(gain(0, 2))).tolist()[2] == 0

    @pytest.mark.parametrize("snr_db", [20, 10])
    def test_noise_has_the_stated_power(self, snr_db):
        added = applied(noise(snr_db)) - EMG
        assert 20 * np.log10(rms(EMG) / rms(added)) == pytest.approx(snr_db, abs=0.3)

    @pytest.mark.parametrize("mains_hz", [50, 60])
    def test_hum_is_one_line_of_the_spectrum(self, mains_hz):
        added = applied(hum(mains_hz, -10)) - EMG
        assert 20 * np.log10(rms(added) / rms(EMG)) == pytest.approx(-10, abs=0.01)
        power = np.abs(np.fft.rfft(added[:, 0])) ** 2
        assert np.fft.rfftfreq(len(added), 1 / FS_HZ)[power.argmax()] == mains_hz
        assert power.max() > 0.999 * power.sum()

    def test_rotation_by_one_electrode_and_half_way(self):
        assert np.array_equal(applied(rotation(1)), EMG[:, [2, 0, 1]])
        assert np.array_equal(applied(rotation(-1)), EMG[:, [1, 2, 0]])
        assert applied(rotation(0.5)) == pytest.approx((EMG + EMG[:, [2, 0, 1]]) / 2)
        assert applied(rotation(-0.5)) == pytest.approx((EMG + EMG[:, [1, 2, 0]]) / 2)


class TestPerturbed:
    recording = Recording(np.rint(EMG * 10).astype(np.int16), FS_HZ, adc_bits=10)

    def test_counts_are_clipped_to_the_range_of_the_adc(self):
        loud = perturbed(self.recording, Perturbation("gain", 1.5, gain(1.5)))
        assert loud.counts.dtype == np.int16
        assert (loud.counts.min(), loud.counts.max()) == (-512, 511)

    def test_noise_is_reproducible_and_the_original_is_unchanged(self):
        before = self.recording.counts.copy()
        one = Perturbation("noise", 10, noise(10))
        assert np.array_equal(perturbed(self.recording, one).counts, perturbed(self.recording, one).counts)
        assert np.array_equal(self.recording.counts, before)

    def test_all_curves_are_there(self):
        points = perturbations(4)
        names = {point.name for point in points}
        assert names == {
            "none",
            "gain, all channels",
            "gain, one channel",
            "noise, dB SNR",
            "hum 50 Hz, dB",
            "hum 60 Hz, dB",
            "dead channel",
            "rotation, electrodes",
        }
        for name in ("gain, one channel", "dead channel"):
            assert {point.channel for point in points if point.name == name} == {0, 1, 2, 3}
        assert {0.5, 1.5} <= {point.level for point in points if point.name == "gain, all channels"}


@pytest.fixture
def two_channels():
    """A recording whose mean count is the thumb angle of the tiny model: 40 at rest, 180 in a fist."""
    label = np.tile(np.repeat([1, 0], 500), 2).astype(np.uint8)
    noise_counts = np.random.default_rng(2).integers(-9, 10, (len(label), 2))
    counts = (np.where(label, 180, 40)[:, None] + noise_counts).astype(np.int16)
    repetition = np.repeat([0, 1], 1000).astype(np.uint8)
    return Recording(counts, FS_HZ, 10, label, repetition)


def test_the_unchanged_recording_comes_first_and_is_judged_as_evaluate_does(tmp_path, two_channels):
    model = write_tiny_model(tmp_path / "tiny.onnx")
    points = {(p.perturbation, p.level, p.channel): p for p in points_of(model, two_channels, tmp_path / "r.npz")}
    first = next(iter(points.values()))
    assert first.perturbation == "none"
    assert first.withheld == 0
    assert points["gain, one channel", 0.5, 1].mae_deg > first.mae_deg
    assert points["dead channel", 1, 0].withheld > 0.5
    assert points["rotation, electrodes", 0.5, None].mae_deg == pytest.approx(first.mae_deg, abs=2)


def test_a_curve_is_the_mean_over_channels_and_recordings():
    points = [
        Point("a", "m", "none", 0, None, 10.0, 0.9, 0.0),
        Point("a", "m", "gain, one channel", 0.5, 0, 12.0, 0.8, 0.0),
        Point("a", "m", "gain, one channel", 0.5, 1, 14.0, None, 0.5),
    ]
    unchanged, half = curves(points)
    assert unchanged == {
        "decoder": "m",
        "perturbation": "none",
        "level": 0,
        "mae_deg": 10,
        "balanced_accuracy": 0.9,
        "withheld": 0,
    }
    assert half["mae_deg"] == 13
    assert half["balanced_accuracy"] == 0.8
    assert half["withheld"] == 0.25


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["myobridge-models", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_the_command_writes_curves_rows_and_a_plot(monkeypatch, capsys, tmp_path, two_channels):
    model = write_tiny_model(tmp_path / "tiny.onnx")
    two_channels.save(tmp_path / "r.npz")
    plots = ("--plots", tmp_path / "plots")
    code, out, err = run(
        monkeypatch, capsys, "robustness", model, tmp_path / "r.npz", "--repetition", 0, "--json", "-", *plots
    )
    found = json.loads(out)
    assert code == 0
    assert f"r.npz: 100 % of {len(perturbations(2))} changes" in err
    assert found["curves"][0]["perturbation"] == "none"
    assert len(found["rows"]) == len(perturbations(2))
    assert (tmp_path / "plots" / "robustness_tiny.png").read_bytes().startswith(b"\x89PNG")


def test_classical_decoders_are_judged_with_the_same_changes(monkeypatch, capsys, tmp_path):
    model = write_tiny_model(tmp_path / "tiny.onnx")
    label = np.tile(np.repeat([1, 0], 3000), 2).astype(np.uint8)
    emg = np.where(label, 60, 6)[:, None] * np.random.default_rng(3).standard_normal((len(label), 2))
    repetition = np.repeat([0, 1], 6000).astype(np.uint8)
    Recording(emg.astype(np.int16), FS_HZ, 10, label, repetition).save(tmp_path / "r.npz")
    arguments = (model, tmp_path / "r.npz", "--repetition", 0, "--decoders", "lda,svm_bands", "--json", "-")
    code, out, err = run(monkeypatch, capsys, "robustness", *arguments, "--plots", tmp_path)
    assert code == 0, err
    found = json.loads(out)
    assert len(found["rows"]) == 3 * len(perturbations(2))
    assert list(dict.fromkeys(row["decoder"] for row in found["curves"])) == ["tiny", "lda", "svm_bands"]
    accuracy = {
        (row["decoder"], row["perturbation"], row["level"]): row["balanced_accuracy"] for row in found["curves"]
    }
    for name in ("lda", "svm_bands"):
        assert accuracy[name, "none", 0] > 0.8
        assert accuracy[name, "noise, dB SNR", 10] < accuracy[name, "none", 0] + 0.01


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--decoders", "lda"), "name one to judge on with --repetition"),
        (("--decoders", "cnn_mlp", "--repetition", 0), "There is no decoder 'cnn_mlp'; choose from mean, forest, lda"),
    ],
)
def test_a_mistake_in_the_decoders_is_one_sentence(monkeypatch, capsys, tmp_path, two_channels, more, sentence):
    model = write_tiny_model(tmp_path / "tiny.onnx")
    two_channels.save(tmp_path / "r.npz")
    code, _, err = run(monkeypatch, capsys, "robustness", model, tmp_path / "r.npz", *more)
    assert code == 1
    assert sentence in err


def test_a_recording_with_another_sampling_rate_is_refused(monkeypatch, capsys, tmp_path, two_channels):
    model = write_tiny_model(tmp_path / "tiny.onnx")
    replace(two_channels, fs_hz=500.0).save(tmp_path / "r.npz")
    code, _, err = run(monkeypatch, capsys, "robustness", model, tmp_path / "r.npz")
    assert code == 1
    assert "2 channels at 500 Hz, but the model tiny is for 2 channels at 1000 Hz" in err
