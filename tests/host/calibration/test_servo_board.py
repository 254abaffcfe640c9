"""The board of `myobridge servos`: whom it refuses to talk to, and that it believes only what the board reads back."""

import time

import pytest
from msgspec.structs import replace

from myobridge.calibration.servos import board as servo_board
from myobridge.calibration.servos.board import Board
from myobridge.calibration.servos.keys import Key
from myobridge.calibration.servos.run import Walk
from myobridge.errors import UserError
from myobridge.settings import Settings
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.limits import WIDE
from myobridge.wire import messages as m
from myobridge.wire.link import LinkLost
from myobridge.wire.messages import State
from virtual_hand import ConstantSource

NARROW = replace(WIDE, pulse_0_us=(900,) * m.SERVOS)


class Wire:
    """A link to a simulated board, in real time."""

    def __init__(self, firmware):
        self.board, self.is_closed, self.cut = firmware, False, False

    def write(self, data):
        self.board.receive(data, time.monotonic())
        return True

    def wait(self, seconds):
        time.sleep(min(seconds, 0.002))
        return True

    def read(self):
        if self.cut:
            raise LinkLost("unplugged")
        now_s = time.monotonic()
        self.board.advance(now_s)
        return self.board.outgoing(now_s)

    def close(self):
        self.is_closed = True


class Other(SimulatedFirmware):
    """A board that introduces itself otherwise."""

    changes = {}  # noqa: RUF012

    def _ident(self, nonce):
        return replace(super()._ident(nonce), **self.changes)


@pytest.fixture
def plug(tmp_path, monkeypatch):
    """Plugs a board into the port; the wire to it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def plugged(limits=None, **ident):
        firmware = Other(ConstantSource(), limits=limits)
        firmware.changes = ident
        wire = Wire(firmware)
        monkeypatch.setattr(servo_board, "SerialLink", lambda _port, _baud: wire)
        return wire

    return plugged


def opened():
    return Board("P", Settings())


@pytest.mark.parametrize(
    ("ident", "sentence"),
    [
        ({"major": 2}, f"speaks protocol 2.{m.MINOR}, this program {m.MAJOR}.{m.MINOR}; flash the firmware"),
        ({"proto_hash": m.PROTO_HASH ^ 1}, "another protocol revision; flash the firmware"),
    ],
)
def test_a_board_of_another_protocol_is_refused_and_the_port_closed(plug, ident, sentence):
    wire = plug(**ident)
    with pytest.raises(UserError, match=sentence):
        opened()
    assert wire.is_closed


def test_a_port_without_a_board_is_refused_and_closed(plug, monkeypatch):
    wire = plug()
    monkeypatch.setattr("myobridge.feed.ports.PATIENCE_S", 0.1)
    wire.write = lambda _data: True
    with pytest.raises(UserError, match="no myobridge board answers"):
        opened()
    assert wire.is_closed


def test_a_cable_that_is_unplugged_is_named(plug):
    wire = plug()
    board = opened()
    board.start()
    wire.cut = True
    with pytest.raises(UserError, match=r"P disappeared .*, so the servos go limp within 1 s"):
        board.turn()
    board.close()
    assert wire.is_closed


def test_a_cable_that_is_unplugged_while_limits_are_stored_leaves_the_old_or_the_new(plug, monkeypatch):
    wire = plug(WIDE)
    board = opened()
    board.start()
    monkeypatch.setattr(servo_board, "write_limits", lambda _link, _limits: setattr(wire, "cut", True))
    with pytest.raises(UserError, match="the board holds the old limits or the new"):
        board.save(NARROW)


def test_limits_that_are_read_back_otherwise_are_not_believed(plug, monkeypatch):
    plug(WIDE)
    board = opened()
    board.start()
    monkeypatch.setattr(servo_board, "write_limits", lambda _link, _limits: None)
    with pytest.raises(UserError, match="reads back other servo limits"):
        board.save(NARROW)
    assert board.held.pulse_0_us == WIDE.pulse_0_us


def test_an_emergency_stop_that_the_board_does_not_confirm_is_remembered_and_said(plug, monkeypatch):
    wire = plug(WIDE)
    board = opened()
    board.start()
    monkeypatch.setattr(servo_board, "STOP_S", 0.2)
    wire.board.safety.estop = lambda: None
    assert "did not confirm the emergency stop; switch the servo power off" in board.estop()
    assert board.stop_is_remembered


def test_the_search_asks_for_slow_pulses_of_every_width_from_the_middle_of_what_holds(plug):
    plug(NARROW)
    board = opened()
    board.start()
    config = board._stream.session.config
    assert (config.pulse_0_us, config.pulse_180_us) == ((m.PULSE_MIN_US,) * 5, (m.PULSE_MAX_US,) * 5)
    assert config.servo_safe_cdeg == (9 * ((900 + 2500) // 2 - 500),) * 5
    assert config.servo_period_us == m.SERVO_PERIOD_MAX_US
    assert config.slew_cdeg_per_s == m.JOG_SLEW_CDEG_PER_S
    assert config.channel_mask.bit_count() == 1
    assert board.close()


class Builder:
    """A builder who does one step after another: each when the screen shows a state, each a key or something done."""

    def __init__(self, *steps):
        self.left, self._seen, self._until_s = list(steps), "", time.monotonic() + 20

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def show(self, look):
        self._seen = look.state

    def wishes(self):
        assert time.monotonic() < self._until_s, self.left
        if not self.left or self._seen != self.left[0][0].name:
            return []
        does = self.left.pop(0)[1]
        return [does] if isinstance(does, Key) else does() or []


def test_a_hand_whose_supply_dipped_enters_fault_once_and_is_armed_again_by_one_key(plug):
    wire = plug()
    states = []
    fault = wire.board.safety._fault

    def counted(reason):
        states.append(wire.board.safety.state)
        fault(reason)

    def supply_is(low):
        wire.board.safety.supply_low = low

    wire.board.safety._fault = counted
    builder = Builder(
        (State.DISARMED, Key.ARM),
        (State.ARMED, lambda: supply_is(True)),
        *[(State.FAULT, lambda: None)] * 20,
        (State.FAULT, lambda: supply_is(False)),
        (State.DISARMED, Key.ARM),
        (State.ARMED, Key.LEAVE),
    )
    Walk(opened(), [builder], [builder]).run()
    assert not builder.left
    assert [state for state in states if state is not State.FAULT] == [State.ARMED]
    assert not wire.board.safety.pulses_on


def test_a_board_that_holds_narrow_angles_starts_in_their_middle_and_can_be_searched(plug):
    angles = {"servo_min_cdeg": (3000,) * m.SERVOS, "servo_max_cdeg": (6000,) * m.SERVOS}
    wire = plug(replace(WIDE, pulse_0_us=(1000,) * m.SERVOS, pulse_180_us=(2000,) * m.SERVOS, **angles))
    builder = Builder((State.DISARMED, Key.ARM), (State.ARMED, Key.LEAVE))
    Walk(opened(), [builder], [builder]).run()
    assert not builder.left
    assert wire.board.safety.applied == [6750] * m.SERVOS  # 1250 µs
