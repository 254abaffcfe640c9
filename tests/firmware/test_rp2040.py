"""The firmware's image for the RP2040 in its simulator (firmware/sim/rp2040): what the other boards do not have.

The tables of firmware/README.md have a column for it, which `sim_numbers.py` measures; here is the short form.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from sim_hand import FIRMWARE, Kind, SimHand, build_firmware, ms, simulator_of, us
from sim_host import SimHost, config
from sim_measure import HOP_MS, board_on, boot_ms, pulse_us, pulses, random_emg
from sim_moving import CLOSED, GRIP, held_after, last_byte_in, last_pulse_end, moving

from myobridge.simulator.board_folder import board_folder
from myobridge.simulator.limits import COPIES_AT, WIDE, eeprom_image
from myobridge.wire.messages import (
    SERVOS,
    Button,
    Capability,
    EmgFlag,
    LimitsState,
    Ping,
    ResetCause,
    Result,
    State,
    WriteLimits,
)

BOARD = "rp2040"
USB_BOARDS = ("rp2040", "feather", "xiao", "pico")
NARROW = replace(WIDE, pulse_0_us=(1000,) * SERVOS, pulse_180_us=(2000,) * SERVOS, digital=0)
RECORD_BYTES = 3 + WriteLimits.STRUCT.size + 4
FULL_SCALE_MV = 3300 * (33 + 10) / 10


def test_every_correction_of_the_simulator_is_the_data_sheets() -> None:
    simulator_of(BOARD)
    command = ["node", "--test", FIRMWARE / "sim" / "rp2040" / "test.js"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# ---- sampling and servos ----


@pytest.fixture(scope="module")
def worked() -> Iterator[tuple[SimHost, dict[str, object], np.ndarray]]:
    """An armed hand at ordinary work: 4 channels at 2 kHz, a setpoint every hop, two seconds."""
    emg = random_emg(8000, bits=14)
    with board_on(BOARD, emg) as host:
        host.stream_armed()
        host.move(GRIP, 1700, HOP_MS)
        host.hand.command("clear-stats")
        host.move(GRIP, 1000, HOP_MS)
        yield host, host.hand.stats(), emg


def test_it_samples_without_jitter_and_leaves_most_of_the_processor(worked) -> None:
    _, stats, _ = worked
    assert [channel["jitter_us"] for channel in stats["sampling"]] == [0, 0, 0, 0]
    assert stats["adc"]["lost_results"] == 0
    assert stats["cpu_share"] <= 0.15


def test_the_channels_of_a_sample_follow_one_another_within_8_us(worked) -> None:
    host, _, _ = worked
    held = host.hand.events(Kind.SAMPLE)[-400:]
    begins = held["cycle"][held["index"] == 0]
    for channel in range(1, 4):
        after_us = us(float(held["cycle"][held["index"] == channel][0]) - float(begins[0])) % 500
        assert after_us == pytest.approx(7.8125 * channel, abs=0.07)


def test_every_sample_is_the_exact_sum_of_its_conversions(worked) -> None:
    host, _, emg = worked
    came = np.array([value for frame in host.emg for value in frame.samples]).reshape(-1, 4)
    assert len(came) > 5000 and np.array_equal(came, emg[: len(came)])
    assert all(b.sample_index == a.sample_index + a.n for a, b in pairwise(host.emg))


def test_a_held_angle_is_the_same_pulse_each_time(worked) -> None:
    _, stats, _ = worked
    for servo in stats["servos"]:
        assert servo["width_max_cycles"] == servo["width_min_cycles"]
        assert us(servo["width_last_cycles"]) == pytest.approx(pulse_us(9000), abs=0.5)
        assert servo["period_max_cycles"] == servo["period_min_cycles"] == 320_000


def test_a_frame_is_with_the_host_half_a_millisecond_after_its_newest_sample(worked) -> None:
    host, _, _ = worked
    held = host.hand.events(Kind.SAMPLE)
    newest = held["cycle"][held["index"] == 3].astype(np.int64)
    waits = [ms(frame.cycle - int(newest[frame.sample_index + frame.n - 1])) for frame in host.emg]
    assert max(waits) <= 0.5


@pytest.mark.parametrize(("channels", "fs_hz", "n"), [(4, 4000, 8), (1, 10_000, 50), (3, 1111, 1), (1, 62, 1)])
def test_it_samples_at_other_rates(channels: int, fs_hz: int, n: int) -> None:
    emg = random_emg(fs_hz, channels, bits=14)
    with SimHand(build_firmware(BOARD), BOARD, emg) as hand:
        host = SimHost(hand)
        host.run_ms(boot_ms(BOARD))
        host.stream(fs_hz=fs_hz, channels=channels, samples_per_frame=n)
        host.run_ms(150)
        assert hand.stats()["adc"]["lost_results"] == 0
    came = np.array([value for frame in host.emg for value in frame.samples]).reshape(-1, channels)
    assert len(came) > 0.1 * fs_hz and np.array_equal(came, emg[: len(came)])


@pytest.mark.parametrize("oversampling", [1, 4, 10])
def test_fewer_conversions_make_the_same_sample_more_coarsely(oversampling: int) -> None:
    emg = random_emg(1000, bits=14)
    with board_on(BOARD, emg) as host:
        host.stream(oversampling=oversampling)
        host.run_ms(100)
    came = np.array([value for frame in host.emg for value in frame.samples]).reshape(-1, 4)
    assert np.abs(came - emg[: len(came)]).max() <= 4


def test_more_conversions_than_it_makes_are_refused() -> None:
    with board_on(BOARD) as host:
        assert host.configure(config(host.hello().tick_hz, oversampling=17)).result == Result.BAD_OVERSAMPLING


# ---- supply, button, LED ----


def test_the_supply_is_measured_where_the_strap_says_that_the_divider_is_fitted() -> None:
    folder = board_folder(BOARD)
    with board_on(BOARD) as host:
        assert host.hello().capabilities == Capability.BUTTON and host.status.supply_mv == 0
        host.hand.command(f"pin {folder.number('SUPPLY_STRAP_PIN')} 0")
        host.hand.command(f"analog {folder.number('SUPPLY_INPUT')} {round(6000 / FULL_SCALE_MV * 4096)}")
        host.hand.command("reset")
        host.run_ms(boot_ms(BOARD) + 200)
        assert host.hello().capabilities == Capability.BUTTON | Capability.SUPPLY_SENSE
        assert abs(host.status.supply_mv - 6000) < 40
        host.stream(channels=3)
        host.hand.command(f"analog {folder.number('SUPPLY_INPUT')} {round(7000 / FULL_SCALE_MV * 4096)}")
        host.run_ms(300)
        assert abs(host.status.supply_mv - 7000) < 40
        assert not any(frame.flags & EmgFlag.ADC_OVERRUN for frame in host.emg)


def test_button_and_led() -> None:
    folder = board_folder(BOARD)
    with board_on(BOARD) as host:
        host.stream_armed()
        host.move(GRIP, 50)
        assert host.hand.command(f"level {folder.number('LED_PIN')}") == b"1"
        host.hand.command(f"pin {folder.number('BUTTON_PIN')} 0")
        host.move(GRIP, 60)
        assert host.status.button & Button.PRESSED and host.status.button_presses == 1


# ---- limits in the flash ----


def test_limits_are_written_while_it_streams_and_hold_after_a_power_cycle() -> None:
    with board_on(BOARD, limits=None) as host:
        host.run_ms(300)  # the first start ever erases their place
        host.stream()
        assert host.status.limits_state == LimitsState.DEFAULTS
        since = len(host.emg)
        host.send(NARROW)
        host.run_ms(400)
        assert host.status.limits_state == LimitsState.STORED
        assert all(b.sample_index == a.sample_index + a.n for a, b in pairwise(host.emg[since:]))
        assert {frame.flags for frame in host.emg[since:]} == {0}
        host.hand.command("power-cycle")
        host.run_ms(boot_ms(BOARD))
        assert host.status.limits_state == LimitsState.STORED
        eeprom = host.hand.command("eeprom")
        assert eeprom[COPIES_AT[0] : 256] == eeprom_image(NARROW)[COPIES_AT[0] : 256]


@pytest.mark.parametrize("cut_ms", [1, 12, 33, 61])
def test_a_power_cut_while_they_are_written_leaves_the_old_limits_or_the_new(cut_ms: int) -> None:
    with board_on(BOARD) as host:
        host.hello()
        host.send(NARROW)
        host.run_ms(cut_ms)
        host.hand.command("power-cycle")
        host.run_ms(boot_ms(BOARD) + 200)
        assert host.status.limits_state == LimitsState.STORED
        eeprom = host.hand.command("eeprom")
        first, second = (eeprom[at : at + RECORD_BYTES] for at in COPIES_AT)
        assert first == second and first[3:-4] in (WIDE.pack(), NARROW.pack())


def test_their_place_in_the_flash_never_fills_up_over_the_starts() -> None:
    with board_on(BOARD) as host:
        host.hello()
        for number in range(50):
            host.send(NARROW if number % 2 == 0 else WIDE)
            host.run_ms(120)
            assert host.status.limits_state == LimitsState.STORED, number
            if number == 24:
                host.hand.command("power-cycle")
                host.run_ms(boot_ms(BOARD) + 300)
                host.hello()


# ---- USB ----


@contextmanager
def on_usb() -> Iterator[SimHost]:
    with board_on(BOARD) as host:
        yield host
        assert host.hand.stats()["usb"]["toggle_errors"] == 0


def test_unplugged_in_mid_grip_it_holds_relaxes_and_arms_only_anew() -> None:
    with moving(BOARD) as host:
        fault = last_byte_in(host)
        host.hand.command("usb unplug")
        host.run_ms(4000)
        ended = last_pulse_end(host.hand)
        host.hand.command("usb plug")
        host.run_ms(boot_ms(BOARD))
        assert host.hello().reset_cause == ResetCause.POWER_ON, "it went on"
        assert host.status.state == State.RELAX
        assert 2000 < ms(ended - fault) < 4000
        assert host.arm().ack_result == Result.BLOCKED
        host.disarm()
        assert host.arm().state == State.ARMED


def test_a_host_that_sleeps_finds_the_hand_held_or_relaxed_and_no_old_frames_in_the_way() -> None:
    with moving(BOARD) as host:
        fault = last_byte_in(host)
        host.hand.command("usb suspend")
        host.run_ms(1000)
        host.hand.command("usb resume")
        host.run_ms(150)
        assert host.status.state == State.HOLD and host.status.tx_drops > 0
        held = host.status.applied_cdeg
        host.move(held, 700)
        assert host.status.state == State.ARMED
        assert last_byte_in(host) > fault


def test_a_cleared_halt_begins_both_directions_anew() -> None:
    with on_usb() as host:
        host.stream_armed()
        host.move(GRIP, 100)
        host.hand.command("usb clear-halt")
        host.run_ms(2)
        since = len(host.emg)
        host.move(GRIP, 300)
        assert len(host.emg) - since > 100 and host.status.state == State.ARMED


def counted_after_a_crowd(before: int, clear_halt: bool) -> tuple[int, int, int]:
    """seq_gaps, crc_errors and length_errors after a packet has waited for room; `before` packets choose its toggle."""
    with on_usb() as host:
        host.stream()
        host.run_ms(50)
        for token in range(before):
            host.send(Ping(token))
            host.run_ms(5)
        host.hand.command("freeze loop")
        for token in range(28):
            host.send(Ping(token))
            host.run_ms(0.2)
        if clear_halt:
            host.hand.command("usb clear-halt")
        host.run_ms(5)
        host.hand.command("freeze none")
        for token in range(10):
            host.send(Ping(token))
            host.run_ms(2)
        host.run_ms(150)
        assert host.hand.stats()["reset_count"] == 1
        return host.status.seq_gaps, host.status.crc_errors, host.status.length_errors


@pytest.mark.parametrize("before", [0, 1])
def test_a_halt_that_is_cleared_while_a_packet_waits_for_room_loses_nothing(before: int) -> None:
    assert counted_after_a_crowd(before, clear_halt=True) == counted_after_a_crowd(before, clear_halt=False)


def test_a_request_that_comes_before_the_last_ones_end_is_handled_is_answered_in_order() -> None:
    with on_usb() as host:
        host.hand.command("usb late")
        host.hand.command("usb unplug")
        host.run_ms(50)
        host.hand.command("usb plug")
        host.run_ms(boot_ms(BOARD))
        host.stream()
        host.run_ms(50)
        assert len(host.emg) > 20


def test_a_port_that_is_opened_hears_nothing_old() -> None:
    with on_usb() as host:
        host.stream()
        host.hand.command("usb close")
        host.run_ms(500)
        before = host.hand.cycle
        host.hand.command("usb open")
        host.run_ms(150)
        came = [frame for frame in host.emg if frame.cycle > before]
        newest = host.status.sample_index
        assert len(came) > 20
        old = [frame for frame in came if newest - frame.sample_index > 2 * 160]
        assert len(old) <= 1, "the packet that waited"


def test_a_flood_over_usb_loses_no_byte_and_costs_no_status() -> None:
    with on_usb() as host:
        host.stream_armed()
        host.move(GRIP, 300)
        fault = last_byte_in(host)
        host.hand.send(np.random.default_rng(2).integers(0, 256, 150_000, dtype=np.uint8).tobytes())
        host.run_ms(500)
        assert abs(held_after(host, BOARD, fault) - 150) <= 10
        assert host.status.rx_overruns == 0 and host.hand.stats()["reset_count"] == 1
        gaps = np.diff([status.cycle for status in host.statuses if status.cycle > fault])
        assert ms(int(gaps.max())) <= 200


def test_opening_at_1200_baud_and_closing_starts_the_boot_loader_and_opens_the_hand() -> None:
    with moving(BOARD, steps_matter=False) as host:
        host.hand.command("touch")
        host.run_ms(200)
        assert host.hand.stats()["in_loader"]
        last_pulse_end(host.hand)  # no pin is high


def test_an_image_that_is_cut_short_does_not_start_and_shows_the_boot_loader(tmp_path: Path) -> None:
    image = build_firmware(BOARD).with_suffix(".bin").read_bytes()
    cut = tmp_path / "cut.bin"
    cut.write_bytes(image[:200])
    with SimHand(cut, BOARD) as hand:
        hand.run_ms(50)
        assert hand.stats()["in_loader"]


# ---- the other boards with this chip ----


@pytest.mark.parametrize("board", [*USB_BOARDS[1:], "pico_uart"])
def test_each_board_of_the_family_streams_arms_and_moves_its_own_pins(board: str) -> None:
    folder = board_folder(board)
    channels = folder.number("EMG_INPUTS")
    emg = random_emg(2000, channels, bits=14)
    with SimHand(build_firmware(board), board, emg) as hand:
        host = SimHost(hand)
        host.run_ms(boot_ms(board))
        host.stream(channels=channels)
        assert host.arm().state == State.ARMED
        host.move(CLOSED, 300)
        stats = hand.stats()
        ident = host.idents[-1].message
    assert (ident.board, ident.max_channels, ident.adc_bits) == (folder.facts["id"], channels, 14)
    assert [servo["pin"] for servo in stats["servos"]] == [f"GP{pin}" for pin in folder.servo_pins]
    assert all(len(pulses(hand, servo)[0]) > 10 for servo in range(SERVOS))
    came = np.array([value for frame in host.emg for value in frame.samples]).reshape(-1, channels)
    assert np.array_equal(came, emg[: len(came)])


def test_the_uf2_carries_the_image_and_says_for_which_chip(tmp_path: Path) -> None:
    build_firmware(BOARD)
    image = (FIRMWARE / "build" / BOARD / "firmware.bin").read_bytes()
    blocks = (FIRMWARE / "build" / BOARD / "firmware.uf2").read_bytes()
    assert len(blocks) % 512 == 0
    parts = [blocks[at + 32 : at + 288] for at in range(0, len(blocks), 512)]
    assert b"".join(parts)[: len(image)] == image
    raw = tmp_path / "raw"
    raw.write_bytes(image[:252] + bytes(4) + image[256:])
    made = [tmp_path / "bin", tmp_path / "uf2"]
    script = FIRMWARE / "src" / "boards" / "rp2" / "image.py"
    subprocess.run([sys.executable, script, raw, *made], check=True)
    assert [path.read_bytes() for path in made] == [image, blocks]


def test_the_tools_are_there() -> None:
    """Or every test of this file would fail for want of them, and none would say so."""
    assert shutil.which("arm-none-eabi-gcc") and shutil.which("node") and shutil.which("npm")
