"""The EMG gate refuses frames that the board cannot have sent, and frames whose index no other frame confirms."""

import numpy as np
import pytest

from myobridge.decoder.acquisition import MAX_STEP_FRAMES, AcquisitionCounters, EmgGate
from myobridge.wire.frame import FrameDecoder, encode
from myobridge.wire.messages import Emg, EmgFlag

N, CHANNELS = 5, 2


@pytest.fixture
def gate():
    gate = EmgGate(CHANNELS, N, 10, AcquisitionCounters())
    gate.take(frame(0))
    gate.take(frame(N))
    return gate


def frame(index, counts=None, flags=0):
    counts = np.zeros((N, CHANNELS), "<i2") if counts is None else np.asarray(counts, "<i2")
    payload = Emg(index % (1 << 32), len(counts), flags).pack() + counts.tobytes()
    return FrameDecoder().feed(encode(Emg.TYPE, 0, payload))[0]


def taken(gate, *indices):
    return [index for each in indices for index, _, _ in gate.take(frame(each))]


def test_a_stream_starts_with_two_consecutive_frames_and_both_count():
    assert taken(EmgGate(CHANNELS, N, 10, AcquisitionCounters()), 700, 705, 710) == [700, 705, 710]


@pytest.mark.parametrize("lost", range(MAX_STEP_FRAMES + 1))
def test_a_few_lost_frames_delay_nothing(gate, lost):
    assert taken(gate, 2 * N + lost * N) == [2 * N + lost * N]
    assert gate.counters.implausible == 0


@pytest.mark.parametrize("index", [0, 3, 12, 1_000_000, 1 << 31, (1 << 32) - N])
def test_a_single_frame_with_another_index_is_refused_and_the_stream_goes_on(gate, index):
    assert taken(gate, index) == []
    assert taken(gate, 2 * N, 3 * N) in ([2 * N, 3 * N], [index, 2 * N, 3 * N]), "a repeated frame may pass"
    assert gate.counters.implausible <= 1


def test_a_jump_counts_once_the_next_frame_confirms_it_and_no_frame_is_lost(gate):
    assert taken(gate, 1000, 1005, 1010) == [1000, 1005, 1010]
    assert taken(gate, 0, 5) == [0, 5], "the board started again"
    assert gate.counters.implausible == 0


def test_the_index_wraps():
    gate = EmgGate(CHANNELS, N, 10, AcquisitionCounters())
    last = (1 << 32) - N
    assert taken(gate, last, 0, N) == [last, 0, N]


@pytest.mark.parametrize(
    "bad",
    [
        {"counts": [[0, 512]] + [[0, 0]] * 4},
        {"counts": [[0, 0]] * 4 + [[-513, 0]]},
        {"counts": [[0, 0]] * 4},
        {"counts": [[0, 0]] * 6},
        {"flags": 0x10},
    ],
)
def test_a_frame_that_the_board_cannot_send_is_refused_and_counted(gate, bad):
    assert gate.take(frame(2 * N, **bad)) == ()
    assert gate.counters.implausible == 1
    assert taken(gate, 3 * N) == [3 * N]


def test_full_scale_and_all_flags_are_possible(gate):
    flags = int(sum(EmgFlag))
    assert gate.take(frame(2 * N, [[511, -512]] * N, flags))[0][1] == flags


def test_a_wrong_length_is_malformed(gate):
    assert gate.take(frame(2 * N)[:-4]) == ()
    assert (gate.counters.malformed, gate.counters.implausible) == (1, 0)
