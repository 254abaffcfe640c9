"""Means computed from window sums equal the means of the outputs, at every phase."""

import numpy as np
import pytest

from myobridge_models.export.window_sums import window_sums
from myobridge_models.network.shape import Shape


@pytest.mark.parametrize("averaged", [10, 50])
@pytest.mark.parametrize("hop", [1, 2, 7, 10, 20, 33, 200])
def test_means_from_sums_equal_means_of_the_newest_outputs(hop, averaged):
    shape = Shape(2000, 4, averaged=averaged)
    of_hop, share = window_sums(shape, hop)
    maps, hops = len(shape.detectors), -(-200 // hop) + 4
    outputs = np.random.default_rng(hop).standard_normal((maps, hops * hop)).astype(np.float32)
    tape = np.concatenate([of_hop @ outputs[:, n * hop : (n + 1) * hop].ravel() for n in range(hops)])
    for lag in range(3):  # a stride of 3 has another phase at each of three hops in a row
        newest = tape[: len(tape) - lag * len(of_hop)][-share.shape[1] :]
        seen = outputs[:, : outputs.shape[1] - lag * hop]
        wanted = [
            seen[n][::-1][:: detector.stride][: shape.outputs][::-1].reshape(shape.means, averaged).mean(axis=1)
            for n, detector in enumerate(shape.detectors)
        ]
        np.testing.assert_allclose(share @ newest, np.concatenate(wanted), atol=1e-6)


def test_a_tape_of_sums_is_much_shorter_than_a_tape_of_outputs():
    of_hop, share = window_sums(Shape(2000, 4), 10)
    assert share.shape[1] == 15 * 7  # three times 50 samples in units of 10; one, two, three and one phases
    assert of_hop.shape == (7, 40)
