"""The servo supply, the button and the LED on the real firmware."""

from __future__ import annotations

import pytest
from sim_hand import BOARDS, Kind, SimHand, cycles_of_ms, ms
from sim_host import SimHost
from sim_measure import board_on
from sim_moving import GRIP, moving

from myobridge.simulator.board_folder import board_folder
from myobridge.wire.messages import (
    BUTTON_DEBOUNCE_MS,
    BUTTON_LONG_MS,
    RELAX_SLEW_CDEG_PER_S,
    SERVOS,
    SLEW_MAX_CDEG_PER_S,
    SUPPLY_MIN_MV,
    Blocker,
    Button,
    Capability,
    EmgFlag,
    Permission,
    Reason,
    Result,
    State,
)

FULL_SCALE_MV = 5000 * (33 + 10) / 10
"""At the ADC's end, by the divider of the wiring."""
LED_PORT = {"mega2560": (0x34, 5), "uno": (0x2B, 4)}
"""Address in data memory, and bit."""
BOOT_MS = 150


def code_of(millivolts: float) -> int:
    return round(millivolts / FULL_SCALE_MV * 1024)


def supply_input(board: str) -> int:
    return board_folder(board).number("SUPPLY_INPUT")


def supply(host: SimHost, board: str, millivolts: float) -> None:
    host.hand.command(f"analog {supply_input(board)} {code_of(millivolts)}")


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("millivolts", [4600, 6000, 8400])
def test_the_supply_is_measured_with_and_without_a_stream(board: str, millivolts: int) -> None:
    with board_on(board) as host:
        supply(host, board, millivolts)
        host.run_ms(400)
        assert abs(host.status.supply_mv - millivolts) < 40
        assert host.hello().capabilities == Capability.BUTTON | Capability.SUPPLY_SENSE
        supply(host, board, millivolts + 500)
        host.stream()
        host.run_ms(400)
        assert abs(host.status.supply_mv - millivolts - 500) < 40
        assert not any(frame.flags & EmgFlag.ADC_OVERRUN for frame in host.emg)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(
    ("channels", "fs_hz", "n", "oversampling"),
    [(4, 4000, 8, 1), (4, 2000, 4, 1), (1, 10_000, 50, 1), (1, 62, 1, 1), (4, 2000, 4, 2), (1, 2000, 4, 4)],
)
def test_the_supply_is_measured_at_every_rate_that_the_board_takes(
    board: str, channels: int, fs_hz: int, n: int, oversampling: int
) -> None:
    with board_on(board) as host:
        host.stream(channels=channels, fs_hz=fs_hz, samples_per_frame=n, oversampling=oversampling)
        supply(host, board, 7000)
        host.run_ms(1000)
        assert abs(host.status.supply_mv - 7000) < 40


@pytest.mark.parametrize("board", BOARDS)
def test_a_supply_that_dips_is_a_fault_and_blocks_arm_until_it_is_back(board: str) -> None:
    with moving(board) as host:
        fault = host.hand.cycle
        supply(host, board, SUPPLY_MIN_MV - 400)
        host.move(GRIP, 200)
        status = next(s for s in host.statuses if s.cycle > fault and s.message.state == State.FAULT)
        assert status.message.reason == Reason.SUPPLY_LOW
        assert (status.cycle - fault) / 16_000 < 150
        host.disarm()
        assert host.arm().ack_result == Result.BLOCKED
        assert host.status.blockers & Blocker.SUPPLY_LOW
        supply(host, board, 6000)
        host.run_ms(300)
        host.disarm()
        assert host.arm().state == State.ARMED


@pytest.mark.parametrize("board", BOARDS)
def test_a_supply_that_is_off_is_low_not_unknown(board: str) -> None:
    with board_on(board) as host:
        supply(host, board, 0)
        host.run_ms(500)
        assert 0 < host.status.supply_mv < 100
        assert host.status.blockers & Blocker.SUPPLY_LOW


@pytest.mark.parametrize("board", BOARDS)
def test_a_hand_without_the_divider_says_that_it_does_not_measure(board: str) -> None:
    with board_on(board) as host:
        host.hand.command(f"analog {supply_input(board)} 1023")
        host.hand.command("reset")
        host.run_ms(BOOT_MS)
        host.hand.command(f"analog {supply_input(board)} 100")
        host.stream_armed()
        assert host.status.supply_mv == 0
        assert host.idents[-1].message.capabilities == Capability.BUTTON


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("permission", [Permission.DECODER, Permission.GUIDE])
def test_a_press_ends_the_motion_in_the_firmware_although_the_host_goes_on(board: str, permission: Permission) -> None:
    with board_on(board) as host:
        host.stream()
        assert host.arm(permission).state == State.ARMED
        host.move(GRIP, 300)
        pressed = host.hand.cycle
        host.hand.press(True)
        host.move(GRIP, 60)
        status = next(s for s in host.statuses if s.cycle > pressed and s.message.state == State.DISARMED)
        assert status.message.reason == Reason.BUTTON_PRESSED
        assert ms(status.cycle - pressed) < BUTTON_DEBOUNCE_MS + 5
        assert last_pulse(host.hand) - pressed < cycles_of_ms(BUTTON_DEBOUNCE_MS + 25)
        assert host.status.button == Button.PRESSED | Button.SPENT
        assert host.arm(permission).ack_result == Result.BLOCKED
        host.hand.press(False)
        host.run_ms(60)
        assert (host.status.button, host.status.state) == (Button.SPENT, State.DISARMED)


def last_pulse(hand: SimHand) -> int:
    edges = hand.events(Kind.SERVO)
    return int(edges["cycle"][-1])


@pytest.mark.parametrize("board", BOARDS)
def test_interference_on_the_wire_of_the_button_disarms_nothing_and_asks_for_nothing(board: str) -> None:
    with board_on(board) as host:
        host.stream_armed()
        for pulse_ms in (1, 3, 9, 19, 1, 15, 2, 19, 5):
            host.hand.press(True)
            host.move(GRIP, pulse_ms, min(4, pulse_ms))
            host.hand.press(False)
            host.move(GRIP, 12, 4)
        assert (host.status.button, host.status.button_presses, host.status.state) == (0, 0, State.ARMED)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(("period_ms", "width_ms", "bound_ms"), [(20, 1, 30), (5, 1, 41), (3, 1, 69), (20, 5, 56)])
def test_glitches_disarm_nothing_and_a_press_amid_them_disarms_in_time(
    board: str, period_ms: int, width_ms: int, bound_ms: int
) -> None:
    with board_on(board) as host:
        host.stream_armed()
        for level in (True, False) * (300 // period_ms):
            host.hand.press(level)
            host.move(GRIP, width_ms if level else period_ms - width_ms, 1)
        assert (host.status.button, host.status.button_presses, host.status.state) == (0, 0, State.ARMED)
        pressed = host.hand.cycle
        for level in (False, True) * (80 // period_ms):
            host.hand.press(level)
            host.move(GRIP, period_ms - width_ms if level else width_ms, 1)
        status = next(s for s in host.statuses if s.cycle > pressed and s.message.state == State.DISARMED)
        assert status.message.reason == Reason.BUTTON_PRESSED
        assert ms(status.cycle - pressed) < bound_ms
        assert host.status.button_presses == 1


@pytest.mark.parametrize("board", BOARDS)
def test_a_press_that_bounces_is_one_press_of_its_whole_length(board: str) -> None:
    with board_on(board) as host:
        host.run_ms(50)
        for level, wait_ms in ((True, 2), (False, 3), (True, 1), (False, 1), (True, 1000), (False, 12), (True, 1100)):
            host.hand.press(level)
            host.run_ms(wait_ms)
        assert (host.status.button, host.status.button_presses) == (Button.PRESSED | Button.LONG, 1)
        for level in (False, True, False, True, False):
            host.hand.press(level)
            host.run_ms(4)
        host.run_ms(60)
        assert (host.status.button, host.status.button_presses, host.status.state) == (Button.LONG, 1, State.DISARMED)


@pytest.mark.parametrize("board", BOARDS)
def test_a_button_that_is_down_at_power_on_is_stuck_and_an_estop_stays_whatever_is_pressed(board: str) -> None:
    with board_on(board) as host:
        host.hand.press(True)
        host.hand.command("reset")
        host.run_ms(BOOT_MS + 100)
        assert host.status.button == Button.PRESSED | Button.STUCK | Button.SPENT
        host.hand.press(False)
        host.stream()
        host.estop()
        for held_ms in (200, BUTTON_LONG_MS + 100):
            host.hand.press(True)
            host.run_ms(held_ms)
            host.hand.press(False)
            host.run_ms(60)
            assert (host.status.state, host.status.reason) == (State.ESTOP, Reason.HOST_ESTOP)


@pytest.mark.parametrize("board", BOARDS)
def test_a_guide_is_slow_on_the_board_itself(board: str) -> None:
    with board_on(board) as host:
        host.stream(slew_cdeg_per_s=SLEW_MAX_CDEG_PER_S)
        assert host.arm(Permission.GUIDE).permission == Permission.GUIDE
        host.move((0,) * SERVOS, 200)
        before = host.status.applied_cdeg[0]
        host.move(GRIP, 500)
        moved = host.status.applied_cdeg[0] - before
        assert RELAX_SLEW_CDEG_PER_S * 0.3 < moved < RELAX_SLEW_CDEG_PER_S * 0.55


@pytest.mark.parametrize("board", BOARDS)
def test_the_led_is_on_while_armed_and_flashes_while_disarmed(board: str) -> None:
    address, bit = LED_PORT[board]

    def lit(host: SimHost, ms: int) -> float:
        levels = []
        for _ in range(ms // 16):
            host.move(GRIP, 16, 16) if host.status.state == State.ARMED else host.run_ms(16)
            levels.append(host.hand.command(f"peek {address} 1")[0] >> bit & 1)
        return sum(levels) / len(levels)

    with board_on(board) as host:
        host.run_ms(100)
        assert abs(lit(host, 2048) - 1 / 16) < 0.02
        host.stream_armed()
        host.move(GRIP, 50)
        assert lit(host, 320) == 1.0
