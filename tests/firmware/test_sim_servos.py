"""`myobridge servos` on the flashed firmware, behind the boot loader that the board is sold with, in simulated time."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from sim_builder import Builder, board_to_build, still
from sim_hand import BOARDS, FIRMWARE

from myobridge.calibration.servos.board import RELAX_MS, Board
from myobridge.calibration.servos.guide import STEP_US
from myobridge.calibration.servos.keys import Key, TerminalLost
from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.errors import UserError
from myobridge.settings import Settings
from myobridge.simulator.limits import DEFAULTS, WIDE
from myobridge.wire.messages import SERVOS, LimitsState, WriteLimits

MOTION_ENDS_S = 0.2
PULSE_ERROR_US = 8.0
"""Of the uno's pulses, which follow one another; the last measured spread is 7 us."""


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return str(tmp_path / "the port")


def held(board: Board) -> WriteLimits:
    limits = board.held
    return WriteLimits(
        limits.servo_min_cdeg, limits.servo_max_cdeg, limits.pulse_0_us, limits.pulse_180_us, limits.digital
    )


@pytest.mark.parametrize("board", BOARDS)
def test_a_held_key_moves_one_servo_beyond_the_defaults_and_the_motion_ends_200_ms_after_the_key(
    board: str, name: str
) -> None:
    with board_to_build(board, None) as port:
        builder = Builder(port).press(Key.ARM, Key.NEXT).hold(Key.LONGER, 5.8).wait(0.5).press(Key.LEAVE)
        builder.walk(name)
        moved, others = port.pulses(1), [port.pulses(i) for i in range(SERVOS) if i != 1]
        last_key_s = max(at_s for at_s, key in builder.pressed if key is Key.LONGER)
    assert moved[0][1] == pytest.approx(1500, abs=PULSE_ERROR_US)
    assert moved[-1][1] > 2050, "the narrow defaults end at 2000 us"
    assert still(moved) - last_key_s <= MOTION_ENDS_S
    for pulses in others:
        assert max(abs(us - 1500) for _, us in pulses) < PULSE_ERROR_US


@pytest.mark.parametrize("board", ["uno"])
def test_a_press_is_one_step(board: str, name: str) -> None:
    with board_to_build(board, None) as port:
        Builder(port).press(Key.ARM, Key.SHORTER, Key.SHORTER, Key.SHORTER).wait(0.5).press(Key.LEAVE).walk(name)
        widths = [us for _, us in port.pulses(0)]
    assert widths[-1] == pytest.approx(1500 - 3 * STEP_US, abs=PULSE_ERROR_US)


@pytest.mark.parametrize("board", BOARDS)
def test_a_lost_terminal_disarms_the_hand_in_mid_motion(board: str, name: str) -> None:
    with board_to_build(board, None) as port:
        builder = Builder(port).press(Key.ARM).hold(Key.LONGER, 1.0).ends_by(TerminalLost)
        with pytest.raises(UserError, match="The terminal is gone, so the hand was disarmed"):
            builder.walk(name)
        gone_s = port.now_s
        port.sleep(2)
        assert port.pulses(0)[-1][0] < gone_s


@pytest.mark.parametrize("board", BOARDS)
def test_a_host_that_stands_still_lets_the_servo_stand_still_and_then_go_limp(
    board: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP, a crash, a pulled cable: the board alone ends it, and it moves to no pose by itself."""
    monkeypatch.setattr(Board, "close", lambda _board: True)  # nobody says goodbye
    with board_to_build(board, WIDE) as port:
        with pytest.raises(ZeroDivisionError):
            Builder(port).press(Key.ARM).hold(Key.LONGER, 2.0).ends_by(ZeroDivisionError).walk(name)
        stopped_s = port.now_s
        port.sleep(2)
        pulses = port.pulses(0)
    assert pulses[-1][0] - stopped_s <= RELAX_MS / 1000 + 0.05
    assert still(pulses) - stopped_s <= MOTION_ENDS_S


@pytest.mark.parametrize("board", ["mega2560"])
def test_estop_ends_the_pulses_and_is_remembered_until_a_person_lifts_it(board: str, name: str) -> None:
    with board_to_build(board, None) as port:
        builder = Builder(port).press(Key.ARM).hold(Key.LONGER, 0.5).press(Key.ESTOP)
        with pytest.raises(UserError, match="The hand is in emergency stop and its pulses are off"):
            builder.walk(name)
        pressed_s = builder.pressed[-1][0]
        port.sleep(1)
        assert port.pulses(0)[-1][0] - pressed_s < 0.05
        assert EstopMemory(name).said
        with pytest.raises(UserError, match="lift the stop"):
            Builder(port).press(Key.ARM).walk(name)
        assert port.pulses(0)[-1][0] - pressed_s < 0.05


@pytest.mark.parametrize("board", ["mega2560"])
def test_the_ends_of_a_reversed_servo_are_stored_read_back_and_there_after_a_power_cycle(board: str, name: str) -> None:
    with board_to_build(board, None) as port:
        builder = Builder(port).press(Key.ARM).hold(Key.LONGER, 1.0).wait(0.3).press(Key.OPEN)
        builder.hold(Key.SHORTER, 2.0).wait(0.3).press(Key.CLOSED, Key.DIGITAL, Key.SAVE).wait(1.0).press(Key.LEAVE)
        walked = builder.walk(name)
        stored = held(walked)
        assert "Saved in the board and read back." in builder.said
        port.hand.command("power-cycle")
        again = Board(name, Settings())
        assert (again.held.state, held(again)) == (LimitsState.STORED, stored)
    assert stored.pulse_0_us[0] > 1550
    assert stored.pulse_180_us[0] < 1450
    assert stored.pulse_0_us[1:] == DEFAULTS.pulse_0_us[1:]
    assert stored.digital == 1


@pytest.mark.parametrize("cut_ms", [2, 30, 120, 200])
def test_a_power_cut_while_they_are_stored_leaves_the_old_limits_or_the_new(cut_ms: int, name: str) -> None:
    old = replace(WIDE, pulse_0_us=(1400,) * SERVOS, pulse_180_us=(1600,) * SERVOS)
    with board_to_build("mega2560", old) as port:
        builder = Builder(port).press(Key.ARM).hold(Key.LONGER, 0.7).wait(0.3).press(Key.CLOSED)
        builder.hold(Key.SHORTER, 1.5).wait(0.3).press(Key.OPEN).press(Key.SAVE)
        save = Board.save

        def cut(self: Board, limits: WriteLimits) -> None:
            port.at.append((port.now_s + 0.02 + cut_ms / 1000, lambda: port.hand.command("power-cycle")))
            new.append(limits)
            save(self, limits)

        new: list[WriteLimits] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Board, "save", cut)
            with pytest.raises(UserError):
                builder.walk(name)
        port.sleep(1)
        assert held(Board(name, Settings())) in (old, *new)


def test_the_promises_of_this_file_are_in_safety_md() -> None:
    text = (FIRMWARE / "SAFETY.md").read_text(encoding="utf-8")
    for test in (
        test_a_held_key_moves_one_servo_beyond_the_defaults_and_the_motion_ends_200_ms_after_the_key,
        test_a_lost_terminal_disarms_the_hand_in_mid_motion,
        test_a_host_that_stands_still_lets_the_servo_stand_still_and_then_go_limp,
    ):
        assert test.__name__ in text
