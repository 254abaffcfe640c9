"""Real EMG through the whole path: BioPatRec person 1 at the hand's inputs, the daemon armed, the servos watched."""

import json

import numpy as np
import pytest

from myobridge.recording import Recording
from processes import myobridge, simulated_hand


@pytest.fixture
def third_repetitions(biopatrec_dir, tmp_path):
    """Person 1 opens, closes and grips in the repetition that the shipped model has not seen, with each rest."""
    whole = Recording.load(biopatrec_dir / "s01.npz")
    held_out = whole.repetition == 2
    wanted = held_out & np.isin(whole.run, [1, 2, 7, 8, 9, 10])
    path = tmp_path / "person1.npz"
    Recording(whole.counts[wanted], whole.fs_hz, whole.adc_bits, label=whole.label[wanted]).save(path)
    return path


def test_person_1_moves_the_hand(third_repetitions, tmp_path):
    seconds = len(Recording.load(third_repetitions).counts) / 2000
    trace_file = tmp_path / "trace.npz"
    with simulated_hand(tmp_path, "--source", third_repetitions, "--loop", "--trace", trace_file) as hand:
        arguments = ("--port", hand.port, "--model", "biopatrec", "--seconds", seconds)
        result = myobridge("run", *arguments, "--arm", "--json", "-", timeout_s=120)
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["fs_hz"] == 2000
    assert summary["channels"] == 4
    assert summary["samples_lost"] == summary["crc_errors"] == 0
    assert summary["commands_per_second"] > 150
    assert summary["state"] == "ARMED"

    trace, recording = np.load(trace_file), Recording.load(third_repetitions)
    armed = (trace["state"] == 2) & (trace["sample"] > 2000) & (trace["sample"] < len(recording.counts))
    angles, label = trace["applied_deg"][armed], recording.label[trace["sample"][armed]]
    assert angles.min() >= 0
    assert angles.max() <= 180
    fist = angles[label == 2].mean()
    rest = angles[label == 0].mean()
    assert fist > rest + 30
    closed = angles.mean(axis=1) > (fist + rest) / 2
    balanced = (closed[label == 2].mean() + (~closed[label == 0]).mean()) / 2
    assert balanced > 0.75  # chance is 0.5
