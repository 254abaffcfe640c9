"""frame.c against PROTOCOL.md, the golden frames, and the host's own framing."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import pytest
from portable import load

from myobridge.wire.frame import CRC_BYTES, HEAD_BYTES, MIN_FRAME_BYTES, FrameDecoder, encode
from myobridge.wire.messages import MAX_FRAME_BYTES, PAYLOAD_BYTES, Config, Emg

FFI, LIB = load()
RING_BYTES = 512
MAX_PAYLOAD = MAX_FRAME_BYTES - MIN_FRAME_BYTES
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "frames.json").read_text(encoding="utf-8")
)
GOOD = [pytest.param(v, id=v["name"]) for v in VECTORS["good"]]
BAD = [pytest.param(v, id=v["name"]) for v in VECTORS["bad"]]


def c_encode(kind: int, seq: int, payload: bytes, at: int = 0) -> bytes:
    """The frame as it stands in the ring from position `at`; the rest of the ring must be untouched.

    What has been called settled must not have changed afterwards.
    """
    ring = FFI.new("uint8_t[]", b"\xaa" * RING_BYTES)
    settled: list[bytes] = []

    @FFI.callback("void(uint16_t)")
    def tell(end: int) -> None:
        settled.append(bytes(ring[(at + i) % RING_BYTES] for i in range((end - at) % RING_BYTES)))

    end = LIB.frame_encode(ring, at, kind, seq, payload, len(payload), tell)
    count = (end - at) % RING_BYTES
    early, whole = settled
    assert len(whole) == count and whole.startswith(early)
    rest = bytes(ring[(end + i) % RING_BYTES] for i in range(RING_BYTES - count))
    assert rest == b"\xaa" * len(rest)
    return bytes(ring[(at + i) % RING_BYTES] for i in range(count))


KEPT_BYTES = HEAD_BYTES + PAYLOAD_BYTES[Config.TYPE]
"""The device keeps only the head of a frame that is longer than any message to it; all of it is in the CRC."""


def kept(frames: list[bytes]) -> list[tuple[int, bytes]]:
    """What the device knows of good frames: their length, and the first bytes of each."""
    return [(len(frame), frame[:KEPT_BYTES]) for frame in frames]


class CDecoder:
    """frame_decode with the interface of the host's decoder, but for what it keeps."""

    def __init__(self) -> None:
        self.decoder = FFI.new("struct frame_decoder *")
        self.crc_errors = 0
        self.length_errors = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        frames = []
        for byte in data:
            event = LIB.frame_decode(self.decoder, byte)
            self.crc_errors += event == LIB.FRAME_BAD_CRC
            self.length_errors += event == LIB.FRAME_BAD_LENGTH
            if event == LIB.FRAME_GOOD:
                length = self.decoder.length
                frames.append((length, bytes(self.decoder.body[0 : min(length, KEPT_BYTES)])))
        return frames

    @property
    def counters(self) -> tuple[int, int]:
        return self.crc_errors, self.length_errors


def random_payload(random: Random) -> bytes:
    """Any length; zeros, 0xFF and everything between in various shares."""
    alphabet = random.choice([b"\0", b"\xff", b"\0\x01", bytes(range(256)), bytes(range(1, 256))])
    length = random.choice([random.randrange(20), random.randrange(MAX_PAYLOAD + 1), MAX_PAYLOAD])
    return bytes(random.choice(alphabet) for _ in range(length))


# ---- checksum ----


def test_the_crc_of_the_nine_digits() -> None:
    assert LIB.crc32(b"123456789", 9) == 0xCBF43926


def test_the_crc_is_the_hosts() -> None:
    random = Random(1)
    for _ in range(2000):
        data = random_payload(random)
        assert LIB.crc32(data, len(data)) == crc32(data)


# ---- golden frames ----


@pytest.mark.parametrize("vector", GOOD)
def test_golden_frames_are_made(vector: dict[str, Any]) -> None:
    payload = bytes.fromhex(vector["payload"])
    assert c_encode(vector["type"], vector["seq"], payload) == bytes.fromhex(vector["wire"])


@pytest.mark.parametrize("vector", GOOD)
def test_golden_frames_are_taken(vector: dict[str, Any]) -> None:
    decoder = CDecoder()
    ((length, frame),) = decoder.feed(bytes.fromhex(vector["wire"]))
    payload = bytes.fromhex(vector["payload"])
    assert length == len(payload) + MIN_FRAME_BYTES
    assert frame[: length - CRC_BYTES] == (bytes((vector["type"], vector["seq"])) + payload)[:KEPT_BYTES]
    assert decoder.counters == (0, 0)


@pytest.mark.parametrize("vector", BAD)
def test_broken_golden_frames_are_counted_and_the_next_one_is_taken(vector: dict[str, Any]) -> None:
    decoder = CDecoder()
    framed_well = decoder.feed(bytes.fromhex(vector["wire"]))
    framing_errors = {"crc_errors": (1, 0), "length_errors": (0, 1)}
    expected = (0, 0) if framed_well else framing_errors.get(vector["counter"], (0, 0))
    assert decoder.counters == expected
    assert len(decoder.feed(encode(9, 0, b"1234"))) == 1


# ---- against the host's framing ----


def test_both_make_the_same_bytes_anywhere_in_the_ring() -> None:
    random = Random(2)
    for _ in range(300):
        kind, seq, payload = random.randrange(256), random.randrange(256), random_payload(random)
        assert c_encode(kind, seq, payload, at=random.randrange(RING_BYTES)) == encode(kind, seq, payload)


def test_the_line_can_begin_with_an_emg_frame_before_it_is_encoded() -> None:
    told: list[int] = []
    tell = FFI.callback("void(uint16_t)", told.append)
    head = bytes.fromhex("34120000 0400")
    samples = b"\x11\xff" * 16
    LIB.frame_encode(FFI.new("uint8_t[]", RING_BYTES), 0, Emg.TYPE, 7, head + samples, len(head + samples), tell)
    assert told == [1 + HEAD_BYTES + len(head) - 1, 1 + MIN_FRAME_BYTES + len(head + samples) + 1]


def damaged(data: bytes, random: Random) -> bytes:
    """A flipped bit, a lost byte, a byte too many, or nothing of it."""
    at = random.randrange(len(data))
    kind = random.randrange(5)
    if kind == 0:
        return data[:at] + bytes((data[at] ^ 1 << random.randrange(8),)) + data[at + 1 :]
    if kind == 1:
        return data[:at] + data[at + 1 :]
    if kind == 2:
        return data[:at] + bytes((random.randrange(256),)) + data[at:]
    return data


def test_both_take_the_same_frames_out_of_a_damaged_stream_and_count_the_same_errors() -> None:
    random = Random(3)
    ours, theirs = CDecoder(), FrameDecoder()
    for _ in range(600):
        data = damaged(encode(random.randrange(256), random.randrange(256), random_payload(random)), random)
        assert ours.feed(data) == kept(theirs.feed(data))
        assert ours.counters == (theirs.counters.crc_errors, theirs.counters.length_errors)
    assert min(ours.counters) > 20


def test_both_do_the_same_with_noise() -> None:
    random = Random(4)
    ours, theirs = CDecoder(), FrameDecoder()
    for _ in range(400):
        zeros = random.choice([0, 1, 20])
        data = bytes(random.choice([0] * zeros + list(range(1, 256))) for _ in range(random.randrange(600)))
        assert ours.feed(data) == kept(theirs.feed(data))
        assert ours.counters == (theirs.counters.crc_errors, theirs.counters.length_errors)


# ---- receiving, rule by rule ----


def test_lone_zeros_are_no_frames_and_no_errors() -> None:
    decoder = CDecoder()
    assert decoder.feed(b"\0\0\0") == []
    assert decoder.counters == (0, 0)


@pytest.mark.parametrize(("body", "counted"), [(body, 1) for body in range(1, MIN_FRAME_BYTES)])
def test_a_frame_without_room_for_a_crc_is_a_length_error(body: int, counted: int) -> None:
    decoder = CDecoder()
    assert decoder.feed(bytes((body + 1,)) + b"\x55" * body + b"\0") == []
    assert decoder.counters == (0, counted)


def test_the_longest_frame_is_taken_and_one_byte_more_is_a_length_error() -> None:
    longest = encode(0x84, 0, b"\x55" * MAX_PAYLOAD)
    decoder = CDecoder()
    assert len(decoder.feed(longest)) == 1
    assert decoder.feed(longest[:-1] + b"\x55\0") == []
    assert decoder.counters == (0, 1)


def test_endless_nonzero_bytes_are_one_length_error_and_what_follows_the_next_zero_is_taken() -> None:
    decoder = CDecoder()
    decoder.feed(b"\x55" * 255)
    assert decoder.counters == (0, 0)
    decoder.feed(b"\x55")
    assert decoder.counters == (0, 1)
    assert decoder.feed(b"\x55" * 10_000 + encode(9, 0, b"1234")) == []
    assert len(decoder.feed(encode(9, 1, b"1234"))) == 1
    assert decoder.counters == (0, 1)


def test_a_distance_that_leads_past_the_end_is_a_length_error() -> None:
    frame = bytearray(encode(9, 7, bytes.fromhex("04030201")))
    frame[0] += 1
    decoder = CDecoder()
    assert decoder.feed(bytes(frame)) == []
    assert decoder.counters == (0, 1)
