"""Training segments lie within takes, and rest and poses are drawn by their shares."""

from pathlib import Path

import numpy as np
import pytest

from labelled_recording import FS_HZ, labelled
from myobridge.errors import UserError
from myobridge_models.data.biopatrec import POSES
from myobridge_models.data.takes import design_prefilter, takes_of
from myobridge_models.network.shape import Shape
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.segments import Segments

SHAPE = Shape(FS_HZ, 2)
RNG = np.random.default_rng(0)


def takes_of_labelled(recording=None):
    return takes_of(recording or labelled(), Path("rec.npz"), design_prefilter(FS_HZ), POSES)


def test_windows_lie_within_one_take_and_their_targets_fit():
    takes = takes_of_labelled()
    segments = Segments(takes, SHAPE, Recipe())
    drawn = segments.draw(64, RNG)
    emg = segments.emg(drawn)
    assert emg.shape == (64, 2, SHAPE.window_samples + 3 * 24)
    assert drawn.target_deg.shape == (64, 4, 5)
    assert drawn.counts.any(dim=1).all()
    for piece, angles in zip(emg.numpy(), drawn.target_deg.numpy(), strict=True):
        starts = [(t, np.flatnonzero(np.all(piece[:, 0] == t.emg[:, : -emg.shape[2]].T, axis=1))) for t in takes]
        [(take, [at, *_])] = [(t, hits) for t, hits in starts if len(hits)]
        assert np.array_equal(take.emg[:, at : at + emg.shape[2]], piece)
        assert np.array_equal(take.target_deg[at + segments.ends], angles)


def test_rest_has_its_share_and_the_poses_share_the_remainder_equally():
    recording = labelled(labels=(1, 2, 2, 2))
    segments = Segments(takes_of_labelled(recording), SHAPE, Recipe(unroll=1, rest_share=0.2))
    thumb = segments.draw(1000, RNG).target_deg[:, 0, 0]
    share = {angle: float((thumb == angle).float().mean()) for angle in (0, 40, 180)}
    assert share == {
        0: pytest.approx(0.4, abs=0.06),
        40: pytest.approx(0.2, abs=0.05),
        180: pytest.approx(0.4, abs=0.06),
    }


def test_takes_shorter_than_a_window_are_too_little():
    with pytest.raises(UserError, match="too little data"):
        Segments(takes_of_labelled(labelled(seconds_each=0.2)), SHAPE, Recipe())
