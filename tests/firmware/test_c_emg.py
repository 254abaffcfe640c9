"""Samples into EMG frames: order, index, and what happens when nobody fetches them."""

from __future__ import annotations

import pytest
from portable import load

from myobridge.wire import messages as m
from myobridge.wire.frame import MIN_FRAME_BYTES
from myobridge.wire.messages import MAX_FRAME_BYTES, EmgFlag

FFI, LIB = load()
HEAD = m.Emg.STRUCT.size
MAX_PAYLOAD = MAX_FRAME_BYTES - MIN_FRAME_BYTES
ROOM = 2 * MAX_PAYLOAD


class Buffer:
    """The board's buffer, set up for one kind of frame."""

    def __init__(self, samples_per_frame: int, channels: int) -> None:
        self.emg = FFI.addressof(LIB, "board_emg")
        self.n, self.channels = samples_per_frame, channels
        LIB.emg_reset(self.emg, samples_per_frame, channels)

    @property
    def places(self) -> int:
        """Frames that have room."""
        return ROOM // (HEAD + 2 * self.n * self.channels)

    def sample(self, *values: int) -> None:
        LIB.fake_sample(FFI.new("int16_t[]", values), self.channels)

    def samples(self, numbers: range) -> None:
        for k in numbers:
            self.sample(*[k] * self.channels)

    def waiting(self) -> bool:
        return bool(LIB.emg_waiting(self.emg))

    def frame(self, near: int = 0, flags: int = 0) -> tuple[m.Emg, list[int]]:
        """The oldest frame's head and values; frees its place."""
        assert self.waiting()
        payload = bytes(LIB.emg_oldest(self.emg, near, flags)[0 : self.emg.payload_bytes])
        LIB.emg_done(self.emg)
        values = [int.from_bytes(payload[i : i + 2], "little", signed=True) for i in range(HEAD, len(payload), 2)]
        return m.Emg.unpack(payload[:HEAD]), values

    def frames(self) -> list[tuple[m.Emg, list[int]]]:
        found = []
        while self.waiting():
            found.append(self.frame())
        return found


def test_samples_come_out_in_order_each_with_all_its_channels() -> None:
    buffer = Buffer(samples_per_frame=4, channels=3)
    rows = [[-512, 0, 511], [1, -1, 256], [-256, 255, -255], [7, 8, 9]]
    for row in rows:
        assert not buffer.waiting()
        buffer.sample(*row)
    head, values = buffer.frame(flags=EmgFlag.ARMED)
    assert (head.sample_index, head.n, head.flags) == (0, 4, EmgFlag.ARMED)
    assert values == [value for row in rows for value in row]
    assert not buffer.waiting()


@pytest.mark.parametrize(("n", "channels"), [(1, 1), (1, 4), (4, 4), (5, 8), (15, 8), (121, 1), (60, 2)])
def test_frames_follow_each_other_without_a_gap_for_many_turns_of_the_ring(n: int, channels: int) -> None:
    buffer = Buffer(n, channels)
    index = 0
    for turn in range(3 * buffer.places + 1):
        queued = 1 + turn % (buffer.places - 1)
        buffer.samples(range(index, index + queued * n))
        for head, values in buffer.frames():
            assert (head.sample_index, head.flags) == (index, 0)
            assert values == [k for k in range(index, index + n) for _ in range(channels)]
            index += n


@pytest.mark.parametrize(("n", "channels"), [(1, 4), (4, 4), (121, 1)])
def test_frames_that_nobody_fetches_queue_up_then_samples_are_lost_and_the_frame_after_the_gap_says_so(
    n: int, channels: int
) -> None:
    buffer = Buffer(n, channels)
    room = (buffer.places - 1) * n
    lost = 2 * n
    buffer.samples(range(room + lost))
    queued = buffer.frames()
    assert [head.sample_index for head, _ in queued] == list(range(0, room, n))
    assert {head.flags for head, _ in queued} == {0}
    for index, flags in [(room + lost, EmgFlag.ADC_OVERRUN), (room + lost + n, 0)]:
        buffer.samples(range(index, index + n))
        ((head, values),) = buffer.frames()
        assert (head.sample_index, head.flags, values[0]) == (index, flags, index)


def test_short_frames_leave_the_main_loop_milliseconds_long_ones_a_whole_frame() -> None:
    assert Buffer(1, 4).places == 35
    assert Buffer(60, 2).places == 2


def test_a_loss_within_a_frame_is_marked_in_it() -> None:
    buffer = Buffer(4, 1)
    buffer.samples(range(2))
    LIB.fake_lost()
    buffer.samples(range(2, 8))
    assert [head.flags for head, _ in buffer.frames()] == [EmgFlag.ADC_OVERRUN, 0]


def test_samples_are_counted_one_by_one_and_wrap() -> None:
    buffer = Buffer(4, 1)
    for k in range(2**16 + 10):
        assert LIB.board_samples() == k % 2**16
        buffer.sample(0)
        if buffer.waiting():
            assert buffer.frame(near=k)[0].sample_index == k - 3


def test_the_longest_frame_fits_and_nothing_is_written_beyond_the_ring() -> None:
    most = (MAX_PAYLOAD - HEAD) // 2
    buffer = Buffer(most, 1)
    for _ in range(3):
        buffer.samples(range(most))
        assert buffer.frame()[1] == list(range(most))
        assert buffer.emg.next <= buffer.emg.end == buffer.emg.ring + ROOM


@pytest.mark.parametrize("near", [0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFFFF0000, 0xFFFFFFFF])
@pytest.mark.parametrize("ahead", [-32768, -1, 0, 1, 32767])
def test_the_full_index_is_the_nearest_with_these_low_bits(near: int, ahead: int) -> None:
    wanted = (near + ahead) & 0xFFFFFFFF
    assert LIB.emg_full_index(near, wanted & 0xFFFF) == wanted
