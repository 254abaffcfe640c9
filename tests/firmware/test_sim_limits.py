"""The servo limits in the real firmware's EEPROM: written at its real pace, through power cuts and an erasure."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from sim_hand import BOARDS, SimHand, build_firmware
from sim_host import SimHost
from sim_measure import board_on

from myobridge.simulator.limits import COPIES_AT, EEPROM_BYTES, WIDE, eeprom_image
from myobridge.wire.messages import SERVO_PERIOD_MAX_US, SERVOS, Blocker, LimitsState, Result, State, WriteLimits

NARROW = replace(WIDE, pulse_0_us=(1000,) * SERVOS, pulse_180_us=(2000,) * SERVOS, digital=0)
WRITING_MS = 400
BOOT_MS = 150
"""To the first STATUS."""
LIMITS_AT = COPIES_AT[0]
RECORD_BYTES = 3 + WriteLimits.STRUCT.size + 4


def stored(host: SimHost) -> bytes:
    return host.hand.command("eeprom")[LIMITS_AT:EEPROM_BYTES]


@pytest.mark.parametrize("board", BOARDS)
def test_a_blank_board_streams_and_arms_only_within_the_defaults(board: str) -> None:
    with board_on(board, limits=None) as host:
        host.stream()
        assert (host.status.limits_state, host.status.blockers) == (LimitsState.DEFAULTS, Blocker.BEYOND_LIMITS)
        assert host.arm().ack_result == Result.BLOCKED
        host.stop()
        host.stream_armed(pulse_0_us=1000, pulse_180_us=2000)


@pytest.mark.parametrize("board", BOARDS)
def test_limits_are_written_while_it_streams_and_hold_after_a_power_cycle(board: str) -> None:
    with board_on(board, limits=None) as host:
        host.stream()
        since, first = len(host.emg), host.emg[-1]
        host.send(NARROW)
        host.run_ms(WRITING_MS)
        assert host.status.limits_state == LimitsState.STORED
        frames = [first, *host.emg[since:]]
        assert all(b.sample_index - a.sample_index == a.n for a, b in zip(frames, frames[1:], strict=False))
        assert {frame.flags for frame in frames} == {0}
        assert max(status.message.max_loop_us for status in host.statuses) < 2000
        host.hand.command("power-cycle")
        host.run_ms(BOOT_MS)
        assert stored(host) == eeprom_image(NARROW)[LIMITS_AT:]
        assert host.status.limits_state == LimitsState.STORED


@pytest.mark.parametrize("board", BOARDS)
def test_a_power_cut_while_they_are_written_leaves_the_old_limits_or_the_new(board: str) -> None:
    for cut_ms in (1, 5, 20, 33, 60, 75, 110):
        with board_on(board) as host:
            host.hello()
            host.send(NARROW)
            host.run_ms(cut_ms)
            host.hand.command("power-cycle")
            host.run_ms(WRITING_MS)
            assert host.status.limits_state == LimitsState.STORED
            eeprom = host.hand.command("eeprom")
            first, second = (eeprom[at : at + RECORD_BYTES] for at in COPIES_AT)
            assert first == second
            assert first[3:-4] in (WIDE.pack(), NARROW.pack()), cut_ms
            host.stream(pulse_0_us=1000, pulse_180_us=2000)
            assert host.arm().state == State.ARMED


@pytest.mark.parametrize("board", BOARDS)
def test_a_chip_erase_by_a_programmer_takes_the_limits_along_and_the_defaults_hold(board: str) -> None:
    """Unless the fuse EESAVE keeps the EEPROM; Arduino's boards come without."""
    with board_on(board) as host:
        host.hello()
        assert host.status.limits_state == LimitsState.STORED
        host.hand.command(f"burn 0 {'ff' * EEPROM_BYTES}")
        host.hand.command("reset")
        host.run_ms(BOOT_MS)
        assert host.status.limits_state == LimitsState.DEFAULTS
        host.stream()
        assert host.status.blockers == Blocker.BEYOND_LIMITS


@pytest.mark.parametrize("board", BOARDS)
def test_servos_that_are_not_marked_digital_are_not_pulsed_above_50_hz(board: str) -> None:
    with SimHand(build_firmware(board), board, limits=replace(WIDE, digital=0b11110)) as hand:
        host = SimHost(hand)
        host.run_ms(50)
        host.stream(servo_period_us=SERVO_PERIOD_MAX_US - 1)
        assert host.status.blockers == Blocker.BEYOND_LIMITS
