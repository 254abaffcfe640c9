"""EMG frames: an index that wraps is compared as a signed difference."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kill_recorder import IDENT
from myobridge.wire.emg import INDEX_SPAN, emg_bits_per_s, index_step, parse_emg, sample_bits
from myobridge.wire.messages import Board
from virtual_hand import board_config

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


@pytest.mark.parametrize(
    ("board", "adc_bits", "oversampling", "bits"),
    [
        (Board.MEGA2560, 10, 1, 10),
        (Board.UNO, 10, 2, 11),
        (Board.MEGA2560, 10, 4, 12),
        (Board.RP2040, 14, 16, 14),
        (Board.RP2040, 14, 4, 14),
        (250, 12, 2, 13),
    ],
)
def test_each_doubling_of_the_conversions_beyond_those_of_a_slot_is_a_bit(board, adc_bits, oversampling, bits):
    ident = msgspec.structs.replace(IDENT, board=board, adc_bits=adc_bits)
    assert sample_bits(ident, board_config(oversampling=oversampling)) == bits
