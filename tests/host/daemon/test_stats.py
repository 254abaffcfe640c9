"""A setpoint that the port refused does not count as a command."""

from myobridge.daemon.stats import RunStats
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameCounters
from myobridge.wire.session import Session
from tiny_model import tiny_spec


def test_only_written_setpoints_count_as_commands():
    stats = RunStats(tiny_spec(), 0.0, FrameCounters())
    stats.commanded(1.0, written=False)
    assert (stats.commands, stats.write_drops, stats.first_command_s) == (0, 1, None)
    stats.commanded(2.0, written=True)
    assert (stats.commands, stats.write_drops, stats.first_command_s) == (1, 1, 2.0)
    assert stats.summary()["write_drops"] == 1


def test_the_session_says_whether_the_port_took_a_setpoint():
    for taken in (True, False):
        session = Session(lambda _frame, taken=taken: taken, lambda _ident: None)
        session._outbox.greeted = True
        assert session.setpoint((0,) * m.SERVOS, 25, 0) is taken
