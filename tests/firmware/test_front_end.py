"""A front end of 24 bits on SPI (ADS1299, ADS1298), in the RP2040's simulator with a chip made after the data sheet.

The simulator tells each value that the chip has converted; what reaches the host is compared with this truth.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray
from sim_hand import FIRMWARE, Kind, SimHand, build_firmware, ms, simulator_of
from sim_host import SimHost, config
from sim_measure import HOP_MS, boot_ms
from sim_moving import GRIP, last_pulse_end

from myobridge.wire.messages import STALL_MS, Capability, EmgFlag, Reason, ResetCause, Result, State

BOARD = "feather_ads"
CHANNELS = 8
STEPS = 8
"""Of the chip's in a count."""
MEAN_SHIFT_AT_16_KHZ = 11
COUNT_UV = 2 * 4.5e6 / 12 / 2**24 * STEPS
WRONG_CHIPS = ("none", "ads1299 0x3c", "ads1299 0x00", "ads1299 0xff", "ads1298 0xd2", "ads1299 stuck")
"""None, one of 4 channels, lines at 0 and at 1, an ADS1298R, and one whose registers cannot be written."""
PERIODS = 1.5
"""A sample that comes later than this many periods after the one before does not count."""


def test_the_chip_in_the_simulator_is_the_data_sheets() -> None:
    simulator_of(BOARD)
    command = ["node", "--test", FIRMWARE / "sim" / "rp2040" / "test_ads.js"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def emg(rows: int, seed: int = 1) -> NDArray[np.int16]:
    """EMG of up to 1.4 mV in counts."""
    return np.random.default_rng(seed).integers(-4000, 4000, (rows, CHANNELS)).astype(np.int16)


@contextmanager
def front_end(
    counts: NDArray[np.int16] | None = None, chip: str = "ads1299", offsets_mv: tuple[float, ...] = ()
) -> Iterator[SimHost]:
    """A host at a board that has just been switched on. offsets_mv: direct voltage of each channel's electrodes."""
    with SimHand(build_firmware(BOARD), BOARD, counts) as hand:
        hand.command(f"front-end {chip}")
        for channel, offset_mv in enumerate(offsets_mv):
            hand.command(f"offset {channel} {offset_mv}")
        hand.command("power-cycle")
        host = SimHost(hand)
        host.run_ms(boot_ms(BOARD))
        yield host


def sent(host: SimHost, channels: int = CHANNELS) -> NDArray[np.int64]:
    """Samples that the host got."""
    return np.array([value for frame in host.emg for value in frame.samples]).reshape(-1, channels)


def converted(host: SimHost, channels: int = CHANNELS) -> NDArray[np.int64]:
    """Values of 24 bits that the chip converted."""
    values = host.hand.events(Kind.SAMPLE)["value"].astype(np.int64)
    return values[: len(values) // channels * channels].reshape(-1, channels)


def centred(values: NDArray[np.int64], fs_hz: int) -> NDArray[np.int64]:
    """What the board makes of the chip's values: without their slow mean, in counts, within 16 bits."""
    shift = MEAN_SHIFT_AT_16_KHZ - (16_000 // fs_hz).bit_length() + 1
    sums, rows = values[0] << shift, []
    for row in values:
        beyond = row - (sums >> shift)
        sums = sums + beyond
        rows.append((beyond + STEPS // 2) // STEPS)
    return np.clip(np.array(rows), -(1 << 15), (1 << 15) - 1)


def assert_exact(host: SimHost, fs_hz: int, channels: int = CHANNELS) -> None:
    """Every sample that the chip gave has come, in order, and none is marked."""
    came, wanted = sent(host, channels), centred(converted(host, channels), fs_hz)
    assert np.array_equal(came, wanted[: len(came)])
    assert len(wanted) - len(came) <= 20 + fs_hz // 250, "what is under way"
    assert all(b.sample_index == a.sample_index + a.n for a, b in pairwise(host.emg))
    assert {frame.flags & ~EmgFlag.ARMED for frame in host.emg} == {0}
    assert host.status.tx_drops == 0


def assert_no_breach(host: SimHost) -> None:
    """The board has kept every time of the chip's data sheet."""
    assert host.hand.stats()["front_end"] == {"breaches": [], "spi_lost": 0}


# ---- sampling ----


def test_eight_channels_at_2_khz_come_exactly_while_the_hand_moves() -> None:
    with front_end(emg(4000), offsets_mv=(300, -300, 0.1, 5, -7, 150, -20, 40)) as host:
        ident = host.hello()
        assert (ident.max_channels, ident.adc_bits) == (CHANNELS, 16)
        assert ident.capabilities == Capability.BUTTON | Capability.LEAD_OFF
        host.stream_armed(channels=CHANNELS, samples_per_frame=10)
        host.hand.command("clear-stats")
        host.move(GRIP, 1000, HOP_MS)
        stats = host.hand.stats()
        assert_exact(host, 2000)
        assert_no_breach(host)
    print(f"{100 * stats['cpu_share']:.1f} % of the processor")
    assert len(sent(host)) > 1900
    assert {channel["jitter_us"] for channel in stats["sampling"]} == {0}
    assert stats["cpu_share"] <= 0.15
    assert host.status.state == State.ARMED


@pytest.mark.parametrize(
    ("fs_hz", "channels", "n"), [(16_000, 8, 15), (8000, 3, 40), (4000, 8, 8), (1000, 8, 5), (500, 2, 60), (250, 1, 1)]
)
def test_it_samples_at_every_rate_of_the_chip(fs_hz: int, channels: int, n: int) -> None:
    with front_end(emg(fs_hz), offsets_mv=(100,) * channels) as host:
        host.stream(fs_hz=fs_hz, channels=channels, samples_per_frame=n)
        host.run_ms(250)
        assert len(sent(host, channels)) > 0.2 * fs_hz - n
        assert_exact(host, fs_hz, channels)
        assert_no_breach(host)


@pytest.mark.parametrize("fs_hz", [125, 333, 1111, 3000, 20_000, 32_000])
def test_a_rate_that_the_chip_has_not_is_refused(fs_hz: int) -> None:
    with front_end() as host:
        wanted = config(host.hello().tick_hz, fs_hz=fs_hz, channels=1, samples_per_frame=10)
        assert host.configure(wanted).result == Result.BAD_PERIOD


def test_the_other_chip_is_known_by_its_id_and_gives_the_same_counts() -> None:
    with front_end(emg(2000), chip="ads1298") as host:
        host.stream(channels=CHANNELS, samples_per_frame=10)
        host.run_ms(250)
        assert_exact(host, 2000)
        assert_no_breach(host)
        assert host.idents[-1].message.capabilities & Capability.LEAD_OFF


def test_any_set_of_channels_may_be_chosen_and_started_anew() -> None:
    with front_end(emg(2000)) as host:
        for channels in (8, 2):
            before = len(host.emg)
            host.stream(channels=channels, samples_per_frame=10)
            host.run_ms(100)
            assert {len(frame.samples) for frame in host.emg[before:]} == {10 * channels}
            assert host.emg[before].sample_index == 0
            host.stop()
            host.run_ms(10)
        assert_no_breach(host)


def test_a_jump_of_an_electrodes_voltage_ends_at_the_ends_and_is_gone_in_half_a_second() -> None:
    with front_end(offsets_mv=(0,)) as host:
        host.stream(channels=1, samples_per_frame=10)
        host.hand.command("offset 0 300")
        host.run_ms(100)
        assert sent(host, 1).max() == (1 << 15) - 1
        host.run_ms(900)
        assert abs(sent(host, 1)[-1, 0]) * COUNT_UV < 1000
        host.run_ms(500)
        assert abs(sent(host, 1)[-1, 0]) * COUNT_UV < 10


# ---- electrodes ----


def test_an_electrode_that_falls_off_is_lead_off_within_a_tenth_of_a_second_and_on_again() -> None:
    with front_end(emg(4000)) as host:
        host.stream(channels=4)
        off = host.hand.cycle
        host.hand.command("lead 2 p off")
        host.run_ms(150)
        marked = [frame.cycle for frame in host.emg if frame.flags & EmgFlag.LEAD_OFF]
        assert 0 < ms(marked[0] - off) <= 100
        assert marked == [frame.cycle for frame in host.emg if frame.cycle >= marked[0]]
        on = host.hand.cycle
        host.hand.command("lead 2 p on")
        host.run_ms(50)
        assert ms(max(f.cycle for f in host.emg if f.flags & EmgFlag.LEAD_OFF) - on) <= 5


@pytest.mark.parametrize("side", ["p", "n"])
def test_each_electrode_has_its_own_bit(side: str) -> None:
    with front_end() as host:
        hello = host.hello()
        for channel in range(CHANNELS):
            asked = replace(config(hello.tick_hz, fs_hz=1000), channel_mask=1 << channel)
            assert host.configure(asked).result == Result.OK
            host.start()
            host.hand.command(f"lead {channel} {side} off")
            host.run_ms(100)
            assert host.emg[-1].flags == EmgFlag.LEAD_OFF, channel
            host.stop()


def test_an_electrode_of_a_channel_that_nobody_asked_for_may_be_off() -> None:
    with front_end() as host:
        host.hand.command("lead 7 p off")
        host.stream(channels=4)
        host.run_ms(150)
        assert {frame.flags for frame in host.emg} == {0}


# ---- a chip that fails ----


@pytest.mark.parametrize("chip", WRONG_CHIPS)
def test_without_a_chip_that_it_knows_the_board_says_so_stalls_and_never_hangs(chip: str) -> None:
    with front_end(chip=chip) as host:
        assert host.hello().capabilities == Capability.BUTTON
        assert host.configure(config(2_000_000, channels=8, samples_per_frame=5)).result == Result.OK
        host.start()
        host.run_ms(STALL_MS + 20)
        assert (host.status.state, host.status.reason) == (State.FAULT, Reason.SAMPLING_STALLED)
        assert host.arm().ack_result == Result.BLOCKED
        host.run_ms(boot_ms(BOARD) + 200)
        assert host.hello().reset_cause == ResetCause.WATCHDOG
        assert host.status.state == State.DISARMED and not host.emg


def assert_stalls(host: SimHost, fault: int) -> None:
    """In mid-grip: the pulses end, the board tells why, and it comes back by its watchdog."""
    host.move(GRIP, 100, HOP_MS)
    told = next(s for s in host.statuses if s.cycle > fault and s.message.state == State.FAULT)
    assert told.message.reason == Reason.SAMPLING_STALLED and ms(told.cycle - fault) <= STALL_MS + 5
    assert ms(last_pulse_end(host.hand) - fault) <= STALL_MS + 25
    host.run_ms(boot_ms(BOARD) + 100)
    assert host.hello().reset_cause == ResetCause.WATCHDOG


@pytest.mark.parametrize("what", ["adc stall", "front-end reset"])
def test_a_chip_that_falls_silent_or_resets_itself_in_mid_grip_ends_the_motion(what: str) -> None:
    with front_end(emg(8000)) as host:
        host.stream_armed(channels=8, samples_per_frame=5)
        host.move(GRIP, 500, HOP_MS)
        fault = host.hand.cycle
        host.hand.command(what)
        assert_stalls(host, fault)
        host.hand.command("adc go")
        host.hand.command("reset")
        host.run_ms(boot_ms(BOARD))
        host.stream_armed(channels=8, samples_per_frame=5)
        host.move(GRIP, 100, HOP_MS)
        assert host.status.state == State.ARMED


def test_a_conversion_that_is_missed_is_told_and_the_stream_goes_on() -> None:
    with front_end(emg(4000)) as host:
        host.stream(channels=8, samples_per_frame=5)
        before = host.hand.cycle
        host.hand.command("adc stall")
        host.run_ms(1.2 * PERIODS)
        host.hand.command("adc go")
        host.run_ms(100)
        assert sum(bool(frame.flags & EmgFlag.ADC_OVERRUN) for frame in host.emg if frame.cycle > before) == 1
        assert all(b.sample_index == a.sample_index + a.n for a, b in pairwise(host.emg))
        assert host.status.state == State.DISARMED
