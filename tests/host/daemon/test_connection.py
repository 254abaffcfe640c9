"""One open port, from HELLO to the goodbye, and a change of its model."""

import gc
import re
import weakref
from contextlib import closing

import numpy as np
import pytest

from hostile_models import HOSTILE
from myobridge.daemon.connection import Connection
from myobridge.daemon.decision_guard import DecisionGuard
from myobridge.daemon.notices import Notices
from myobridge.daemon.run import Daemon
from myobridge.daemon.stats import RunStats
from myobridge.decoder.acquisition import AcquisitionCounters
from myobridge.decoder.pipeline import Pipeline, Withheld
from myobridge.errors import UserError
from myobridge.model.load import open_model
from myobridge.settings import Settings
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.wire import messages as m
from myobridge.wire.emg import emg_wire_bytes
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.link import LinkLost
from myobridge.wire.messages import State
from tiny_model import tiny_spec, write_tiny_model

HOP = tiny_spec().hop_samples


class NoiseSource:
    """EMG of a hand that twitches all the time."""

    fs_hz, channels, adc_bits = tiny_spec().fs_hz, 2, 10

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def read(self, samples):
        return self.rng.integers(-100, 100, (samples, self.channels)).astype(np.int16), None


class VirtualLink:
    """A port with a simulated hand in virtual time: each wait lasts a number of milliseconds, until `unplugged`."""

    def __init__(self, clock):
        self.clock = clock
        self.device = SimulatedFirmware(NoiseSource(), boot_id=1)
        self.board_rate = 1.0
        """Seconds that pass on the board during one second here."""
        self._board_s = self._looked_s = clock.now_s
        self.unplugged = False
        self.frames_written = 0
        self.awaited = []
        self.called = False

    def wake_at(self, waiting):
        self.awaited.append(waiting)

    def heed(self, _caller):
        pass

    def wait(self, _timeout_s, *, deaf=True):
        self.clock.now_s += 0.005
        return True

    @property
    def board_s(self):
        now_s = self.clock.now_s
        self._board_s += self.board_rate * (now_s - self._looked_s)
        self._looked_s = now_s
        return self._board_s

    def read(self):
        if self.unplugged:
            raise LinkLost("the port was closed at the other end")
        now_s = self.board_s
        self.device.advance(now_s)
        return self.device.outgoing(now_s)

    def write(self, frame):
        if self.unplugged:
            raise LinkLost("the port was closed at the other end")
        self.frames_written += 1
        self.device.receive(frame, self.board_s)
        return True


class Clock:
    now_s = 100.0


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("time.monotonic", lambda: clock.now_s)
    return clock


def open_tiny(tmp_path, **changes):
    return open_model(write_tiny_model(tmp_path / "tiny.onnx", tiny_spec(**changes)))


@pytest.fixture
def link(clock):
    return VirtualLink(clock)


@pytest.fixture
def connection(link, tmp_path):
    model, frames = open_tiny(tmp_path), FrameDecoder()
    connection = Connection(link, model, Settings(), frames, RunStats(model.spec, 0.0, frames.counters))
    for _ in range(200):
        connection.turn()
    assert connection.streaming
    return connection


def test_the_guard_watches_a_decision_and_its_deferred_work_but_no_write(link, tmp_path, monkeypatch):
    guard, seen = DecisionGuard.idle(), {"decide": set(), "settle": set(), "write": set()}

    def watched(owner, name, kind):
        call = getattr(owner, name)

        def noting(*arguments):
            seen[kind].add(guard.under_way > 0)
            return call(*arguments)

        monkeypatch.setattr(owner, name, noting)

    watched(Pipeline, "decide", "decide")
    watched(Pipeline, "settle", "settle")
    watched(link, "write", "write")
    model, frames = open_tiny(tmp_path), FrameDecoder()
    connection = Connection(link, model, Settings(), frames, RunStats(model.spec, 0.0, frames.counters), guard)
    for _ in range(200):
        connection.turn()
    assert seen == {"decide": {True}, "settle": {True}, "write": {False}}
    assert guard.under_way == 0


def test_say_goodbye_disarms_the_hand_and_stops_the_stream(connection, link):
    connection.say_goodbye()
    assert link.device.safety.state is State.DISARMED
    assert not link.device.safety.streaming


def test_a_link_that_is_lost_during_the_goodbye_raises_nothing(connection, link):
    link.unplugged = True
    connection.say_goodbye()


def test_bytes_go_to_the_feed_with_their_time_after_the_setpoint_is_written(connection, link, clock):
    told = []
    connection.on_bytes = lambda read_s, data: told.append((read_s, data, link.frames_written))
    connection.session.request_arm()
    for _ in range(40):
        connection.turn()
    emg = [frame for _, data, _ in told for frame in FrameDecoder().feed(data) if frame[0] == m.Emg.TYPE]
    assert len(emg) > 30
    assert told[-1][0] == clock.now_s
    assert connection.session.may_move
    link.frames_written = 0
    connection.turn()
    assert told[-1][2] == 1, "the setpoint of these bytes"


def test_the_loop_wakes_once_a_hop_and_at_once_for_partial_hops_and_answers(connection, link):
    whole = emg_wire_bytes(HOP, channels=2)  # a hop is one frame here
    link.awaited.clear()
    for _ in range(100):
        connection.turn()
    assert set(link.awaited) == {whole, 1}
    assert link.awaited.count(1) == 1, "one PING in half a second"

    read = link.read
    link.read = lambda: read()[:-1]
    connection.turn()
    link.read = read
    connection.turn()
    assert link.awaited[-1] == 1


def test_a_new_connection_does_not_inherit_the_reason_for_withheld_setpoints(connection, clock, link, tmp_path):
    said = []
    notices = Notices("port")
    notices.say = said.append
    notices.tell_changes(connection, clock.now_s)
    assert said[-1].startswith("Connected to ")
    connection.setpoints.decision = connection.setpoints.decision._replace(withheld=Withheld.SAMPLES_LOST)
    notices.tell_changes(connection, clock.now_s)
    assert said[-1].startswith("No setpoints: too many samples are lost")
    notices.tell_lost(LinkLost("unplugged"))

    model, frames = open_tiny(tmp_path), FrameDecoder()
    fresh = Connection(link, model, Settings(), frames, RunStats(model.spec, 0.0, frames.counters))
    notices.tell_changes(fresh, clock.now_s + 10)  # it knows nothing about the board yet
    assert said[-1].startswith("Lost the hand")


def test_the_note_names_no_state_that_is_over(connection, clock):
    notices = Notices("port")
    notices.tell_changes(connection, clock.now_s)
    assert notices.note.endswith("The hand is disarmed.")
    connection.session.request_arm()
    for _ in range(40):
        connection.turn()
    assert connection.state is State.ARMED
    notices.tell_changes(connection, clock.now_s)
    assert notices.note == ""


def test_each_reason_for_withheld_setpoints_is_told_once_a_second_at_most_even_if_it_was_short(connection, clock):
    said = []
    notices = Notices("port")
    notices.tell_changes(connection, clock.now_s)
    notices.say = said.append

    def tell(withheld, after_s):
        clock.now_s += after_s
        connection.setpoints.decision = connection.setpoints.decision._replace(withheld=withheld)
        notices.tell_changes(connection, clock.now_s)

    for reason in (Withheld.SAMPLES_LOST, Withheld.NOT_A_NUMBER):
        tell(reason, 0.01)
        tell(Withheld.NO, 0.01)
    assert [text[:30] for text in said] == [
        "No setpoints: too many samples",
        "The signal is good again.",
        "No setpoints: the network's ou",
    ]
    for _ in range(10):
        tell(Withheld.NOT_A_NUMBER, 0.005)
        tell(Withheld.NO, 0.005)
    assert len(said) == 3
    tell(Withheld.NO, 1.0)
    tell(Withheld.NOT_A_NUMBER, 0.005)
    assert said[3:] == ["The signal is good again.", said[2]]


@pytest.mark.parametrize("after", ["its sleep", "its read"])
def test_a_daemon_that_was_stopped_for_seconds_does_not_take_the_hand_for_silent(connection, link, clock, after):
    wait = link.wait

    def stopped(*_ignored, **_how):
        clock.now_s += 2.5
        link.wait, connection.on_bytes = wait, lambda _read_s, _data: None

    if after == "its sleep":
        link.wait = stopped
    else:
        connection.on_bytes = stopped
    for _ in range(20):
        connection.turn()
    assert connection.streaming


def test_samples_that_arrive_during_the_models_trial_wait_and_none_is_lost(link, tmp_path, monkeypatch):
    model, frames, asked = open_tiny(tmp_path), FrameDecoder(), []
    monkeypatch.setattr(model, "ready", lambda: asked.append(0) or len(asked) > 50)
    connection = Connection(link, model, Settings(), frames, RunStats(model.spec, 0.0, frames.counters))
    while len(asked) <= 50:
        assert not connection.streaming
        assert connection.look("", estop=False).predicted_deg == []
        assert not connection.decided
        assert connection.explain_withheld() == ""
        connection.turn()
    assert connection.streaming
    connection.turn()  # the clock did not see the samples that waited
    assert connection.decided  # more than a window has waited
    acquired = connection._stats.acquired
    assert acquired.samples_received > 50 * HOP
    assert acquired.samples_lost == 0


def test_a_model_that_fails_its_trial_ends_the_run_with_a_sentence_and_stops_the_stream(tmp_path, link):
    path = HOSTILE["no number on a muscle"][0](tmp_path / "bad.onnx")
    with closing(Daemon(str(tmp_path / "port"), path, Settings(), arm=True, started_s=0.0)) as daemon:
        with pytest.raises(UserError, match="not numbers on bursts"):
            daemon._converse(link, seconds=None, began_s=0.0)
    assert link.device.safety.state is State.DISARMED
    assert not link.device.safety.streaming


def test_a_hand_that_is_silent_for_a_second_is_lost(connection, link, monkeypatch):
    monkeypatch.setattr(link, "read", lambda: b"")
    with pytest.raises(LinkLost, match="no samples"):
        for _ in range(300):
            connection.turn()


def test_only_an_armed_hand_with_permission_is_said_to_follow(connection, link):
    connection.session.request_arm()
    for _ in range(20):
        connection.turn()
    assert connection.explain() == "The hand is armed and follows."
    connection.session.may_move = False
    assert "follows" not in connection.explain()


def test_a_lost_connection_is_freed_although_the_loop_does_not_collect_garbage(tmp_path, link):
    model_path = write_tiny_model(tmp_path / "tiny.onnx")
    with closing(Daemon(str(tmp_path / "port"), model_path, Settings(), arm=False, started_s=0.0)) as daemon:
        connection = Connection(link, open_model(model_path), Settings(), FrameDecoder(), daemon.stats)
        daemon._connection, left = connection, weakref.ref(connection)
        del connection
        gc.disable()
        daemon._wait_to_reconnect = lambda: None
        daemon._lost(LinkLost("the port was closed at the other end"))
        gc.enable()
        assert left() is None


def test_unexpected_frames_are_counted_over_all_connections_of_a_run(link, tmp_path):
    model, frames = open_tiny(tmp_path), FrameDecoder()
    stats = RunStats(model.spec, 0.0, frames.counters, unexpected_frames=3)
    connection = Connection(link, model, Settings(), frames, stats)
    connection.session.on_frame(b"\xff\x00\x00\x00", 0.0)
    assert connection.session.unexpected_frames == 4


def test_a_hand_that_moves_or_holds_may_be_moving(connection, link):
    assert not connection.may_be_moving
    connection.session.request_arm()
    assert connection.may_be_moving  # an ARM was requested
    for _ in range(20):
        connection.turn()
    assert connection.may_be_moving
    connection.session.request_disarm()
    for _ in range(20):
        connection.turn()
    assert not connection.may_be_moving


def test_a_new_model_decides_from_the_next_sample_on_and_no_sample_is_lost(connection, link, tmp_path):
    lost = connection._stats.acquired.samples_lost
    received = connection._stats.acquired.samples_received
    model = open_tiny(tmp_path, name="wider", window_samples=80, hop_samples=10)
    connection.change_model(model, Pipeline(model, Settings(), adc_bits=10))
    assert connection.withheld is Withheld.NO
    assert not connection.decided  # the window fills first
    look = connection.look("", estop=False)
    assert (look.model, look.level, look.predicted_deg) == ("wider", [0.0, 0.0], [])
    for _ in range(40):
        connection.turn()
    acquired = connection._stats.acquired
    assert acquired.samples_lost == lost
    assert acquired.samples_received > received
    assert connection.decided
    assert connection._stats.summary()["model"] == "wider"


def test_a_pipeline_that_takes_over_decides_like_one_that_ran_from_the_start(tmp_path):
    counts = np.random.default_rng(0).integers(-100, 100, (400, 2)).astype(np.int16)
    model = open_tiny(tmp_path)
    counters = AcquisitionCounters()
    first = Pipeline(model, Settings(), adc_bits=10, counters=counters)
    change = 193  # within a hop
    first.push(0, counts[:change])
    second = Pipeline(model, Settings(), adc_bits=10)
    second.acquisition.follow(first.acquisition)
    decisions = second.push(change, counts[change:])

    start = -(-change // HOP) * HOP
    alone = Pipeline(model, Settings(), adc_bits=10)
    assert decisions == alone.push(start, counts[start:])
    assert (counters.samples_received, counters.samples_lost, counters.restarts) == (400, 0, 0)


def turns(connection, seconds):
    for _ in range(round(seconds / 0.005)):
        connection.turn()


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.975, 1.025, 1.1, 2.0])
def test_a_board_with_a_wrong_clock_does_not_move_the_hand_and_the_reason_names_both_rates(connection, link, rate):
    connection.session.request_arm()
    turns(connection, 1)
    link.board_rate = rate
    turns(connection, 15)
    moved = connection._stats.commands
    turns(connection, 5)
    assert connection._stats.commands == moved
    assert connection.withheld is Withheld.RATE_OFF
    assert not connection.decided
    said = connection.explain_withheld()
    measured, nominal = re.search(r"takes (\d+) samples a second instead of (\d+)", said).groups()
    assert int(measured) == pytest.approx(rate * tiny_spec().fs_hz, abs=2)
    assert int(nominal) == tiny_spec().fs_hz
    look = connection.look("", estop=False)
    assert look.withheld == "rate_off"
    assert look.fs_hz == pytest.approx(rate * tiny_spec().fs_hz, rel=2e-3)


@pytest.mark.parametrize("rate", [0.985, 0.995, 1.005, 1.015])
def test_a_board_within_the_tolerance_moves_the_hand_with_every_decision(connection, link, rate):
    link.board_rate = rate
    turns(connection, 2)
    connection.session.request_arm()
    turns(connection, 20)
    before = connection._stats.commands
    turns(connection, 5)
    assert connection._stats.commands - before == pytest.approx(5 * rate * tiny_spec().fs_hz / HOP, rel=0.02)
    assert not connection._stats.withheld[Withheld.STALE]
    assert connection.look("", estop=False).fs_hz == pytest.approx(rate * tiny_spec().fs_hz, rel=1e-3)


def test_a_board_whose_clock_recovers_moves_the_hand_again(connection, link):
    link.board_rate = 0.9
    turns(connection, 8)
    assert connection.withheld is Withheld.RATE_OFF
    link.board_rate = 1.0
    turns(connection, 30)
    assert connection.withheld is Withheld.NO


def test_decisions_that_stay_too_late_are_withheld_as_stale(connection):
    connection.setpoints._max_age_s = -1.0  # every decision is older than that
    turns(connection, 0.1)
    assert connection._stats.withheld[Withheld.STALE] > 1
    assert connection.withheld is Withheld.NO, "a few late decisions are not reported: the hand keeps moving"
    turns(connection, 0.2)
    assert connection.withheld is Withheld.STALE
    assert not connection.decided
    assert "decisions are too late" in connection.explain_withheld()
    assert connection._stats.summary()["stale"] > 0
