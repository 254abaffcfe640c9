"""A calibration starts from a model file alone, and a person is never judged by a network that has seen them."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from labelled_recording import labelled
from myobridge.errors import UserError
from myobridge.recording import Recording
from myobridge_models.data import biopatrec
from myobridge_models.evaluation.evaluate import evaluate
from myobridge_models.experiments import population
from myobridge_models.experiments.benchmark import judge
from myobridge_models.experiments.folds import Context, folds_in
from myobridge_models.experiments.parallel import Workers
from myobridge_models.export.export import export
from myobridge_models.export.restore import restore
from myobridge_models.network.families.registry import FAMILIES
from myobridge_models.training import calibrate
from myobridge_models.training.build import build
from myobridge_models.training.recipe import Recipe

POSES = biopatrec.POSES
SOURCE = Path("rec.npz")
QUICK = Recipe(steps=80, segments=8, average=0.9)
QUICK_CALIBRATION = replace(QUICK, steps=200, detector_share=0.0, learning_rate=1e-3)


@pytest.fixture(autouse=True)
def short_recipes(monkeypatch):
    monkeypatch.setattr(calibrate, "CALIBRATION", QUICK_CALIBRATION)
    monkeypatch.setattr(calibrate, "FROM_THE_START", QUICK)
    monkeypatch.setattr(population, "POPULATION", QUICK)


def base_model(folder, recording=None, family="cnn_mlp"):
    path = folder / "base.onnx"
    network, spec = build("base", [(SOURCE, recording or labelled())], POSES, QUICK, family=family)
    export(network, spec, path)
    return network, path


def swapped():
    """The same movements with the two electrodes swapped."""
    recording = labelled()
    return replace(recording, counts=np.ascontiguousarray(recording.counts[:, ::-1]))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_is_restored_from_its_file(tmp_path, family):
    network, path = base_model(tmp_path, family=family)
    again, spec = restore(path, dropout=0.1)
    assert spec.family == family
    for name, weight in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight), name


def test_a_file_with_other_weights_is_refused(tmp_path):
    network, spec = build("other", [(SOURCE, labelled())], POSES, QUICK)
    export(network, msgspec.structs.replace(spec, family="mlp"), tmp_path / "other.onnx")
    with pytest.raises(UserError, match="does not hold the weights of a mlp"):
        restore(tmp_path / "other.onnx", 0.0)


def test_calibration_adapts_a_model_to_a_new_person(tmp_path):
    _, base = base_model(tmp_path)
    found = calibrate.calibrate(base, (SOURCE, swapped()), POSES, tmp_path / "mine.onnx")
    assert found.repetition == 1
    assert found.after.mae_deg < found.before.mae_deg - 10
    assert evaluate(tmp_path / "mine.onnx", swapped(), SOURCE).mae_deg < found.before.mae_deg - 10
    base_name = restore(tmp_path / "mine.onnx", 0.0)[1].training["base"]
    assert base_name == ("base" if found.from_base else "")


def test_a_calibrated_model_keeps_the_filter_that_its_base_has_learnt_behind(tmp_path):
    network, spec = build("base", [(SOURCE, labelled())], POSES, QUICK)
    high_pass = ((1.0, -1.0, 0.0, 1.0, -0.8, 0.0),)
    export(network, msgspec.structs.replace(spec, prefilter_sos=high_pass), tmp_path / "base.onnx")
    _, mine = calibrate.fine_tuned(tmp_path / "base.onnx", "mine", [(SOURCE, labelled())], POSES)
    assert mine.prefilter_sos == high_pass


def test_a_base_with_other_channels_is_not_used(tmp_path):
    _, base = base_model(tmp_path)
    found = calibrate.calibrate(base, (SOURCE, labelled(channels=3)), POSES, tmp_path / "mine.onnx")
    assert not found.from_base
    assert found.before is None
    assert len(restore(tmp_path / "mine.onnx", 0.0)[1].channels) == 3


@pytest.mark.parametrize(
    ("recording", "sentence"),
    [
        (labelled(repetitions=1), "movements in 1 repetition"),
        (replace(labelled(), label=None), "has no cues"),
        (replace(labelled(), repetition=None), "has no cues"),
    ],
)
def test_recordings_without_cues_or_repetitions_are_refused(tmp_path, recording, sentence):
    _, base = base_model(tmp_path)
    with pytest.raises(UserError, match=sentence):
        calibrate.calibrate(base, (SOURCE, recording), POSES, tmp_path / "mine.onnx")


@pytest.fixture
def people(tmp_path):
    """A folder with four people; every other person has swapped electrodes."""
    for person in range(1, 5):
        (labelled() if person % 2 else swapped()).save(tmp_path / f"s{person:02d}.npz")
    return tmp_path


def test_a_person_is_never_judged_by_a_network_that_has_seen_them(people):
    nets = people / "nets"
    population.train_groups([2, 3], people, nets, Workers(jobs=1))
    assert sorted(p.name for p in nets.iterdir()) == ["without-group-2.onnx", "without-group-3.onnx"]
    _, spec = restore(nets / "without-group-2.onnx", 0.0)
    assert spec.training["recordings"] == "s01.npz, s03.npz, s04.npz"
    fold = folds_in(people, [2], [1])[0]
    context = Context(people, QUICK, None, nets)
    unseen, one, both = judge(fold, ["population_unseen", "population_one", "population"], context)
    assert one.figures.mae_deg < unseen.figures.mae_deg
    assert both.figures.mae_deg < unseen.figures.mae_deg
    [minute] = judge(fold, ["population_minute"], context)
    assert minute.figures.balanced_accuracy >= unseen.figures.balanced_accuracy


def test_lda_unseen_never_sees_the_person(people):
    context, [fold] = Context(people, QUICK), folds_in(people, [2], [1])
    own, unseen = judge(fold, ["lda", "lda_unseen"], context)
    assert own.figures.balanced_accuracy > unseen.figures.balanced_accuracy
    (people / "s02.npz").unlink()
    assert judge(fold, ["lda_unseen"], context)[0].figures == unseen.figures
    for other in (1, 3, 4):
        (people / f"s{other:02d}.npz").unlink()
    with pytest.raises(UserError, match=r"no recordings|add recordings of others"):
        judge(fold, ["lda_unseen"], context)


def test_a_population_learns_the_poses_of_its_recordings(people):
    mine = tuple(msgspec.structs.replace(pose, angles_deg=(10, 20, 30, 40, 50)) for pose in POSES)
    for path in people.glob("s*.npz"):
        replace(Recording.load(path), poses=mine).save(path)
    population.train_groups([2], people, people / "nets", Workers(jobs=1))
    assert restore(people / "nets" / "without-group-2.onnx", 0.0)[1].poses == mine


def test_a_person_alone_has_no_population(tmp_path):
    labelled().save(tmp_path / "s01.npz")
    with pytest.raises(UserError, match="add recordings of others"):
        population.train_groups([1], tmp_path, tmp_path / "nets", Workers(jobs=1))
