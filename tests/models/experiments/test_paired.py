"""Networks against the strongest classical decoder, paired over people."""

import pytest

from myobridge_models.experiments.paired import paired


def row(person, decoder, accuracy, fold=0, mae_deg=10.0):
    return {"person": person, "fold": fold, "decoder": decoder, "balanced_accuracy": accuracy, "mae_deg": mae_deg}


def test_a_network_meets_the_strongest_classical_decoder_once_for_each_person():
    rows = []
    for person, better in enumerate((0.02, 0.03, -0.01, 0.04, 0.02)):
        for fold in (0, 1):
            rows += [row(person, "lda", 0.7, fold), row(person, "svm", 0.8 + 0.01 * fold, fold)]
            rows.append(row(person, "cnn_mlp_log", 0.805 + better, fold, mae_deg=9.0))
    [found] = paired(rows)
    assert (found.decoder, found.classical, found.people, found.ahead) == ("cnn_mlp_log", "svm", 5, 4)
    assert found.difference == pytest.approx(0.02)
    assert found.low < 0.02 < found.high
    assert 0.05 < found.wilcoxon_p < 0.5
    assert found.mae_difference_deg == pytest.approx(-1)
    assert "paired over 5 people: balanced accuracy +0.020" in found.sentence()


def test_people_meet_themselves_whatever_the_order_of_the_rows():
    rows = [row(person, "svm", 0.6 + 0.1 * person) for person in (1, 2, 3)]
    rows += [row(person, "cnn_mlp_log", 0.61 + 0.1 * person) for person in (3, 1, 2)]
    [found] = paired(rows)
    assert (found.low, found.high) == (pytest.approx(0.01), pytest.approx(0.01))


def test_only_decoders_that_know_as_much_are_compared():
    names = ("svm", "svm_one", "lda_unseen", "cnn_mlp_log", "population_minute", "population_unseen")
    rows = [row(person, name, 0.5 + 0.1 * person) for person in (1, 2) for name in names]
    assert {(one.decoder, one.classical) for one in paired(rows)} == {
        ("cnn_mlp_log", "svm"),
        ("population_minute", "svm_one"),
        ("population_unseen", "lda_unseen"),
    }
    assert {one.wilcoxon_p for one in paired(rows)} == {1.0}


def test_one_person_is_not_compared():
    assert paired([row(1, "svm", 0.8), row(1, "cnn_mlp_log", 0.9)]) == []
