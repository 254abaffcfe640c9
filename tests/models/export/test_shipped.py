"""The shipped models reach the figures of their cards, in the daemon's pipeline."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from myobridge.calibration.movements import load_movements
from myobridge.model.file import REST_DEG
from myobridge.model.shipped import shipped_models
from myobridge.simulator.synth import SynthOptions
from myobridge_models.data.biopatrec import POSES
from myobridge_models.data.people import load_person
from myobridge_models.data.synthetic import record, record_following
from myobridge_models.evaluation.evaluate import closed_loop, evaluate
from myobridge_models.evaluation.movement import movement_figures
from myobridge_models.export.restore import restore

MODELS = shipped_models()
JUDGED = Path(__file__).parents[3] / "models" / "judged.toml"
SVM_BASELINE = (9.1, 0.880)
"""The best classical decoder on this person and repetition: mean absolute error in degrees, balanced accuracy."""


def test_every_shipped_model_has_a_card():
    assert set(MODELS) == {"biopatrec", "follow", "population", "synth"}
    for path in MODELS.values():
        assert "Closed loop" in path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", [1, 7])
def test_synth_follows_the_simulated_fingers_on_unseen_seeds(seed, tmp_path):
    recording = record(SynthOptions(seed=seed), seconds=20)
    assert evaluate(MODELS["synth"], recording, tmp_path).mae_deg <= 12


def test_follow_follows_and_holds_single_fingers_on_an_unseen_seed(tmp_path):
    movements = [one for one in load_movements(JUDGED) if one.name in ("Ring finger, 0.25 Hz", "Ring finger, held")]
    recording = record_following(SynthOptions(seed=7), movements)
    decisions = closed_loop(MODELS["follow"], recording, tmp_path)
    found = movement_figures(decisions, recording, np.array(REST_DEG, np.float32))
    assert found.moved_mae_deg <= 12
    assert found.r2 >= 0.85
    assert found.delay_s <= 0.15
    assert found.held_jitter_deg_per_s <= 30


def test_biopatrec_beats_the_support_vector_classifier_on_its_held_out_repetition(biopatrec_dir):
    path, recording = load_person(biopatrec_dir, 1)
    found = evaluate(MODELS["biopatrec"], recording, path, repetition=2)
    assert found.mae_deg < SVM_BASELINE[0]
    assert found.balanced_accuracy > SVM_BASELINE[1]


def test_the_shipped_population_is_restored_for_a_calibration():
    network, spec = restore(MODELS["population"], dropout=0.0)
    assert spec.poses == POSES
    assert sum(p.numel() for p in network.parameters()) <= 450_000


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_file_and_the_network_restored_from_it_give_the_same_angles(name):
    network, spec = restore(MODELS[name], dropout=0.0)
    emg = torch.randn(20, len(spec.channels), spec.window_samples, generator=torch.Generator().manual_seed(0))
    history = torch.full((20, 10), 40.0)
    session = onnxruntime.InferenceSession(MODELS[name])
    (angles,) = session.run(["angles"], {"emg": emg.numpy(), "history": history.numpy()})
    with torch.no_grad():
        assert np.abs(network.eval()(emg, history).numpy() - angles).max() <= 1e-3
