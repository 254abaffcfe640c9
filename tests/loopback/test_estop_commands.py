"""`myobridge estop` and `myobridge lift-estop`, with a daemon and without one."""

import re
import signal

import pytest

from loopback.processes import feed_of, myobridge, running, simulated_hand
from myobridge.daemon.permission.estop_memory import EstopMemory

MODEL = ("--model", "synth")


def state_of(hand):
    """The board's state when it ends."""
    hand.process.terminate()
    hand.process.wait(60)
    return hand.summary["state"]


def armed(feed):
    while not feed.request("arm").ok:
        pass


def test_an_estop_by_command_outlives_daemon_and_board_until_a_person_lifts_it(tmp_path):
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, *MODEL) as daemon:
        with feed_of(hand.port) as feed:
            armed(feed)
            stopped = myobridge("estop", "--port", hand.port)
            assert (stopped.returncode, stopped.stdout.count("\n")) == (0, 1)
            assert "emergency stop" in stopped.stdout
        daemon.kill()
        assert state_of(hand) == "ESTOP"

    with (
        simulated_hand(tmp_path) as hand,
        running("run", "--port", hand.port, *MODEL, "--arm"),
    ):  # another one, disarmed
        with feed_of(hand.port) as feed:
            feed.subscribe("snapshots")
            while (look := feed.newest(10.0)).state != "ESTOP":
                pass
            assert look.estop
            assert not feed.request("arm").ok
            lifted = myobridge("lift-estop", "--port", hand.port)
            assert lifted.returncode == 0
            assert re.search("switch the board's power off and on", lifted.stdout), "a pseudo-terminal has no DTR"
            while (look := feed.newest(10.0)).estop:
                pass
        assert state_of(hand) == "ESTOP"

    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, *MODEL):
        with feed_of(hand.port) as feed:
            armed(feed)


def test_without_a_daemon_the_command_talks_to_the_board(tmp_path):
    with simulated_hand(tmp_path) as hand:
        stopped = myobridge("estop", "--port", hand.port)
        assert stopped.returncode == 0
        assert "No daemon runs" in stopped.stdout
        assert state_of(hand) == "ESTOP"


@pytest.mark.parametrize("command", ["estop", "lift-estop"])
def test_without_a_board_the_command_still_changes_the_memory(tmp_path, command):
    port = tmp_path / "hand"
    result = myobridge(command, "--port", port)
    assert result.returncode == (1 if command == "estop" else 0)
    assert "There is no port" in result.stdout
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, *MODEL):
        with feed_of(hand.port) as feed:
            feed.subscribe("snapshots")
            while not (look := feed.newest(10.0)).predicted_deg and look.state != "ESTOP":
                pass
            assert look.estop == (command == "estop")


def test_beside_a_stopped_daemon_an_estop_is_remembered_at_once_and_arrives_when_the_daemon_continues(tmp_path):
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, *MODEL) as daemon:
        with feed_of(hand.port) as feed:
            armed(feed)
        daemon.send_signal(signal.SIGSTOP)
        try:
            result = myobridge("estop", "--port", hand.port)
        finally:
            daemon.send_signal(signal.SIGCONT)
        assert result.returncode == 1
        assert "does not answer" in result.stdout
        assert "switch the servo power off" in result.stdout
        assert EstopMemory(hand.port).said
        with feed_of(hand.port) as feed:
            feed.subscribe("snapshots")
            while feed.newest(10.0).state != "ESTOP":
                pass
