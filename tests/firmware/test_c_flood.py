"""More comes than the firmware can answer: answers wait and merge, and DISARM and ESTOP are always handled."""

from __future__ import annotations

import pytest
from portable import load
from test_c_device import CHANNELS, RX, SESSION, TICK, Device

from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from myobridge.wire.messages import Message, State

FFI, LIB = load()
CROWDED_BYTES = 128
HELLO = m.Hello(m.MAJOR, m.MINOR, 7, m.PROTO_HASH)


def frames_of(*messages: Message) -> bytes:
    return b"".join(encode(message.TYPE, seq, message.pack()) for seq, message in enumerate(messages))


@pytest.fixture
def streaming() -> Device:
    device = Device()
    device.stream()
    device.frames.clear()
    return device


@pytest.fixture
def armed() -> Device:
    device = Device()
    device.stream()
    device.run(5)
    assert device.arm().state == State.ARMED
    device.frames.clear()
    return device


# ---- answers ----


def test_requests_of_one_pass_are_all_obeyed_and_the_newest_is_acknowledged(armed: Device) -> None:
    armed.fill(frames_of(m.Disarm(), m.Stop(), m.Estop()))
    armed.one_pass()
    armed.read()
    (status,) = armed.all_of(m.Status)
    assert (status.ack_type, status.ack_seq, status.state, status.flags & m.StatusFlag.STREAMING) == (
        7,
        2,
        State.ESTOP,
        0,
    )


def test_a_successful_arm_and_a_disarm_are_one_status_each(streaming: Device) -> None:
    streaming.run(5)
    streaming.arm()
    assert [s.state for s in streaming.all_of(m.Status)] == [State.ARMED]
    streaming.ask(m.Disarm())
    assert [s.state for s in streaming.all_of(m.Status)] == [State.DISARMED]


def test_answers_of_several_kinds_leave_in_one_pass(streaming: Device) -> None:
    streaming.fill(frames_of(m.Ping(1), m.ReadLimits(), SESSION, HELLO))
    streaming.one_pass()
    streaming.read()
    kinds = [kind for kind, _, _ in streaming.frames]
    assert kinds == [m.Ident.TYPE, m.ConfigAck.TYPE, m.Limits.TYPE, m.Pong.TYPE, m.Status.TYPE]


def test_of_two_pings_in_one_pass_the_newer_is_answered_with_the_moment_of_its_handling(streaming: Device) -> None:
    streaming.fill(frames_of(m.Ping(1), m.Ping(2)))
    LIB.fake.clock_us = 77
    streaming.one_pass()
    streaming.read()
    assert [(pong.token, pong.t_us) for pong in streaming.all_of(m.Pong)] == [(2, 77)]


def test_no_answer_is_lost_on_a_full_line(streaming: Device) -> None:
    for seq in range(20):
        streaming.fill(encode(m.Hello.TYPE, seq, HELLO.pack()))
        streaming.one_pass()
    streaming.read()
    streaming.frames.clear()
    streaming.send_bytes(frames_of(m.Ping(9)))
    streaming.one_pass(TICK)
    streaming.read()
    kinds = {kind for kind, _, _ in streaming.frames}
    assert {m.Ident.TYPE, m.Pong.TYPE, m.Status.TYPE} <= kinds


def test_answers_leave_room_for_a_status(streaming: Device) -> None:
    """A host that asks without reading still hears STATUS first."""
    for seq in range(40):
        streaming.fill(encode(m.Ping.TYPE, seq, m.Ping(seq).pack()))
        streaming.one_pass()
    streaming.fill(frames_of(m.Disarm()))
    streaming.one_pass()
    streaming.read()
    assert streaming.frames[-1][0] == m.Status.TYPE


# ---- a flood ----


@pytest.mark.parametrize("stop", [m.Disarm(), m.Estop()])
def test_disarm_and_estop_are_handled_in_any_crowd(armed: Device, stop: Message) -> None:
    LIB.fake.rx_waiting = 255
    armed.send_bytes(frames_of(HELLO, stop))
    assert armed.struct.safety.state == {m.Disarm.TYPE: State.DISARMED, m.Estop.TYPE: State.ESTOP}[stop.TYPE]
    assert not LIB.fake.pulses_on
    assert armed.all_of(m.Status)[-1].ack_type == stop.TYPE


@pytest.mark.parametrize("waiting", [CROWDED_BYTES - 1, CROWDED_BYTES])
@pytest.mark.parametrize("kind", [t for t in range(128) if t not in (m.Disarm.TYPE, m.Estop.TYPE)])
def test_other_frames_are_dropped_whole_in_a_crowd_as_if_they_had_never_come(kind: int, waiting: int) -> None:
    device = Device()
    device.hello()
    device.send(m.Ping(1))
    device.frames.clear()
    acknowledged, unknown = device.struct.ack_type, device.struct.counters.unknown_types
    LIB.fake.rx_waiting = waiting
    payload = bytes(m.BY_TYPE[kind].STRUCT.size) if kind in m.BY_TYPE else b""
    device.send_bytes(encode(kind, device.seq, payload))
    if waiting >= CROWDED_BYTES:
        assert (device.struct.ack_type, device.struct.counters.unknown_types) == (acknowledged, unknown)
        assert not device.frames
    LIB.fake.rx_waiting = 0
    device.send_bytes(encode(m.Ping.TYPE, device.seq + 1, m.Ping(2).pack()))
    assert device.struct.counters.seq_gaps == (1 if waiting >= CROWDED_BYTES else 0)


def test_one_pass_takes_all_that_waits_and_no_more_than_a_buffer_holds(streaming: Device) -> None:
    streaming.fill(b"\0" * 4096)
    streaming.one_pass(RX)
    assert LIB.fake.rx_at == 255
    LIB.fake_sample(FFI.new("int16_t[]", [0] * CHANNELS), CHANNELS)
    streaming.run(4)
    assert LIB.fake.rx_at > 5 * 255, "twice in a pass that sends EMG"
