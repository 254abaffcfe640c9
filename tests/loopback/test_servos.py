"""`myobridge servos` as a person uses it: in a terminal, on the simulated hand, beside other programs."""

import os
import signal
import termios
import time
from contextlib import contextmanager

import pytest

from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.feed.tap import HandTapReader
from processes import feed_of, myobridge, running, simulated_hand
from terminals import in_terminal

LONGER, SHORTER = b"\x1b[C", b"\x1b[D"
KEYBOARD_S = 0.033
MOTION_ENDS_S = 0.2
TAP_S = 0.02
"""From one look at the servos to the next."""
PULSES_OFF = ("DISARMED", "host_disarmed")


@pytest.fixture(autouse=True)
def own_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@contextmanager
def armed(hand, *arguments, **environment):
    """The command in a terminal, on a hand that a key has armed."""
    with in_terminal("servos", "--port", hand.port, *arguments, **environment) as terminal:
        terminal.read_until("DISARMED")
        terminal.press(b"a")
        terminal.read_until("Pulses are on.")
        yield terminal


def hold(terminal, key, seconds):
    """A held key: a press, the keyboard's delay, its repeats. Returns the time of the last one."""
    terminal.press(key)
    time.sleep(0.3)
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        terminal.press(key)
        last_s = time.monotonic()
        time.sleep(KEYBOARD_S)
    return last_s


def seen_now(tap):
    """The servos' angles; what the socket has kept from before is dropped."""
    tap.newest(TAP_S)
    return tap.newest(1.0).applied_deg


def ended(hand):
    """State and reason of the board when the simulated hand ends."""
    hand.process.terminate()
    hand.process.wait(60)
    return hand.summary["state"], hand.summary["reason"]


def test_ends_that_are_found_in_a_terminal_are_stored_and_shown(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with armed(hand) as terminal:
            shell = terminal.modes
            hold(terminal, LONGER, 1.5)
            terminal.press(b"c")
            terminal.read_until("The thumb is closed at")
            hold(terminal, SHORTER, 3.0)
            terminal.press(b"o")
            terminal.read_until("The thumb is open at")
            terminal.press(b"s")
            terminal.read_until("Saved in the board and read back.")
            terminal.press(b"q")
            said = terminal.read_to_the_end()
            assert terminal.process.wait(60) == 0
        assert shell[3] & termios.ICANON == 0
        assert "pulse_0_us = [1" in said
        shown = myobridge("servos", "--port", hand.port, "--show").stdout
        thumb = shown.splitlines()[1].split()
        assert thumb[0] == "thumb"
        assert int(thumb[1]) < 1500 < int(thumb[3])
        assert ended(hand)[0] == "DISARMED"


def test_the_servo_stands_still_200_ms_after_the_last_repeat_of_the_key(tmp_path):
    tap = HandTapReader(tmp_path / "tap")
    with simulated_hand(tmp_path, "--tap", tmp_path / "tap") as hand, armed(hand) as terminal:
        last_s = hold(terminal, LONGER, 1.0)
        poses = []
        while time.monotonic() < last_s + 1.5:
            if (look := tap.newest(TAP_S)) is not None:
                poses.append((time.monotonic(), look.applied_deg[0]))
    assert len(poses) > 20
    moving = [at_s for at_s, deg in poses if deg != poses[-1][1]]
    assert max(moving, default=last_s) - last_s <= MOTION_ENDS_S + 2 * TAP_S
    assert poses[-1][1] > 92, "the middle is 90°"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGQUIT])
def test_a_signal_in_mid_motion_leaves_the_pulses_off(tmp_path, number):
    with simulated_hand(tmp_path) as hand:
        with armed(hand) as terminal:
            hold(terminal, LONGER, 0.5)
            terminal.process.send_signal(number)
            said = terminal.read_to_the_end()
            assert terminal.process.wait(60) == (-number if number == signal.SIGINT else 128 + number)
        assert "The walk ended and the pulses are off." in said
        assert "Traceback" not in said
        assert ended(hand) == PULSES_OFF


def test_ctrl_c_is_one_of_them(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with armed(hand) as terminal:
            terminal.press(b"\x03")
            assert "the pulses are off" in terminal.read_to_the_end()
            assert terminal.process.wait(60) == -signal.SIGINT
        assert ended(hand) == PULSES_OFF


def test_a_terminal_that_is_gone_disarms_the_hand(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with armed(hand) as terminal:
            hold(terminal, LONGER, 0.3)
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, terminal.fileno())  # closes the terminal's side
            os.close(nothing)
            assert terminal.process.wait(60) in (1, 128 + signal.SIGHUP)
        assert ended(hand) == PULSES_OFF


def test_a_killed_command_leaves_the_servo_where_it_is_and_then_limp(tmp_path):
    tap = HandTapReader(tmp_path / "tap")
    with simulated_hand(tmp_path, "--tap", tmp_path / "tap") as hand:
        with armed(hand) as terminal:
            hold(terminal, LONGER, 0.5)
            terminal.process.kill()
            terminal.process.wait(60)
            time.sleep(0.5)
            held = seen_now(tap)
            assert held[0] > 90
            time.sleep(1.5)
            assert seen_now(tap) == held
        assert ended(hand) == ("RELAX", "relaxed")


@pytest.mark.parametrize("by", ["its key", "myobridge estop"])
def test_an_emergency_stop_is_obeyed_and_remembered(tmp_path, by):
    with simulated_hand(tmp_path) as hand:
        with armed(hand) as terminal:
            if by == "its key":
                terminal.press(b" ")
            else:
                assert "is remembered" in myobridge("estop", "--port", hand.port).stdout
            said = terminal.read_to_the_end()
            assert terminal.process.wait(60) == 1
        assert "The hand is in emergency stop and its pulses are off" in said
        assert f"`myobridge lift-estop --port {hand.port}`" in said
        assert EstopMemory(hand.port).said
        with in_terminal("servos", "--port", hand.port) as terminal:
            assert "is in force" in terminal.read_to_the_end()
        assert ended(hand)[0] == "ESTOP"


def test_a_terminal_that_only_prints_gets_lines_and_the_same_keys(tmp_path):
    with simulated_hand(tmp_path) as hand, in_terminal("servos", "--port", hand.port, "--plain") as terminal:
        terminal.read_until("keep clear")
        terminal.read_until("EMERGENCY STOP")
        terminal.press(b"a")
        terminal.read_until("Pulses are on.")
        terminal.press(b"+")
        terminal.read_until("The thumb gets 1505 µs.")
        terminal.press(b"q")
        terminal.read_to_the_end()
        assert terminal.process.wait(60) == 0
        assert "\x1b[H" not in terminal.raw


def test_beside_a_daemon_it_says_so_in_one_sentence(tmp_path):
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, "--model", "synth"):
        with feed_of(hand.port):
            for arguments in ((), ("--show",)):
                with in_terminal("servos", "--port", hand.port, *arguments) as terminal:
                    said = terminal.read_to_the_end()
                    assert terminal.process.wait(60) == 1
                assert "A myobridge daemon runs on" in said
                assert said.count("\n") == 1
            shown = myobridge("record", "--port", hand.port, "--follow", "--on-the-hand")
        assert shown.returncode == 1
        assert f"end it, then run `myobridge record --port {hand.port}` again." in shown.stderr


def test_a_second_host_does_not_get_the_port(tmp_path):
    with simulated_hand(tmp_path) as hand, armed(hand) as terminal:
        for other in (("servos", "--show"), ("run", "--model", "synth")):
            refused = myobridge(*other, "--port", hand.port)
            assert refused.returncode == 1
            assert "is in use by another program" in refused.stderr
        terminal.press(b"q")
        terminal.read_to_the_end()
        assert terminal.process.wait(60) == 0


def test_without_a_terminal_it_says_so_and_moves_nothing(tmp_path):
    with simulated_hand(tmp_path) as hand:
        refused = myobridge("servos", "--port", hand.port)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        assert "need a terminal" in refused.stderr
        assert ended(hand) == ("DISARMED", "power_on")
