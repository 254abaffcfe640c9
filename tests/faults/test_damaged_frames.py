"""A damaged line delivers no wrong sample and no wrong setpoint; the script itself does the long run."""

import damaged_frames
import numpy as np
import pytest
from damaged_frames import BURST_BYTES, FLIP_RATES, Downlink, Line, Uplink, measure

from myobridge.wire.frame import CRC_OF_GOOD_FRAME, FrameDecoder

DAMAGED = 4000


@pytest.mark.parametrize("flip_rate", FLIP_RATES)
@pytest.mark.parametrize("way", [Uplink, Downlink])
def test_no_wrong_content_passes_the_checks(way, flip_rate):
    tally = measure(way(seed=7), flip_rate, DAMAGED, seed=7)
    assert tally.damaged >= DAMAGED
    assert tally.wrong == 0, tally


def test_the_measurement_detects_a_missing_crc(monkeypatch):
    monkeypatch.setattr("myobridge.wire.frame.crc32", lambda _body: CRC_OF_GOOD_FRAME)
    for way in (Uplink, Downlink):
        tally = measure(way(seed=7), 1e-3, 500, seed=7)
        assert tally.past_crc > 10
        assert tally.wrong > 0, tally


def test_a_line_without_flips_still_drops_doubles_swaps_and_loses_bursts():
    frames = [bytes((k, 1, 0)) for k in range(256)] * 8
    data, damaged = Line(0.0, np.random.default_rng(1)).carry(frames)
    assert 3 * len(frames) - 20 * BURST_BYTES < len(data) < 3 * len(frames) * 1.02
    assert 0.01 * len(frames) < damaged < 0.5 * len(frames)


def test_a_line_without_faults_carries_everything(monkeypatch):
    for share in ("SHARE_DROPPED", "SHARE_DOUBLED", "SHARE_SWAPPED", "BURSTS_PER_FRAME"):
        monkeypatch.setattr(damaged_frames, share, 0.0)
    frames = [b"\x02\x01\x00"] * 100
    data, damaged = Line(0.0).carry(frames)
    assert (data, damaged) == (b"".join(frames), 0)
    assert FrameDecoder().feed(data) == []
