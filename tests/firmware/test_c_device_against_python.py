"""The whole firmware against the simulated hand: the same bytes from the host, whole, damaged or made up, in both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from c_hand import SAFE
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from portable import load
from test_c_device import LIMITS, SESSION, Device

from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.uplink import PASS_S
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder, encode
from myobridge.wire.messages import State
from virtual_hand import ConstantSource, frame_of, unpacked

FFI, LIB = load()
NOW_S = 0.001
ANGLES = (SAFE, (0,) * m.SERVOS, (9000,) * m.SERVOS, (65535,) * m.SERVOS)
HOST_TYPES = sorted(kind for kind in m.BY_TYPE if kind < 0x80)
Make = Callable[["Both"], bytes]


class Both:
    """Two devices that were just switched on, and their host. No time passes: what time does is compared elsewhere."""

    def __init__(self) -> None:
        self.c = Device()
        self.python = SimulatedFirmware(ConstantSource(fs_hz=1000.0, channels=8), limits=LIMITS)
        self.python.safety.boot_id = LIB.fake.boot_id
        self.python.safety.challenge = self.c.struct.safety.challenge
        self.seq = 0

    def frame(self, kind: int, payload: bytes) -> bytes:
        self.seq = (self.seq + 1) & 0xFF
        return encode(kind, self.seq, payload)

    def send(self, data: bytes) -> None:
        """One byte after the other for the C, all at once for the Python."""
        if data:
            self.c.send_bytes(data)
        self.python.receive(data, NOW_S)

    def compare(self) -> None:
        c, python = self.c.struct.safety, self.python.safety
        assert (State(c.state), m.Reason(c.reason)) == (python.state, python.reason)
        assert (c.pulses_on, c.streaming, c.challenge) == (python.pulses_on, python.streaming, python.challenge)
        assert tuple(c.applied_cdeg) == tuple(python.applied)

    def statuses(self) -> list[m.Status]:
        """What both say of themselves in the answer to the same DISARM."""
        self.c.frames.clear()
        self.python.outgoing(float("inf"))
        self.send(b"\0" + self.frame(m.Disarm.TYPE, b""))
        self.python.advance(NOW_S + PASS_S)
        theirs = [unpacked(frame) for frame in FrameDecoder().feed(self.python.outgoing(float("inf")))]
        statuses = [self.c.all_of(m.Status)[-1], [message for message in theirs if isinstance(message, m.Status)][-1]]
        return [replace(status, t_us=0, sample_index=0, max_loop_us=0, supply_mv=0) for status in statuses]


def message(make: Callable[[Both], m.Message]) -> Make:
    return lambda both: both.frame(make(both).TYPE, make(both).pack())


def arm(both: Both, wrong: str | None) -> m.Message:
    safety = both.python.safety
    right = m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge)
    return replace(right, **{wrong: getattr(right, wrong) ^ 1}) if wrong else right


MESSAGES: st.SearchStrategy[Make] = st.one_of(
    st.sampled_from([m.PROTO_HASH, m.PROTO_HASH, 1]).map(lambda h: message(lambda _: m.Hello(m.MAJOR, m.MINOR, 7, h))),
    st.sampled_from([{}, {"slew_cdeg_per_s": 0}, {"relax_ms": 5}]).map(
        lambda changes: message(lambda _: replace(SESSION, **changes))
    ),
    st.sampled_from([0, 0, 1]).map(lambda wrong: message(lambda both: m.Start(both.python.safety.config_crc ^ wrong))),
    st.sampled_from([None, None, *m.Arm.__struct_fields__]).map(lambda wrong: message(lambda both: arm(both, wrong))),
    st.builds(
        lambda angles, valid, based: message(lambda _: m.Setpoint(angles, valid, based & 0xFFFFFFFF)),
        st.sampled_from(ANGLES),
        st.sampled_from([0, 10, 255]),
        st.sampled_from([-1, -2, 0, 1, -5000, 1 << 31]),
    ),
    st.sampled_from([m.Stop(), m.Disarm(), m.Ping(5)]).map(lambda plain: message(lambda _: plain)),
)
SESSIONS: st.SearchStrategy[Make] = st.just(
    lambda both: b"".join(
        frame_of(step) for step in (m.Disarm(), m.Stop(), m.Hello(m.MAJOR, m.MINOR, 7, m.PROTO_HASH), SESSION)
    )
)
ANYTHING: st.SearchStrategy[Make] = st.one_of(
    st.builds(
        lambda kind, payload: lambda both: both.frame(kind, payload),
        st.one_of(st.sampled_from(HOST_TYPES), st.integers(0, 255)),
        st.binary(max_size=70),
    ),
    st.binary(max_size=300).map(lambda noise: lambda _: noise),
    st.just(lambda _: b"\x55" * 300),
)


@st.composite
def damaged(draw: Any) -> Make:
    """A message of which a bit is flipped, a byte is lost, or one too many comes, or that was never sent."""
    make, how, at = draw(MESSAGES), draw(st.integers(0, 3)), draw(st.integers(0, 80))
    bit = 1 << draw(st.integers(0, 7))

    def spoil(both: Both) -> bytes:
        frame = bytearray(make(both))
        place = at % len(frame)
        if how == 0:
            frame[place] ^= bit
        elif how == 1:
            del frame[place]
        elif how == 2:
            frame.insert(place, bit)
        return b"" if how == 3 else bytes(frame)

    return spoil


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(SESSIONS, MESSAGES, MESSAGES, damaged(), ANYTHING), max_size=30))
def test_both_do_the_same_with_any_bytes_and_count_the_same(script: list[Make]) -> None:
    both = Both()
    for make in script:
        both.send(make(both))
        both.compare()
    c, python = both.statuses()
    assert c == python
    event(f"{m.State(c.state).name}, {m.Result(c.ack_result).name}")


@pytest.mark.parametrize("wrong", [None, *m.Arm.__struct_fields__])
def test_both_are_led_from_hello_to_arm(wrong: str | None) -> None:
    """The random scripts do not stand still: the way to ARMED is open in both, and closed in both."""
    both = Both()
    both.send(b"".join(map(frame_of, (m.Hello(m.MAJOR, m.MINOR, 7, m.PROTO_HASH), SESSION))))
    both.send(message(lambda both: m.Start(both.python.safety.config_crc))(both))
    both.send(message(lambda both: arm(both, wrong))(both))
    both.compare()
    assert (both.python.safety.state is State.ARMED) == (wrong is None)
