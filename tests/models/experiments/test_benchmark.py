"""`benchmark` and `evaluate` accept any labelled recording, and refuse unusable ones in one sentence."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from myobridge.model.file import LabelledPose
from myobridge.recording import Recording
from myobridge_models import cli
from myobridge_models.evaluation.decisions import instants
from myobridge_models.evaluation.evaluate import Figures
from myobridge_models.experiments.benchmark import judge, means
from myobridge_models.experiments.classical_features import hudgins
from myobridge_models.experiments.decoders import DECODERS
from myobridge_models.experiments.folds import Context, folds_in
from myobridge_models.report.plots import confusion_counts
from myobridge_models.training.recipe import Recipe

KEYS = {
    "person",
    "fold",
    "decoder",
    "mae_deg",
    "balanced_accuracy",
    "false_activations_per_hour",
    "away_s_per_hour",
    "onset_delay_s",
    "onset_delay_p90_s",
    "jitter_deg_per_s",
}


def run(monkeypatch, capsys, *arguments):
    """(exit code, stdout, stderr) of `myobridge-models ARGUMENTS…`."""
    monkeypatch.setattr(sys, "argv", ["myobridge-models", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def recorded(labels=(1, 2, 9), fs_hz=500, channels=2, repetitions=2, seconds_each=3.0, seed=0) -> Recording:
    """One take per label: cue and rest in turn; each label is loudest on its own channel."""
    rng = np.random.default_rng(seed)
    n = round(seconds_each * fs_hz)
    label = np.repeat([[movement, 0] * repetitions for movement in labels], n).astype(np.uint8)
    repetition = np.tile(np.repeat(np.arange(repetitions, dtype=np.uint8), 2 * n), len(labels))
    run_number = np.repeat(np.arange(len(labels), dtype=np.uint8), 2 * n * repetitions)
    loudness = np.full((len(label), channels), 20.0)
    for number, movement in enumerate(labels):
        loudness[label == movement, number % channels] = 400 * (1 + number // channels)
    counts = (loudness * rng.standard_normal(loudness.shape)).astype(np.int16)
    return Recording(counts, fs_hz, 16, label, repetition, run_number)


@pytest.fixture
def folder(tmp_path):
    """Two people with the same statistics."""
    recorded().save(tmp_path / "s01.npz")
    recorded(seed=1).save(tmp_path / "s02.npz")
    return tmp_path


CLASSICAL = ("--decoders", "mean,forest,lda,svm,svm_likeness,lda_bands,svm_bands")


def benchmark(monkeypatch, capsys, folder, *arguments):
    """In this process; the last `--jobs` counts."""
    return run(monkeypatch, capsys, "benchmark", "--data", folder, "--jobs", 1, *arguments)


class TestBenchmark:
    def test_there_is_a_row_for_each_person_fold_and_decoder_and_their_means(self, monkeypatch, capsys, folder):
        code, out, err = benchmark(monkeypatch, capsys, folder, *CLASSICAL, "--json", "-")
        found = json.loads(out)
        assert code == 0
        assert all(f"person {person}, fold {fold}: mean" in err for person in (1, 2) for fold in (0, 1))
        listed = [(row["person"], row["fold"], row["decoder"]) for row in found["rows"]]
        names = ["mean", "forest", "lda", "svm", "svm_likeness", "lda_bands", "svm_bands"]
        assert listed == [(person, fold, name) for person in (1, 2) for fold in (0, 1) for name in names]
        assert all(set(row) >= KEYS for row in found["rows"])
        of_lda = [row["mae_deg"] for row in found["rows"] if row["decoder"] == "lda"]
        [lda] = [mean for mean in found["means"] if mean["decoder"] == "lda"]
        assert lda["mae_deg"] == pytest.approx(np.mean(of_lda))

    def test_classifiers_tell_loud_channels_apart_and_the_mean_does_not(self, monkeypatch, capsys, folder):
        _, out, _ = benchmark(monkeypatch, capsys, folder, *CLASSICAL, "--people", 1, "--json", "-")
        by_name = {mean["decoder"]: mean for mean in json.loads(out)["means"]}
        for name in ("lda", "svm", "svm_likeness", "lda_bands", "svm_bands", "forest"):
            assert by_name[name]["balanced_accuracy"] > 0.8
            assert by_name[name]["missed_onsets"] == 0
            assert by_name[name]["onset_delay_s"] < 0.5
        assert by_name["mean"]["balanced_accuracy"] == 0.25
        assert by_name["mean"]["jitter_deg_per_s"] == 0

    def test_the_chosen_people_folds_and_decoders_are_judged_once(self, monkeypatch, capsys, folder):
        _, out, _ = benchmark(
            monkeypatch, capsys, folder, "--decoders", "lda,lda", "--people", "2,2", "--folds", "1,1", "--json", "-"
        )
        [row] = json.loads(out)["rows"]
        assert (row["person"], row["fold"]) == (2, 1)

    @pytest.mark.slow
    def test_parallel_processes_give_the_same_figures(self, monkeypatch, capsys, folder):
        alone = benchmark(monkeypatch, capsys, folder, "--decoders", "lda", "--json", "-")[1]
        together = benchmark(monkeypatch, capsys, folder, "--decoders", "lda", "--jobs", 2, "--json", "-")[1]
        assert json.loads(alone) == json.loads(together)

    def test_the_command_draws_plots_and_prints_a_table(self, monkeypatch, capsys, folder, tmp_path):
        plots = tmp_path / "new" / "plots"
        code, out, _ = benchmark(monkeypatch, capsys, folder, "--decoders", "mean,lda", "--plots", plots)
        assert code == 0
        assert "bal." in out
        drawn = {path.name: path.read_bytes() for path in plots.iterdir()}
        assert set(drawn) == {
            f"{name}.png"
            for name in (
                "decoders",
                "people",
                "confusion_mean",
                "confusion_lda",
                "angles_person1",
                "angles_person2",
            )
        }
        assert all(image.startswith(b"\x89PNG") for image in drawn.values())

    @pytest.mark.parametrize(
        "made",
        [
            {"fs_hz": 1000, "channels": 8},
            {"fs_hz": 1000, "channels": 10, "labels": (1, 2, 3, 7, 8, 9, 10)},
            {"fs_hz": 1111, "channels": 3},
            {"repetitions": 5},
            {"labels": (2,)},
        ],
        ids=str,
    )
    def test_any_rate_channels_and_repetitions(self, monkeypatch, capsys, tmp_path, made):
        recorded(**made).save(tmp_path / "s31.npz")
        code, out, err = benchmark(monkeypatch, capsys, tmp_path, *CLASSICAL, "--json", "-")
        assert code == 0, err
        rows = json.loads(out)["rows"]
        assert len(rows) == 7 * made.get("repetitions", 2)
        assert all(row["balanced_accuracy"] > 0.8 for row in rows if row["decoder"] in ("lda", "svm"))

    def test_a_recording_of_one_take_needs_no_run_numbers(self, monkeypatch, capsys, tmp_path):
        without(recorded(), "run").save(tmp_path / "s7.npz")
        code, out, _ = benchmark(monkeypatch, capsys, tmp_path, "--decoders", "lda", "--people", 7, "--json", "-")
        assert code == 0
        assert [row["person"] for row in json.loads(out)["rows"]] == [7, 7]

    def test_a_repetition_of_rest_alone_is_not_a_fold(self, tmp_path):
        one = recorded(repetitions=3)
        label = np.where(one.repetition == 0, 0, one.label).astype(np.uint8)
        replace(one, label=label).save(tmp_path / "s01.npz")
        assert [fold.held_out for fold in folds_in(tmp_path, None, None)] == [1, 2]

    def test_people_may_have_different_rates_channels_and_repetitions(self, monkeypatch, capsys, folder):
        recorded(fs_hz=1000, channels=8, repetitions=3).save(folder / "s03.npz")
        code, out, _ = benchmark(monkeypatch, capsys, folder, "--decoders", "lda", "--json", "-")
        assert code == 0
        folds = [(row["person"], row["fold"]) for row in json.loads(out)["rows"]]
        assert folds == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]

    def test_a_recordings_own_poses_take_precedence_over_biopatrecs(self, tmp_path):
        poses = (LabelledPose(0, "rest", (10,) * 5), LabelledPose(1, "fist", (170,) * 5))
        replace(recorded(labels=(1,)), poses=poses).save(tmp_path / "s01.npz")
        [fold, _] = folds_in(tmp_path, None, None)
        assert np.unique(fold.truth_deg).tolist() == [10, 170]

    @pytest.mark.slow
    def test_the_network_at_1_khz_with_8_channels(self, monkeypatch, capsys, tmp_path):
        recorded(fs_hz=1000, channels=8).save(tmp_path / "s31.npz")
        arguments = ("--decoders", "cnn_mlp", "--folds", 1, "--steps", 20, "--json", "-")
        code, out, err = benchmark(monkeypatch, capsys, tmp_path, *arguments)
        assert code == 0, err
        [row] = json.loads(out)["rows"]
        assert 0 < row["mae_deg"] < 90

    def test_an_error_after_the_first_folds_keeps_their_figures(self, monkeypatch, capsys, folder, tmp_path):
        one_class = recorded()
        replace(one_class, label=np.ones_like(one_class.label)).save(folder / "s03.npz")
        path = tmp_path / "b.json"
        code, out, err = benchmark(monkeypatch, capsys, folder, "--decoders", "lda", "--json", path)
        assert code == 1
        assert "s03.npz" in err
        assert "Means" in out
        assert [row["person"] for row in json.loads(path.read_text())["rows"]] == [1, 1, 2, 2]


def test_no_decoder_has_seen_the_held_out_repetition(tmp_path):
    """Other labels of the held-out repetition do not change the decisions."""
    one = recorded()
    one.save(tmp_path / "s01.npz")
    lied = one.label.copy()
    lied[one.repetition == 1] = np.where(lied[one.repetition == 1] == 1, 2, 1)
    replace(one, label=lied).save(tmp_path / "s02.npz")
    honest, lying = folds_in(tmp_path, None, [1])
    for name in ("forest", "lda", "svm", "svm_likeness", "lda_bands", "svm_bands"):
        one, other = (
            DECODERS[name](fold, Context(tmp_path, Recipe()))(fold.recording, fold.source) for fold in (honest, lying)
        )
        assert np.array_equal(one.angles_deg, other.angles_deg)


def test_every_classical_decoder_decides_at_the_same_instants(tmp_path):
    recorded().save(tmp_path / "s01.npz")
    fold = folds_in(tmp_path, None, [0])[0]
    for name in ("mean", "lda", "svm", "svm_likeness", "lda_bands"):
        decisions = DECODERS[name](fold, Context(tmp_path, Recipe()))(fold.recording, fold.source)
        assert np.array_equal(decisions.sample, instants(fold.recording))


def test_confusion_counts_hold_every_instant_once_with_the_cue_in_rows(tmp_path):
    recorded().save(tmp_path / "s01.npz")
    fold = folds_in(tmp_path, None, [0])[0]
    judged = judge(fold, ["mean", "lda"], Context(tmp_path, Recipe()))
    of_mean, of_lda = (confusion_counts(judged, name) for name in ("mean", "lda"))
    assert of_mean.sum() == of_lda.sum() == len(instants(fold.recording, 0))
    assert np.array_equal(of_mean.sum(axis=1), of_lda.sum(axis=1))
    assert (of_mean.sum(axis=0) > 0).sum() == 1  # it always decodes the same pose
    assert np.trace(of_lda) > 0.8 * of_lda.sum()


def test_features_of_a_window_that_begins_before_the_take_use_the_existing_samples(tmp_path):
    recorded().save(tmp_path / "s01.npz")
    take = folds_in(tmp_path, None, [0])[0].takes[0]
    short, long = (hudgins(take, np.array([299]), 500, (window_s,)) for window_s in (0.6, 1.6))
    assert np.allclose(short, long)
    later = hudgins(take, np.array([299, 899]), 500, (0.6,))[1]
    part = take.emg[:, 600:900].astype(float)
    assert later[:2] == pytest.approx(np.log(np.sqrt(np.mean(part**2, axis=1))), abs=1e-5)
    assert later[2:4] == pytest.approx(np.log(np.mean(np.abs(part), axis=1)), abs=1e-5)


def test_a_missing_figure_is_left_out_of_the_mean():
    unknown = {"decoder": "lda", **dict.fromkeys(Figures._fields)}
    rows = [
        {**unknown, "mae_deg": 1.0, "false_activations_per_hour": None},
        {**unknown, "mae_deg": 2.0, "false_activations_per_hour": 8.0},
    ]
    [mean] = means(rows)
    assert (mean["mae_deg"], mean["false_activations_per_hour"], mean["onset_delay_s"]) == (1.5, 8.0, None)


def without(one: Recording, *fields):
    return replace(one, **dict.fromkeys(fields))


def clipped(one: Recording):
    one.counts[::20, 1] = 32767
    return one


def flat(one: Recording):
    one.counts[:, 1] = 3
    return one


BAD = {
    "no labels": (lambda: without(recorded(), "label"), "has no 'label' or no 'repetition'"),
    "no repetitions": (lambda: without(recorded(), "repetition"), "has no 'label' or no 'repetition'"),
    "one repetition": (lambda: recorded(repetitions=1), "has movements in 1 repetition(s)"),
    "rest only": (
        lambda: replace(recorded(), label=np.zeros_like(recorded().label)),
        "has movements in 0 repetition(s)",
    ),
    "one class": (
        lambda: replace(recorded(), label=np.ones_like(recorded().label)),
        "fewer than two movements in them; record more",
    ),
    "too short": (lambda: recorded(seconds_each=0.2), "too little data: no settled samples"),
    "unknown label": (lambda: recorded(labels=(1, 77)), "labels without a known pose ([77])"),
    "clipped channel": (lambda: clipped(recorded()), "channel EMG 2 is clipped in 5 % of its samples"),
    "flat channel": (lambda: flat(recorded()), "s01.npz: channel EMG 2 is flat"),
}


class TestBadInput:
    @pytest.mark.parametrize(("make", "sentence"), BAD.values(), ids=BAD)
    def test_unusable_recordings_are_refused(self, monkeypatch, capsys, tmp_path, make, sentence):
        make().save(tmp_path / "s01.npz")
        code, _, err = benchmark(monkeypatch, capsys, tmp_path, "--decoders", "lda,svm")
        assert code == 1
        assert sentence in " ".join(err.split())

    @pytest.mark.parametrize(
        ("emg", "sentence"),
        [
            (np.zeros((0, 4), np.int16), "'emg' must have the shape (samples, channels) and has (0, 4)"),
            (np.full((5000, 4), np.nan), "channel 0 holds NaN"),
        ],
        ids=["empty", "NaN"],
    )
    def test_arrays_that_are_not_a_recording_are_refused(self, monkeypatch, capsys, tmp_path, emg, sentence):
        np.savez(tmp_path / "s01.npz", emg=emg, fs=500)
        code, _, err = benchmark(monkeypatch, capsys, tmp_path, "--decoders", "lda")
        assert code == 1
        assert sentence in err

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("--people", "1,9"), "There is no recording of person 9"),
            (("--people", "one"), "'one' is not a list of numbers"),
            (("--folds", "0,5"), "has no repetition 5 to hold out; it has [0, 1]"),
            (("--decoders", "lda,magic"), "There is no decoder 'magic'; choose from mean, forest, lda, lda_unseen"),
            (("--decoders", ""), "There is no decoder ''"),
        ],
    )
    def test_unknown_names_are_refused_before_any_training(self, monkeypatch, capsys, folder, arguments, sentence):
        code, out, err = benchmark(monkeypatch, capsys, folder, *arguments)
        assert code == 1
        assert sentence in err
        assert out == ""
        assert len(err.strip().splitlines()) == 1

    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda: recorded(fs_hz=1000, channels=4), "4 channels at 1000 Hz, but the model biopatrec"),
            (lambda: recorded(fs_hz=2000, channels=2), "2 channels at 2000 Hz, but the model biopatrec"),
            (lambda: recorded(fs_hz=2000, channels=4, seconds_each=0.05), "shorter than one window of 802 samples"),
            (
                lambda: without(recorded(fs_hz=2000, channels=4), "label"),
                "neither finger angles nor labels that the model knows",
            ),
        ],
        ids=["fs", "channels", "short", "no truth"],
    )
    def test_evaluate_refuses_recordings_that_do_not_fit(self, monkeypatch, capsys, tmp_path, make, sentence):
        make().save(tmp_path / "r.npz")
        code, _, err = run(monkeypatch, capsys, "evaluate", "biopatrec", tmp_path / "r.npz")
        assert code == 1
        assert sentence in err
        assert len(err.strip().splitlines()) == 1

    def test_evaluate_names_a_missing_repetition(self, monkeypatch, capsys, tmp_path):
        recorded(fs_hz=2000, channels=4, labels=(1,), seconds_each=1).save(tmp_path / "r.npz")
        code, _, err = run(monkeypatch, capsys, "evaluate", "biopatrec", tmp_path / "r.npz", "--repetition", 5)
        assert code == 1
        assert "has no repetition 5" in err
