"""`days` judges decoders on later sessions with three kinds of knowledge, all on the same windows."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from myobridge.recording import Recording
from myobridge_models.commands.command_line import commands
from myobridge_models.data import biopatrec
from myobridge_models.evaluation.decisions import instants
from myobridge_models.experiments import network_days
from myobridge_models.experiments.baselines import BASELINES
from myobridge_models.experiments.classical_days import learn_baseline
from myobridge_models.experiments.days import Row, doubts
from myobridge_models.experiments.knowledge import Knowledge
from myobridge_models.experiments.sessions import APART_S, Session
from myobridge_models.training.recipe import Recipe

FS_HZ = 500
MOVEMENTS = (0, 1, 2, 10)
HELD_S = 3.0


def day(seed=0, gains=(1, 1, 1), turned=0, movements=MOVEMENTS, held_s=HELD_S, fs_hz=FS_HZ, held_twice=False):
    """Each movement is held without a break in a take of its own, loudest on one of three channels; rest is quiet."""
    rng, n = np.random.default_rng(seed), round(held_s * fs_hz)
    label = np.repeat(movements * (1 + held_twice), n).astype(np.uint8)
    loudness = np.full((len(label), 3), 150.0)
    for channel, movement in enumerate(MOVEMENTS[1:]):
        loudness[label == movement, channel] = 600
    counts = np.roll(loudness * np.array(gains) * rng.standard_normal(loudness.shape), turned, axis=1)
    run_number = np.repeat(np.arange(len(label) // n, dtype=np.uint8), n)
    return Recording(counts.astype(np.int16), fs_hz, 16, label, np.zeros_like(label), run_number)


def session(tmp_path, recording, labelled_s=1.0):
    return Session(tmp_path / "d.npz", recording, biopatrec.POSES, labelled_s, "d")


@pytest.fixture
def folder(tmp_path):
    """Three sessions to learn from, and one to judge whose electrodes have other gains."""
    for number in (1, 2, 3):
        day(number, gains=(1, 1.2, 0.9)).save(tmp_path / f"day{number}.npz")
    day(4, gains=(2, 0.5, 1)).save(tmp_path / "day4.npz")
    return tmp_path


def run(folder, *arguments, test=("day4.npz",)):
    train = [folder / f"day{number}.npz" for number in (1, 2, 3)]
    lists = ["--train", *train, "--test", *[folder / name for name in test]]
    return CliRunner().invoke(commands, [str(word) for word in ("days", *lists, "--jobs", 1, *arguments)])


def accuracies(folder, *arguments, decoders="lda_bands", test=("day4.npz",)):
    """(decoder, session, knowledge) → balanced accuracy."""
    to = folder / "found.json"
    result = run(folder, "--decoders", decoders, "--json", to, *arguments, test=test)
    assert result.exit_code == 0, result.output
    rows = json.loads(to.read_text())["rows"]
    return {(row["decoder"], row["session"], row["knowledge"]): row["balanced_accuracy"] for row in rows}


def test_there_is_a_row_for_each_session_decoder_and_kind_of_knowledge_and_a_picture(folder):
    day(5).save(folder / "day5.npz")
    options = ("--decoders", "lda,svm_bands", "--json", folder / "d.json", "--plots", folder / "plots")
    result = run(folder, *options, test=("day4.npz", "day5.npz"))
    assert result.exit_code == 0, result.output
    found = json.loads((folder / "d.json").read_text())
    listed = [(row["decoder"], row["session"], row["knowledge"]) for row in found["rows"]]
    kinds = ("none", "unlabelled", "labelled")
    assert listed == [(d, s, k) for d in ("lda", "svm_bands") for s in ("day4", "day5") for k in kinds]
    assert all({"mae_deg", "balanced_accuracy", "away_s_per_hour"} <= set(row) for row in found["rows"])
    assert (found["train"], found["test"]) == (["day1", "day2", "day3"], ["day4", "day5"])
    of_svm = [row["mae_deg"] for row in found["rows"] if (row["decoder"], row["knowledge"]) == ("svm_bands", "none")]
    [mean] = [m for m in found["means"] if (m["decoder"], m["knowledge"]) == ("svm_bands", "none")]
    assert mean["mae_deg"] == pytest.approx(np.mean(of_svm))
    assert (folder / "plots" / "days.png").read_bytes().startswith(b"\x89PNG")
    assert "read as BioPatRec's movements" in result.output


def test_a_gain_is_a_shift_that_the_centre_of_unlabelled_seconds_removes(folder):
    found = accuracies(folder, decoders="lda_bands,svm_bands")
    for name in ("lda_bands", "svm_bands"):
        assert found[name, "day4", "unlabelled"] > 0.95
        assert found[name, "day4", "none"] < found[name, "day4", "unlabelled"]


def test_another_seat_of_the_electrodes_needs_labels(folder):
    day(6, turned=1, held_twice=True).save(folder / "day6.npz")
    found = accuracies(folder, decoders="lda_bands,svm_bands", test=("day6.npz",))
    for name in ("lda_bands", "svm_bands"):
        assert found[name, "day6", "unlabelled"] < 0.6
        assert found[name, "day6", "labelled"] > 0.8


class TestKnownSeconds:
    def test_a_take_of_one_movement_is_known_from_its_first_sample_on(self, tmp_path):
        one = session(tmp_path, day())
        n = round(HELD_S * FS_HZ)
        assert one.known == [slice(k * n, k * n + FS_HZ) for k in range(len(MOVEMENTS))]

    def test_only_the_first_hold_of_a_movement_is_known(self, tmp_path):
        assert len(session(tmp_path, day(held_twice=True)).known) == len(MOVEMENTS)

    def test_after_a_cue_the_known_seconds_begin_when_the_muscle_has_followed(self, tmp_path):
        cued = replace(day(), run=None)
        starts = [known.start / FS_HZ for known in session(tmp_path, cued).known]
        assert starts == pytest.approx([0 + 1.0, 3 + 0.7, 6 + 0.7, 9 + 0.7])

    def test_no_judged_window_overlaps_a_known_second_and_all_later_ones_are_judged(self, tmp_path):
        one = session(tmp_path, day(held_twice=True))
        judged = set(one.judged.tolist())
        for row in instants(one.recording).tolist():
            overlaps = any(k.start <= row < k.stop + APART_S * FS_HZ for k in one.known)
            assert (row in judged) != overlaps


def decided(tmp_path, recording, knowledge, name="lda_bands"):
    learnt = learn_baseline(BASELINES[name], [session(tmp_path, day(seed)) for seed in (1, 2)])
    return learnt(session(tmp_path, recording), knowledge)


def test_a_decoder_without_knowledge_sees_no_later_sample(tmp_path):
    whole, n = day(7, gains=(3, 1, 1)), round(HELD_S * FS_HZ)
    other = whole.counts.copy()
    other[2 * n :] //= 9
    one, changed = (decided(tmp_path, replace(whole, counts=c), Knowledge.NONE) for c in (whole.counts, other))
    before = one.sample < 2 * n
    assert np.array_equal(one.angles_deg[before], changed.angles_deg[before])
    assert not np.array_equal(one.angles_deg, changed.angles_deg)


@pytest.mark.parametrize("name", ["lda", "lda_bands", "svm_likeness"])
def test_labels_count_only_for_decoders_that_know_them(tmp_path, name):
    honest = day(8)
    lying = replace(honest, label=np.array(MOVEMENTS)[[1, 2, 3, 0]].repeat(round(HELD_S * FS_HZ)).astype(np.uint8))
    for knowledge in Knowledge:
        one, other = (decided(tmp_path, recording, knowledge, name) for recording in (honest, lying))
        assert np.array_equal(one.angles_deg, other.angles_deg) == (knowledge is not Knowledge.LABELLED)


def test_labels_that_make_a_decoder_worse_are_doubted():
    def row(knowledge, accuracy):
        return Row("day9", "lda", knowledge, 1.0, accuracy, None, None)

    [sentence] = doubts([row("none", 0.9), row("unlabelled", 0.9), row("labelled", 0.5)])
    assert sentence == ("The labels of day9 make lda worse (0.90 → 0.50); check that its movements are labelled right.")
    assert doubts([row("unlabelled", 0.9), row("labelled", 0.85)]) == []


def test_labels_that_lie_in_the_known_seconds_are_doubted_by_the_command(folder):
    honest = day(9, held_twice=True)
    n, label = round(HELD_S * FS_HZ), honest.label.copy()
    label[: 4 * n] = np.repeat((0, 2, 10, 1), n)  # the first hold of each movement has another's name
    replace(honest, label=label).save(folder / "day9.npz")
    result = run(folder, "--decoders", "lda_bands", test=("day9.npz",))
    assert result.exit_code == 0
    assert "The labels of day9 make lda_bands worse" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("movements", "sentence"),
    [
        ((0, 1, 2), "day5.npz lacks pointer; what is known of the session is known without them."),
        ((0, 1, 2, 10, 9), "day5.npz has agree, which no training session has; decoders that get no labels miss them."),
    ],
)
def test_a_session_with_other_movements_is_judged_and_named(folder, movements, sentence):
    day(5, movements=movements).save(folder / "day5.npz")
    result = run(folder, "--decoders", "lda_bands", test=("day5.npz",))
    assert result.exit_code == 0, result.output
    assert sentence in " ".join(result.output.split())


def test_exchanged_labels_are_doubted_although_a_decoder_that_learns_them_looks_perfect(folder):
    honest, exchanged = day(9), np.arange(256, dtype=np.uint8)
    exchanged[[1, 2]] = 2, 1
    replace(honest, label=exchanged[honest.label]).save(folder / "day9.npz")
    result = run(folder, "--decoders", "lda_bands", test=("day9.npz",))
    said = " ".join(result.output.split())
    assert "Without the labels of day9, open_hand looks like close_hand, close_hand looks like open_hand" in said
    assert "check these labels" in said


def test_files_with_one_name_have_names_of_their_own(folder):
    (folder / "left").mkdir()
    day(5).save(folder / "day5.npz")
    day(6).save(folder / "left" / "day5.npz")
    result = run(folder, "--decoders", "mean", test=("day5.npz", "left/day5.npz"))
    assert "/day5, mean: none" in result.output
    assert "left/day5, mean: none" in result.output


def without_labels():
    return replace(day(5), label=None)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: day(5, fs_hz=1000), "differ in (fs Hz, channels, ADC bits): (500.0, 3, 16) and (1000.0, 3, 16)"),
        (lambda: replace(day(5), counts=day(5).counts[:, :2]), "(500.0, 3, 16) and (500.0, 2, 16)"),
        (lambda: day(5, held_s=1.2), "holds rest for less than 1.4 s, so 1 s cannot be known"),
        (lambda: day(5, movements=(0, 1, 77)), "labels without a known pose ([77])"),
        (without_labels, "day5.npz has no labels, so its movements are not known"),
        (lambda: day(5, gains=(0, 1, 1)), "day5.npz: channel EMG 1 is flat; check its electrode"),
        (lambda: day(1, gains=(1, 1.2, 0.9)), "hold the same samples; give each recording once"),
    ],
    ids=["rate", "channels", "short", "pose", "labels", "flat", "the training again"],
)
def test_a_session_that_does_not_fit_is_refused_before_any_training(folder, make, sentence):
    make().save(folder / "day5.npz")
    result = run(folder, test=("day4.npz", "day5.npz"))
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())
    assert "Means" not in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--decoders", "lda,magic"), "There is no decoder 'magic'; choose from mean, forest, lda, svm"),
        (("--decoders", "lda_unseen"), "There is no decoder 'lda_unseen'"),
        (("--labelled-s", 0.1), "0.1 is not in the range 0.5<=x<=3600"),
        (("--test", "day1.npz"), "is a session to learn from and a session to judge; take it out of one list"),
    ],
)
def test_a_mistake_is_one_sentence(folder, monkeypatch, arguments, sentence):
    monkeypatch.chdir(folder)
    result = run(folder, *arguments)
    assert result.exit_code != 0
    assert sentence in " ".join(result.output.split())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_network_reads_the_features_of_the_day(folder):
    found = accuracies(folder, "--steps", 500, decoders="mlp,cnn_mlp_log")
    for name in ("mlp", "cnn_mlp_log"):
        known = [found[name, "day4", knowledge] for knowledge in ("none", "unlabelled", "labelled")]
        assert known[2] > 0.8
        assert known[2] >= known[1] >= 0.5


@pytest.mark.slow
def test_labels_of_movements_that_were_held_alike_are_not_believed(tmp_path):
    train = [session(tmp_path, day(seed)) for seed in (1, 2)]
    learnt = network_days.learn_network("mlp", train, Recipe(steps=300), None)
    n = round(HELD_S * FS_HZ)
    at_rest = day(3)
    at_rest.counts[n : n + FS_HZ] = at_rest.counts[:FS_HZ]  # open_hand is not held in its known second
    one, other = (learnt(session(tmp_path, at_rest), k) for k in (Knowledge.UNLABELLED, Knowledge.LABELLED))
    assert np.array_equal(one.angles_deg, other.angles_deg)


@pytest.mark.slow
def test_real_sessions_of_many_days(biopatrec_dir, tmp_path):
    data = biopatrec_dir.parent / "multiday_4ch"
    if not (data / "day024.npz").exists():
        pytest.skip(f"The recordings of many days are not in {data}.")
    to = tmp_path / "d.json"
    lists = ["--train", data / "day001.npz", data / "day003.npz", "--test", data / "day024.npz"]
    words = ("days", *lists, "--decoders", "lda_bands", "--jobs", 1, "--json", to)
    result = CliRunner().invoke(commands, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    rows = json.loads(to.read_text())["rows"]
    assert all(row["balanced_accuracy"] > 0.8 for row in rows)
