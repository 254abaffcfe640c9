"""Framing delivers every good frame, whatever surrounds it, and nothing else."""

from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myobridge.wire.frame import MAX_WIRE_BYTES, MIN_FRAME_BYTES, PAYLOAD, FrameDecoder, encode
from myobridge.wire.messages import MAX_FRAME_BYTES, Emg, Ping

MAX_PAYLOAD = MAX_FRAME_BYTES - MIN_FRAME_BYTES
PAYLOADS = st.binary(max_size=MAX_PAYLOAD) | st.lists(st.sampled_from([0, 1, 255]), max_size=MAX_PAYLOAD).map(bytes)
BYTES = st.integers(0, 255)
PING = encode(Ping.TYPE, 7, Ping(0x01020304).pack())


def body_of(kind, seq, payload):
    body = bytes((kind, seq)) + payload
    return body + crc32(body).to_bytes(4, "little")


def cobs_by_the_book(body):
    """COBS as PROTOCOL.md describes it, byte by byte: a code byte in front, and one for each zero."""
    wire = bytearray(b"\0" + body + b"\0")
    codes = [at for at, byte in enumerate(wire) if byte == 0]
    for code, following in zip(codes, codes[1:], strict=False):
        wire[code] = following - code
    return bytes(wire)


def received(data, cuts=()):
    """Frames and counters of a decoder that gets `data` cut into pieces."""
    decoder, frames = FrameDecoder(), []
    bounds = [0, *sorted(cuts), len(data)]
    for start, end in zip(bounds, bounds[1:], strict=False):
        frames += decoder.feed(data[start:end])
    return frames, vars(decoder.counters)


# --- one frame --------------------------------------------------------------------------------------------


def test_the_crc_is_that_of_zlib_and_ethernet():
    assert encode(0x31, 0x32, b"3456789")[-5:-1] == (0xCBF43926).to_bytes(4, "little")


def test_the_example_of_the_protocol_document():
    assert PING.hex(" ") == "0b 09 07 04 03 02 01 61 57 f8 ec 00"


@given(BYTES, BYTES, PAYLOADS)
def test_a_frame_is_its_body_in_cobs_and_is_decoded_to_the_same_body(kind, seq, payload):
    body = body_of(kind, seq, payload)
    wire = encode(kind, seq, payload)
    assert wire == cobs_by_the_book(body)
    assert wire.count(0) == 1
    assert len(wire) == len(body) + 2
    assert received(wire) == ([body], {"crc_errors": 0, "length_errors": 0})


def test_a_payload_that_fills_a_frame_fits_and_one_byte_more_does_not():
    assert len(encode(1, 1, b"\1" * MAX_PAYLOAD)) == MAX_WIRE_BYTES + 1
    with pytest.raises(ValueError, match="249 bytes does not fit"):
        encode(1, 1, b"\1" * (MAX_PAYLOAD + 1))


def test_each_error_is_counted_once():
    flipped = PING[:4] + bytes((PING[4] ^ 1,)) + PING[5:]
    assert received(flipped * 3 + PING[:5] + b"\0")[1] == {"crc_errors": 3, "length_errors": 1}


@pytest.mark.parametrize("bit", range(8 * (len(PING) - 1)))
def test_a_frame_with_one_flipped_bit_is_not_delivered(bit):
    damaged = bytearray(PING)
    damaged[bit // 8] ^= 1 << bit % 8
    frames, counters = received(bytes(damaged) + PING)
    assert frames == [PING[1:-1]]
    assert sum(counters.values()) in (1, 2), "two errors if the flip made a zero"


# --- any stream -------------------------------------------------------------------------------------------


def self_measuring(seq, payload):
    """A frame whose type is the length of its payload, so that the test can check the length by the type."""
    return encode(len(payload), seq, payload)


@st.composite
def damaged_streams(draw):
    """Some frames, and their bytes after some damage."""
    frames = draw(st.lists(st.builds(self_measuring, BYTES, st.binary(max_size=40)), min_size=1, max_size=8))
    line = bytearray().join(frames)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(line)))
        match draw(st.sampled_from(["flip", "insert", "delete", "duplicate"])):
            case "flip":
                line[at : at + 1] = bytes(byte ^ draw(st.integers(1, 255)) for byte in line[at : at + 1])
            case "insert":
                line[at:at] = draw(st.binary(min_size=1, max_size=300))
            case "delete":
                del line[at : at + draw(st.integers(1, 30))]
            case "duplicate":
                line[at:at] = line[at : at + draw(st.integers(1, 60))]
    return frames, bytes(line)


@settings(derandomize=True, max_examples=500)
@given(damaged_streams())
def test_after_any_damage_exactly_the_untouched_frames_are_delivered(stream):
    frames, line = stream
    untouched = [piece + b"\0" for piece in line.split(b"\0")[:-1] if piece + b"\0" in frames]
    delivered, _ = received(line)
    assert [encode(f[0], f[1], f[PAYLOAD]) for f in delivered if f[0] == len(f) - MIN_FRAME_BYTES] == untouched


@given(damaged_streams(), st.data())
def test_the_result_does_not_depend_on_how_the_bytes_are_cut(stream, data):
    line = stream[1]
    cuts = data.draw(st.lists(st.integers(0, len(line)), max_size=20))
    assert received(line, cuts) == received(line) == received(line, range(len(line)))


@given(st.binary(max_size=2000))
def test_noise_raises_no_exception_and_does_not_affect_the_next_frame(noise):
    decoder = FrameDecoder()
    decoder.feed(noise)
    assert decoder.feed(b"\0" + PING) == [PING[1:-1]]


@pytest.mark.parametrize("byte", [1, 0xA5, 255])
def test_endless_nonzero_bytes_count_as_one_error_and_take_no_memory(byte):
    decoder = FrameDecoder()
    for _ in range(1000):
        assert decoder.feed(bytes((byte,)) * 1000) == []
        assert len(decoder._rest) <= MAX_WIRE_BYTES
    assert vars(decoder.counters) == {"crc_errors": 0, "length_errors": 1}
    assert decoder.feed(b"\0" + PING) == [PING[1:-1]]
    assert decoder.feed(PING) == [PING[1:-1]]
    assert decoder.counters.length_errors == 1


def test_endless_zeros_do_not_count_as_errors_and_take_no_memory():
    decoder = FrameDecoder()
    for _ in range(1000):
        assert decoder.feed(bytes(1000)) == []
        assert decoder._rest == b""
    assert vars(decoder.counters) == {"crc_errors": 0, "length_errors": 0}


def test_the_longest_frame_passes_and_one_byte_more_is_one_error():
    longest = encode(1, 1, b"\1" * MAX_PAYLOAD)
    assert len(received(longest)[0]) == len(received(longest, range(len(longest)))[0]) == 1
    assert received(b"\1" * (MAX_WIRE_BYTES + 1) + b"\0" + PING) == (
        [PING[1:-1]],
        {"crc_errors": 0, "length_errors": 1},
    )


def test_between_frames_is_true_only_after_a_zero():
    decoder = FrameDecoder()
    for at, byte in enumerate(PING):
        assert decoder.between_frames == (at == 0)
        decoder.feed(bytes((byte,)))
    assert decoder.between_frames
    decoder.feed(b"\1" * 1000)
    assert not decoder.between_frames, "inside a frame that is too long"
    decoder.feed(b"\0")
    assert decoder.between_frames


def test_reset_drops_the_unfinished_frame_and_the_frame_that_is_too_long():
    decoder = FrameDecoder()
    decoder.feed(PING[:5])
    decoder.reset()
    assert decoder.feed(PING) == [PING[1:-1]]
    decoder.feed(b"\1" * 1000)
    decoder.reset()
    assert decoder.feed(PING) == [PING[1:-1]]


# --- very many damaged frames -----------------------------------------------------------------------------

STREAM_FRAMES = 2000
EMG_FRAME_BYTES = 20


def emg_stream(rng):
    """EMG frames of one sample of 4 channels, as a 10-bit ADC gives them."""
    counts = np.clip(rng.normal(0, 40, (STREAM_FRAMES, 4)), -512, 511).astype("<i2")
    return [
        encode(Emg.TYPE, k & 255, Emg(1_000_000 + k, 1, 8).pack() + counts[k].tobytes()) for k in range(STREAM_FRAMES)
    ]


def flip_bits(rng, line, rate):
    """Flips each bit independently."""
    bits = np.unpackbits(np.frombuffer(line, np.uint8))
    return np.packbits(bits ^ (rng.random(len(bits)) < rate)).tobytes()


def flip_bursts(rng, line):
    """Changes two consecutive bytes, about once in each frame."""
    data = np.frombuffer(line, np.uint8).copy()
    at = rng.integers(0, len(data) - 1, STREAM_FRAMES)
    data[at] ^= rng.integers(1, 256, len(at), dtype=np.uint8)
    data[at + 1] ^= rng.integers(0, 256, len(at), dtype=np.uint8)
    return data.tobytes()


def lose_bytes(rng, line):
    """Loses one byte in twenty, about one in each frame."""
    data = np.frombuffer(line, np.uint8)
    return data[rng.random(len(data)) > 0.05].tobytes()


def lose_runs(rng, line):
    """Loses runs of bytes, about once in each frame, so that ends and starts of frames join."""
    data = np.frombuffer(line, np.uint8)
    keep = np.ones(len(data), bool)
    for start, length in zip(
        rng.integers(0, len(data), STREAM_FRAMES), rng.integers(2, 30, STREAM_FRAMES), strict=True
    ):
        keep[start : start + length] = False
    return data[keep].tobytes()


def repeat_runs(rng, line):
    """Repeats runs of bytes, about once in each frame."""
    cuts = np.sort(rng.integers(0, len(line), STREAM_FRAMES))
    again = rng.integers(1, 20, STREAM_FRAMES)
    pieces, start = [], 0
    for cut, length in zip(cuts, again, strict=True):
        pieces += [line[start:cut], line[cut : cut + length]]
        start = cut
    return b"".join([*pieces, line[start:]])


DAMAGE = {
    "1 bit in 10000 flipped": lambda rng, line: flip_bits(rng, line, 1e-4),
    "1 bit in 1000 flipped": lambda rng, line: flip_bits(rng, line, 1e-3),
    "two bytes in a row changed": flip_bursts,
    "bytes lost": lose_bytes,
    "runs of bytes lost": lose_runs,
    "runs of bytes repeated": repeat_runs,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    "streams", [pytest.param(5, id="1e4 frames"), pytest.param(200, id="4e5 frames", marks=pytest.mark.slow)]
)
def test_no_damaged_emg_frame_passes_as_a_good_one(damage, streams):
    rng = np.random.default_rng(1)
    bad = 0
    for _ in range(streams):
        sent = emg_stream(rng)
        frames, counters = received(DAMAGE[damage](rng, b"".join(sent)))
        bad += sum(counters.values())
        true = set(FrameDecoder().feed(b"".join(sent)))
        assert not [f for f in frames if f not in true and len(f) == EMG_FRAME_BYTES]
    assert bad > 20 * streams


def test_a_frame_with_a_zero_lost_or_added_at_its_end_is_not_good():
    """A CRC without its inversions would still be correct."""
    wires = (encode(Ping.TYPE, 7, Ping(token).pack()) for token in range(1 << 16))
    wire = next(wire for wire in wires if received(wire)[0][0].endswith(b"\0"))
    assert received(wire[:-2] + b"\0" + wire[:-1] + b"\1\0") == ([], {"crc_errors": 2, "length_errors": 0})


def test_up_to_four_flipped_bits_in_the_longest_frame_change_its_crc():
    """No two sets of at most two flips change the CRC in the same way, so no four flips cancel each other."""
    body = bytearray(MAX_FRAME_BYTES)
    right, syndromes = crc32(body), []
    for bit in range(8 * len(body)):
        body[bit // 8] ^= 1 << bit % 8
        syndromes.append(crc32(body) ^ right)
        body[bit // 8] = 0
    one = np.array([0, *syndromes], np.uint32)
    first, second = np.triu_indices(len(one), 1)
    up_to_two = np.append(one[first] ^ one[second], 0).astype(np.uint32)
    assert len(np.unique(up_to_two)) == len(up_to_two)
