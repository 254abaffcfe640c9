"""The golden frames agree with the framing and messages of the host, and with the simulated firmware."""

import json

import numpy as np
import pytest

from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.uplink import PASS_S
from myobridge.wire import messages as m
from myobridge.wire.emg import parse_emg
from myobridge.wire.frame import PAYLOAD, FrameDecoder, encode
from vectors import make
from virtual_hand import ConstantSource

FRAMES = json.loads(make.FILE.read_text(encoding="utf-8"))
COUNTERS = ("crc_errors", "length_errors", "unknown_types", "rx_overruns", "range_rejects", "stale_rejects")


def named(rows):
    return [pytest.param(row, id=row["name"]) for row in rows]


def number(value):
    """A field of the file as a message holds it."""
    if isinstance(value, str):
        return int(value, 16)
    return tuple(value) if isinstance(value, list) else value


def test_the_host_in_another_language_has_the_hash_of_this_protocol():
    client = make.FILE.with_name("client.pl").read_text(encoding="utf-8")
    assert f"({m.MAJOR}, {m.MINOR}, 0x{m.PROTO_HASH:08X})" in client


def test_no_number_of_the_file_needs_more_than_53_bits():
    def numbers(node):
        if isinstance(node, dict | list):
            for part in node.values() if isinstance(node, dict) else node:
                yield from numbers(part)
        elif isinstance(node, int):
            yield node

    assert max(numbers(FRAMES)) < 1 << 53


def test_the_file_is_current():
    assert make.FILE.read_text(encoding="utf-8") == make.document(), "run `python tests/vectors/make.py`"


def test_there_is_a_good_frame_of_every_message():
    assert {row["type"] for row in FRAMES["good"]} == set(m.BY_TYPE)


@pytest.mark.parametrize("row", named(FRAMES["good"]))
def test_a_good_frame_is_received_as_it_was_meant(row):
    (frame,) = FrameDecoder().feed(bytes.fromhex(row["wire"]))
    assert (frame[0], frame[1], frame[PAYLOAD].hex()) == (row["type"], row["seq"], row["payload"])
    values = {key: number(v) for key, v in row["fields"].items() if key != "samples"}
    head = m.BY_TYPE[row["type"]](**values)
    assert frame[PAYLOAD].startswith(head.pack())
    assert encode(row["type"], row["seq"], frame[PAYLOAD]).hex() == row["wire"]


@pytest.mark.parametrize("row", named(row for row in FRAMES["good"] if row["type"] == m.Emg.TYPE))
def test_samples_come_channel_by_channel(row):
    (frame,) = FrameDecoder().feed(bytes.fromhex(row["wire"]))
    fields, samples = row["fields"], row["fields"]["samples"]
    channels = len(samples) // fields["n"]
    index, flags, counts = parse_emg(frame, channels)
    assert (index, flags) == (fields["sample_index"], fields["flags"])
    assert np.array_equal(counts, np.reshape(samples, (fields["n"], channels)))


@pytest.mark.parametrize("row", named(FRAMES["bad"]))
def test_a_bad_frame_raises_one_counter_and_nothing_else(row):
    """PROTOCOL.md, Receiving: no answer, no other effect, and the board accepts the next good frame."""
    device = SimulatedFirmware(ConstantSource())
    before = status_of(device, 0.0)
    device.receive(bytes.fromhex(row["wire"]), 0.05)
    after = status_of(device, 0.06)
    rises = {name: getattr(after, name) - getattr(before, name) for name in COUNTERS}
    assert rises == {name: int(name == row["counter"]) for name in COUNTERS}
    assert (after.state, after.ack_type, after.blockers) == (before.state, before.ack_type, before.blockers)


def status_of(device, now_s):
    """The STATUS that answers DISARM; the board has to send it after any bytes."""
    device.receive(encode(m.Disarm.TYPE, 0, b""), now_s)
    device.advance(now_s + PASS_S)
    *_, frame = FrameDecoder().feed(device.outgoing(1e9))
    status = m.Status.unpack(frame[PAYLOAD])
    assert status.ack_type == m.Disarm.TYPE
    return status
