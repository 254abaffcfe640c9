"""The real ELF at other sampling rates and channel counts than the usual: every sample there, exact, in time."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from sim_hand import SimHand, build_firmware, emg_sampling
from sim_host import SimHost, config
from sim_oversampling import measured

from myobridge.wire.messages import EmgFlag, Result

RATES = [  # board, channels, Hz, samples a frame
    ("mega2560", 8, 2000, 7),
    ("mega2560", 8, 1000, 5),
    ("mega2560", 4, 4000, 8),
    ("mega2560", 3, 1111, 1),
    ("mega2560", 1, 10_000, 50),
    ("mega2560", 1, 62, 1),
    ("uno", 5, 2000, 5),
    ("uno", 4, 4000, 15),
    ("uno", 2, 500, 60),
    ("uno", 1, 1000, 121),
]


OVERSAMPLED = [  # board, channels, Hz, samples a frame, conversions a sample
    ("mega2560", 4, 2000, 4, 2),
    ("mega2560", 8, 1000, 5, 2),
    ("mega2560", 4, 1000, 4, 4),
    ("mega2560", 1, 2000, 10, 4),
    ("uno", 4, 2000, 4, 2),
    ("uno", 5, 1500, 5, 2),
    ("uno", 2, 2000, 4, 4),
    ("uno", 1, 62, 1, 4),
]
TOO_MANY = [("mega2560", 4, 2000, 4), ("mega2560", 8, 2000, 2), ("uno", 4, 2000, 4), ("uno", 4, 4000, 2)]
"""Of these, the board makes one conversion a sample, and not so many."""


@pytest.mark.parametrize(
    ("board", "channels", "fs_hz", "n", "conversions"), [*((*rate, 1) for rate in RATES), *OVERSAMPLED]
)
def test_every_sample_arrives_exact_and_in_time(
    board: str, channels: int, fs_hz: int, n: int, conversions: int
) -> None:
    emg = np.random.default_rng(1).integers(-512, 512, (fs_hz, channels)).astype(np.int16)
    with SimHand(build_firmware(board), board, emg) as hand:
        host = SimHost(hand)
        host.run_ms(30)
        wanted = config(
            host.hello().tick_hz, fs_hz=fs_hz, channels=channels, samples_per_frame=n, oversampling=conversions
        )
        assert host.configure(wanted).result == Result.OK
        host.start()
        host.run_ms(600)
        stats = hand.stats()
    assert len(host.emg) >= 550 * fs_hz // 1000 // n - 1
    assert [frame.sample_index for frame in host.emg] == list(range(0, n * len(host.emg), n))
    assert not any(frame.flags & EmgFlag.ADC_OVERRUN for frame in host.emg)
    received = np.array([value for frame in host.emg for value in frame.samples]).reshape(-1, channels)
    assert np.array_equal(received, conversions * emg[: len(received)]), "a sample is the sum"
    assert max(channel["jitter_us"] for channel in emg_sampling(stats, board)) <= 1
    assert stats["adc"]["lost_results"] == stats["adc"]["ignored_triggers"] == 0


@pytest.mark.parametrize(("board", "channels", "fs_hz", "conversions"), TOO_MANY)
def test_more_conversions_than_there_is_time_for_are_refused(
    board: str, channels: int, fs_hz: int, conversions: int
) -> None:
    with SimHand(build_firmware(board), board) as hand:
        host = SimHost(hand)
        host.run_ms(30)
        rate = {"fs_hz": fs_hz, "channels": channels, "samples_per_frame": 15}
        tick_hz = host.hello().tick_hz
        for some, result in ((conversions, Result.BAD_OVERSAMPLING), (3, Result.BAD_OVERSAMPLING), (1, Result.OK)):
            assert host.configure(config(tick_hz, oversampling=some, **rate)).result == result


def test_four_conversions_halve_the_noise_of_one() -> None:
    one, four = (measured("uno", conversions, noise_steps=1)[0] for conversions in (1, 4))
    assert 0.48 < four / one < 0.52


@pytest.mark.parametrize("board", ["mega2560", "uno"])
def test_a_stream_that_begins_anew_begins_with_a_whole_sample(board: str) -> None:
    emg = np.full((4000, 4), 101, np.int16)
    with SimHand(build_firmware(board), board, emg) as hand:
        host = SimHost(hand)
        host.run_ms(30)
        assert host.configure(config(host.hello().tick_hz, fs_hz=1000, oversampling=4)).result == Result.OK
        for k in range(12):
            host.start()
            host.run_ms(30 + 0.17 * k)
            host.stop()
    assert {value for frame in host.emg for value in frame.samples} == {4 * 101}


@pytest.mark.parametrize(("board", "input_count"), [("mega2560", 8), ("uno", 5)])
def test_any_set_of_inputs_may_be_chosen(board: str, input_count: int) -> None:
    mask = 0b10101001 & ((1 << input_count) - 1)
    with SimHand(build_firmware(board), board) as hand:
        host = SimHost(hand)
        host.run_ms(30)
        wanted = replace(config(host.hello().tick_hz, fs_hz=1000), channel_mask=mask)
        assert host.configure(wanted).result == Result.OK
        host.start()
        host.run_ms(50)
        sampled = [channel["input"] for channel in emg_sampling(hand.stats(), board)]
    assert sampled == [i for i in range(input_count) if mask >> i & 1]
