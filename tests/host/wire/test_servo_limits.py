"""Servo limits are read from a board and stored in it."""

import time

import pytest
from msgspec.structs import asdict, replace

from myobridge.errors import UserError
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.limits import DEFAULTS, WIDE
from myobridge.wire import messages as m
from myobridge.wire.servo_limits import read_limits, write_limits
from virtual_hand import ConstantSource, frame_of

NARROW = replace(WIDE, pulse_0_us=(1100,) * m.SERVOS, pulse_180_us=(1900,) * m.SERVOS, digital=0)


class Wire:
    """A link to a simulated board. loses: how many of the host's next frames are lost."""

    def __init__(self, limits=None, *, loses=0, deaf=False):
        self.board = SimulatedFirmware(ConstantSource(), limits=limits)
        self.board.safety.host_speaks_ours = True  # as after HELLO
        self.loses, self.deaf, self.written = loses, deaf, 0

    def write(self, data):
        self.written += 1
        if self.deaf or self.written <= self.loses:
            return
        self.board.receive(data, time.monotonic())

    def wait(self, seconds):
        time.sleep(min(seconds, 0.002))
        return True

    def read(self):
        now_s = time.monotonic()
        self.board.advance(now_s)
        return self.board.outgoing(now_s)


def held(answer):
    return {name: getattr(answer, name) for name in asdict(DEFAULTS)}


def test_a_board_that_stores_none_tells_the_defaults():
    answer = read_limits(Wire())
    assert (answer.state, held(answer)) == (m.LimitsState.DEFAULTS, asdict(DEFAULTS))


def test_limits_are_stored_and_read_back():
    wire = Wire()
    answer = write_limits(wire, NARROW)
    assert (answer.result, answer.state, held(answer)) == (m.Result.OK, m.LimitsState.STORED, asdict(NARROW))
    assert held(read_limits(wire)) == asdict(NARROW)


def test_a_request_that_is_lost_is_repeated():
    wire = Wire(WIDE, loses=2)
    assert read_limits(wire).state == m.LimitsState.STORED
    assert wire.written == 3


def test_a_board_that_does_not_answer_is_named():
    with pytest.raises(UserError, match="does not tell its servo limits"):
        read_limits(Wire(deaf=True))


def test_limits_that_make_no_sense_are_refused_with_what_would():
    with pytest.raises(UserError, match="within 500 to 2500 µs and differ"):
        write_limits(Wire(), replace(WIDE, pulse_0_us=(400,) * m.SERVOS))


def test_a_board_of_another_revision_takes_none():
    wire = Wire(WIDE)
    wire.board.safety.host_speaks_ours = False
    with pytest.raises(UserError, match=r"blocked.*flash the firmware of this version"):
        write_limits(wire, NARROW)
    assert held(read_limits(wire)) == asdict(WIDE)


def test_a_hand_in_emergency_stop_takes_none():
    wire = Wire()
    wire.board.safety.estop()
    with pytest.raises(UserError, match="disarm the hand first"):
        write_limits(wire, NARROW)


def test_a_board_that_never_ends_writing_is_named(monkeypatch):
    monkeypatch.setattr("myobridge.wire.servo_limits.WRITTEN_S", 0.1)
    with pytest.raises(UserError, match="did not finish writing"):
        write_limits(Wire(), NARROW)


def test_what_else_the_board_says_meanwhile_is_no_answer():
    wire = Wire(WIDE)
    read = wire.read
    wire.read = lambda: frame_of(m.Pong(1, 2, 3)) + read()
    assert read_limits(wire).state == m.LimitsState.STORED


def test_a_line_that_is_silent_for_a_moment_is_waited_for():
    wire, turns = Wire(WIDE), iter([False, False])
    wait = wire.wait
    wire.wait = lambda seconds: wait(seconds) and next(turns, True)
    assert read_limits(wire).state == m.LimitsState.STORED
    assert wire.written == 1


def test_limits_that_do_not_read_back_are_named_with_what_to_do(monkeypatch):
    wire = Wire(WIDE)
    monkeypatch.setattr(wire.board.limits, "write", lambda _limits, _now_s: m.Result.WRITE_FAILED)
    with pytest.raises(UserError, match=r"write failed.*its EEPROM is worn out"):
        write_limits(wire, NARROW)
