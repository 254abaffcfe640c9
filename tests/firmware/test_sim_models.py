"""The simulator's own models against the datasheet, with a small program of their own (firmware/sim/selftest).

What the firmware's tests rest on, so it is proven apart from the firmware.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from sim_hand import BOARDS, BYTE_CYCLES, Kind, SimHand, build_selftest, cycles_of_ms
from sim_measure import pulses

CONVERSION_CYCLES = 2000  # the program's own
POWER_ON, EXTERNAL, WATCHDOG = 1, 2, 8  # bits of MCUSR


@pytest.fixture(params=BOARDS)
def hand(request: pytest.FixtureRequest) -> Iterator[SimHand]:
    ramp = np.arange(-512, 512, dtype=np.int16).repeat(2).reshape(-1, 2)
    with SimHand(build_selftest(request.param), request.param, ramp) as hand:
        hand.run_ms(2)
        yield hand


def sent_bytes(hand: SimHand, since: int = 0) -> bytes:
    return hand.events(Kind.TX, since)["value"].astype(np.uint8).tobytes()


def test_a_byte_takes_ten_bits_on_the_line_in_both_directions(hand: SimHand) -> None:
    started = hand.cycle
    hand.send(b"xyz")
    hand.run_ms(1)
    arrived = hand.events(Kind.RX)["cycle"]
    assert list(arrived - started) == [BYTE_CYCLES, 2 * BYTE_CYCLES, 3 * BYTE_CYCLES]
    assert sent_bytes(hand) == b"xyz"
    assert np.diff(hand.events(Kind.TX)["cycle"]).min() >= BYTE_CYCLES


def test_bytes_beyond_two_unread_ones_are_lost_and_counted(hand: SimHand) -> None:
    hand.send(b"b")  # deaf for a millisecond
    hand.run_ms(0.1)
    hand.send(b"12345")
    hand.run_ms(2)
    assert hand.events(Kind.RX_LOST)["value"].astype(np.uint8).tobytes() == b"345"
    assert hand.stats()["uart"]["rx_lost"] == 3
    assert sent_bytes(hand) == b"b12"


def test_an_interrupt_is_taken_between_sei_sleep_and_cli(hand: SimHand) -> None:
    for k in range(CONVERSION_CYCLES):  # at some of these phases, just before SEI
        hand.send(b"x", hand.cycle + k)
        hand.run_ms(0.125)
    hand.run_ms(1)
    assert len(hand.events(Kind.TX)) == CONVERSION_CYCLES


def test_bytes_go_out_not_before_their_cycle(hand: SimHand) -> None:
    at = hand.cycle + cycles_of_ms(5)
    hand.send(b"x", at)
    hand.run_ms(10)
    assert hand.events(Kind.RX)["cycle"][0] == at + BYTE_CYCLES


def test_conversions_started_by_a_timer_have_no_jitter_and_see_each_row_once(hand: SimHand) -> None:
    hand.run_ms(50)
    samples = hand.events(Kind.SAMPLE)[2:]  # the converter's first conversion takes longer
    assert set(np.diff(samples["cycle"])) == {CONVERSION_CYCLES}
    for channel in (0, 1):
        codes = samples[samples["index"] == channel]["value"]
        assert list(codes) == list(range(codes[0], codes[0] + len(codes)))


def test_a_trigger_flag_that_nobody_clears_starts_one_conversion_only(hand: SimHand) -> None:
    hand.send(b"f")
    hand.run_ms(1)
    since = hand.cycle
    hand.run_ms(10)
    assert len(hand.events(Kind.SAMPLE, since)) == 0


def test_writing_a_flag_register_clears_only_the_flags_written(hand: SimHand) -> None:
    hand.send(b"f")  # leave compare A's flag standing
    hand.run_ms(1)
    hand.send(b"t")
    hand.run_ms(1)
    compare_a_flag = 0x02
    assert sent_bytes(hand)[-1] & compare_a_flag


def test_a_new_pulse_width_waits_for_the_next_period() -> None:
    with SimHand(build_selftest("mega2560"), "mega2560") as hand:
        hand.run_ms(20.5)  # within the second pulse
        hand.send(b"p")
        hand.run_ms(60)
        widths = np.diff(hand.events(Kind.SERVO)["cycle"])[::2]
    assert list(widths) == [24000, 24000, 32000, 32000]  # 1.5 ms, 2 ms


def test_a_period_begins_with_the_new_pulse_width_whatever_the_cpu_does_at_that_moment() -> None:
    period = cycles_of_ms(20)
    with SimHand(build_selftest("mega2560"), "mega2560") as hand:
        hand.run_ms(1)
        start = int(hand.events(Kind.SERVO)["cycle"][0])
        for k in range(20):  # an interrupt, at each phase to the overflow
            overflow = start + 2 * (k + 1) * period
            hand.send(b"n", overflow - period - cycles_of_ms(5))
            hand.send(b"p", overflow - cycles_of_ms(5))
            hand.send(b"x", overflow - k - BYTE_CYCLES)
            hand.run_ms(40)
        hand.run_ms(10)
        rises, widths = pulses(hand, servo=0)
    assert set(np.diff(rises)) == {period}
    assert list(widths[1:]) == [8, 32000] * 20


def test_a_disconnected_pin_falls_at_once() -> None:
    with SimHand(build_selftest("mega2560"), "mega2560") as hand:
        hand.run_ms(20.5)
        hand.send(b"o")
        hand.run_ms(60)
        widths = np.diff(hand.events(Kind.SERVO)["cycle"])[::2]
    assert len(widths) == 2 and widths[0] == 24000 and 8000 < widths[1] < 10000


def test_edges_that_software_makes_are_seen() -> None:
    with SimHand(build_selftest("uno"), "uno") as hand:
        for command in (b"p", b"o"):
            hand.run_ms(2)
            hand.send(command)
        hand.run_ms(2)
        edges = hand.events(Kind.SERVO)
    assert list(edges["value"]) == [1, 0] and list(edges["index"]) == [0, 0]


def test_a_hung_program_is_reset_by_the_watchdog(hand: SimHand) -> None:
    hand.send(b"h")
    hand.run_ms(30)
    resets = hand.stats()["resets"]
    assert [reset["mcusr"] for reset in resets[:2]] == [POWER_ON, POWER_ON | WATCHDOG]
    assert 14 <= (resets[1]["cycle"] - cycles_of_ms(2)) / 16000 <= 18


def test_each_reset_adds_its_cause_until_software_or_a_power_on_clears_them(hand: SimHand) -> None:
    hand.command("reset")
    hand.run_ms(1)
    hand.command("power-cycle")
    hand.run_ms(1)
    assert [reset["mcusr"] for reset in hand.stats()["resets"]] == [POWER_ON, POWER_ON | EXTERNAL, POWER_ON]


def test_a_frozen_loop_still_takes_interrupts_and_a_frozen_cpu_does_not(hand: SimHand) -> None:
    hand.command("freeze loop")
    hand.send(b"x")
    hand.run_ms(1)
    assert sent_bytes(hand) == b"x"
    hand.command("freeze all")
    hand.send(b"y")
    hand.run_ms(1)
    assert sent_bytes(hand) == b"x"


def test_a_stalled_converter_gives_no_samples_until_it_goes_on(hand: SimHand) -> None:
    hand.command("adc stall")
    hand.run_ms(1)
    since = hand.cycle
    hand.run_ms(10)
    assert len(hand.events(Kind.SAMPLE, since)) == 0
    hand.command("adc go")
    hand.run_ms(10)
    assert len(hand.events(Kind.SAMPLE, since)) > 70


def test_time_asleep_is_not_counted_as_work(hand: SimHand) -> None:
    hand.command("clear-stats")
    hand.run_ms(100)
    assert 0.01 < hand.stats()["cpu_share"] < 0.06  # 8000 short interrupts a second and nothing else
