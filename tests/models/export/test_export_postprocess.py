"""The rest gate that a model is exported with."""

from pathlib import Path

import pytest

from labelled_recording import labelled
from myobridge.model.file import LabelledPose
from myobridge.recording import Recording
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge_models.data import biopatrec
from myobridge_models.data.takes import design_prefilter, takes_of
from myobridge_models.export.postprocess import ANGLES_GATE, POSES_GATE, rest_gate

SOURCE = Path("rec.npz")


def takes(recording):
    return takes_of(recording, SOURCE, design_prefilter(recording.fs_hz), biopatrec.POSES)


def test_a_network_that_learnt_poses_from_cues_gets_the_wide_gate():
    gate = rest_gate(biopatrec.POSES, takes(labelled()))
    assert gate == POSES_GATE
    assert gate.again_after_ms > gate.after_ms


@pytest.mark.parametrize(("away_deg", "leaves_deg"), [(8, 6), (40, 30), (140, 30)])
def test_the_gate_lets_every_pose_through(away_deg, leaves_deg):
    poses = (LabelledPose(0, "Rest", (40,) * 5), LabelledPose(1, "Near", (40, 40, 40, 40, 40 + away_deg)))
    assert rest_gate(poses, takes(labelled())).leave_deg == leaves_deg < away_deg


def test_a_network_that_learnt_angles_gets_the_narrow_gate():
    source = SynthSource(SynthOptions(fs_hz=1000, seed=1))
    counts, angles_deg = source.read(4000)
    recording = Recording(counts, 1000, source.adc_bits, angles_deg=angles_deg)
    assert rest_gate((), takes(recording)) == ANGLES_GATE
