"""The servo supply, the button and the LED on the real firmware."""

from __future__ import annotations

import pytest
from sim_hand import BOARDS, SUPPLY_INPUT
from sim_host import SimHost
from sim_measure import board_on
from sim_moving import GRIP, moving

from myobridge.wire.messages import SUPPLY_MIN_MV, Blocker, Button, Capability, EmgFlag, Reason, Result, State

FULL_SCALE_MV = 5000 * (33 + 10) / 10
"""At the ADC's end, by the divider of the wiring."""
BUTTON_PIN = {"mega2560": "E 4", "uno": "D 2"}
LED_PORT = {"mega2560": (0x34, 5), "uno": (0x2B, 4)}
"""Address in data memory, and bit."""
BOOT_MS = 150


def code_of(millivolts: float) -> int:
    return round(millivolts / FULL_SCALE_MV * 1024)


def supply(host: SimHost, board: str, millivolts: float) -> None:
    host.hand.command(f"analog {SUPPLY_INPUT[board]} {code_of(millivolts)}")


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
@pytest.mark.parametrize(("channels", "fs_hz", "n"), [(4, 4000, 8), (4, 2000, 4), (1, 10_000, 50), (1, 62, 1)])
def test_the_supply_is_measured_at_every_rate_that_the_board_takes(
    board: str, channels: int, fs_hz: int, n: int
) -> None:
    with board_on(board) as host:
        host.stream(channels=channels, fs_hz=fs_hz, samples_per_frame=n)
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
        host.hand.command(f"analog {SUPPLY_INPUT[board]} 1023")
        host.hand.command("reset")
        host.run_ms(BOOT_MS)
        host.hand.command(f"analog {SUPPLY_INPUT[board]} 100")
        host.stream_armed()
        assert host.status.supply_mv == 0
        assert host.idents[-1].message.capabilities == Capability.BUTTON


@pytest.mark.parametrize("board", BOARDS)
def test_the_button_is_read_debounced_and_moves_nothing(board: str) -> None:
    with board_on(board) as host:
        host.stream_armed()
        host.move(GRIP, 300)
        for level in (0, 1, 0, 1, 0):
            host.hand.command(f"pin {BUTTON_PIN[board]} {level}")
            host.move(GRIP, 5, 1)
        assert host.status.button == 0
        host.move(GRIP, 60)
        assert (host.status.button, host.status.button_presses) == (Button.PRESSED, 1)
        host.hand.command(f"pin {BUTTON_PIN[board]} 1")
        host.move(GRIP, 60)
        assert (host.status.button, host.status.button_presses, host.status.state) == (0, 1, State.ARMED)


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
