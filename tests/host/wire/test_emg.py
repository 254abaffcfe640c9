"""EMG frames: an index that wraps is compared as a signed difference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myobridge.wire.emg import INDEX_SPAN, emg_bits_per_s, index_step, parse_emg

HALF = INDEX_SPAN // 2


def test_a_frame_without_room_for_its_head_has_no_samples():
    assert parse_emg(bytes(11), 1) is None


@given(st.integers(0, INDEX_SPAN - 1), st.integers(-HALF, HALF - 1))
def test_an_index_is_ahead_of_another_by_their_signed_difference(index, ahead):
    assert index_step((index + ahead) % INDEX_SPAN, index) == ahead


@pytest.mark.parametrize("ahead", [0, 1, -1, HALF - 1, -HALF])
def test_arrays_of_indices_are_compared_in_the_same_way(ahead):
    expected = np.array([0, 5, HALF, INDEX_SPAN - 1])
    assert index_step((expected + ahead) % INDEX_SPAN, expected).tolist() == [ahead] * len(expected)


def test_a_byte_takes_ten_bits_of_a_serial_line():
    """Frames of 5 samples of 4 channels have 54 bytes, and 400 of them go out in a second at 2 kHz."""
    assert emg_bits_per_s(5, 4, 2000) == 54 * 10 * 400
