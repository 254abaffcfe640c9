"""Bulk decoding equals FrameDecoder and parse_emg to the bit, and stops where the stream becomes irregular."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myobridge.wire.bulk import decode_emg
from myobridge.wire.emg import INDEX_SPAN, parse_emg
from myobridge.wire.frame import FrameDecoder, encode
from myobridge.wire.messages import Emg, Ping, Status


def emg_frames(frames, samples, channels, first_index=0, seed=0):
    """Frames of a stream with many zero bytes, like EMG at rest."""
    rng = np.random.default_rng(seed)
    counts = rng.choice([0, 1, -1, 255, 256, -32768, 511], (frames, samples, channels)).astype("<i2")
    flags = rng.choice([0, 8], frames).tolist()
    return [
        encode(
            Emg.TYPE,
            k & 255,
            Emg((first_index + k * samples) % INDEX_SPAN, samples, flags[k]).pack() + counts[k].tobytes(),
        )
        for k in range(frames)
    ]


def one_by_one(data, channels):
    """The result of FrameDecoder: rows (index, flags, counts) of the leading EMG frames of one length, without gaps."""
    rows, expected, width = [], None, data.find(0) + 1
    for start in range(0, len(data) - width + 1, max(1, width)):
        piece = data[start : start + width]
        decoded = FrameDecoder().feed(piece)
        if piece.find(0) != width - 1 or len(decoded) != 1 or decoded[0][0] != Emg.TYPE:
            break
        row = parse_emg(decoded[0], channels)
        if row is None or expected not in (None, row[0]):
            break
        rows.append(row)
        expected = (row[0] + len(row[2])) % INDEX_SPAN
    return rows, len(rows) * width


def agree(data, channels):
    block = decode_emg(data, channels)
    rows, wire_bytes = one_by_one(data, channels)
    if block is None:
        assert not rows
        return 0
    assert block.wire_bytes == wire_bytes
    assert block.sample_index == rows[0][0]
    assert block.flags.tolist() == [flags for _, flags, _ in rows]
    assert block.counts.dtype == np.int16
    assert np.array_equal(block.counts, np.concatenate([counts for _, _, counts in rows]))
    return len(rows)


@pytest.mark.parametrize(
    ("samples", "channels"), [(1, 1), (1, 4), (5, 4), (1, 16), (7, 16), (60, 2), (121, 1), (30, 4), (4, 8)]
)
@pytest.mark.parametrize("frames", [1, 2, 300])
def test_a_regular_stream_is_decoded_whole(frames, samples, channels):
    data = b"".join(emg_frames(frames, samples, channels))
    assert agree(data, channels) == frames


def test_the_index_may_wrap():
    data = b"".join(emg_frames(50, 5, 4, first_index=INDEX_SPAN - 77))
    assert agree(data, 4) == 50


def test_an_unfinished_frame_at_the_end_is_not_decoded():
    stream = emg_frames(50, 5, 4)
    for cut in range(1, len(stream[0])):
        assert agree(b"".join(stream)[:-cut], 4) == 49


@pytest.mark.parametrize("at", [0, 1, 25, 49])
@pytest.mark.parametrize(
    "other",
    [
        encode(Status.TYPE, 1, bytes(Status.STRUCT.size)),
        encode(Ping.TYPE, 1, Ping(1).pack()),
        b"\0",
        b"\1\0",
        b"\xff" * 300,
        bytes(300),
    ],
)
def test_decoding_stops_before_any_other_frame(at, other):
    stream = emg_frames(50, 5, 4)
    stream.insert(at, other)
    assert agree(b"".join(stream), 4) == at


def test_decoding_stops_where_the_frames_change_their_length():
    short, long = emg_frames(10, 4, 4), emg_frames(10, 5, 4, first_index=40)
    assert agree(b"".join(short + long), 4) == 10
    assert agree(b"".join(long + short), 4) == 10


@pytest.mark.parametrize("at", [1, 25, 49])
def test_decoding_stops_at_a_gap_and_at_a_repeated_frame(at):
    stream = emg_frames(50, 5, 4)
    assert agree(b"".join(stream[:at] + stream[at + 1 :]), 4) == at
    assert agree(b"".join(stream[:at] + stream[at - 1 :]), 4) == at


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8, 20])
def test_a_stream_with_another_number_of_channels_is_not_decoded(channels):
    assert agree(b"".join(emg_frames(50, 5, 4)), channels) == 0


@pytest.mark.parametrize("kind", [Ping.TYPE, Status.TYPE, 0x85])
def test_a_frame_of_another_type_with_the_same_length_is_not_decoded(kind):
    payload = Emg(0, 5, 0).pack() + bytes(40)
    assert agree(encode(kind, 0, payload) * 3, 4) == 0


def test_a_wrong_number_of_samples_is_not_decoded():
    assert agree(encode(Emg.TYPE, 0, Emg(0, 4, 0).pack() + bytes(40)), 4) == 0


@pytest.mark.parametrize("data", [b"", b"\0", b"\1", b"\xff" * 1000, b"\xff" * 999 + b"\0", bytes(1000)])
def test_bytes_without_a_frame_give_no_block(data):
    assert agree(data, 4) == agree(data, 2) == agree(data, 1) == 0


@pytest.mark.parametrize("bit", range(8 * 20))
def test_a_frame_with_a_flipped_bit_is_not_decoded(bit):
    stream = emg_frames(9, 1, 4)
    damaged = bytearray(stream[4])
    damaged[bit // 8] ^= 1 << bit % 8
    stream[4] = bytes(damaged)
    assert agree(b"".join(stream), 4) == 4


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 8),
    st.sampled_from([(1, 4), (5, 4), (1, 1), (2, 3)]),
    st.integers(0, INDEX_SPAN - 1),
    st.lists(st.tuples(st.sampled_from(["flip", "delete", "insert", "swap"]), st.floats(0, 1), st.binary(min_size=1))),
)
def test_after_any_damage_both_decoders_agree(frames, shape, first_index, damage):
    line = bytearray(b"".join(emg_frames(frames, *shape, first_index)))
    for kind, where, data in damage:
        at = int(where * len(line))
        match kind:
            case "flip":
                line[at : at + 1] = data[:1]
            case "delete":
                del line[at : at + len(data)]
            case "insert":
                line[at:at] = data
            case "swap":
                line = line[at:] + line[:at]
    agree(bytes(line), shape[1])


@settings(max_examples=300)
@given(st.binary(max_size=600), st.integers(1, 16))
def test_both_decoders_agree_on_noise(noise, channels):
    agree(noise, channels)
