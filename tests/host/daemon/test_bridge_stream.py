"""From the samples of a stream to EMG frames: counts, gaps, numbers."""

import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myobridge.daemon.bridge.frames import Framer
from myobridge.daemon.bridge.gaps import CounterGaps, StampGaps
from myobridge.daemon.bridge.reader import Reader
from myobridge.daemon.bridge.scale import Scale, scale_of
from myobridge.daemon.bridge.stream import Block, Stream, open_source
from myobridge.errors import UserError

FS_HZ = 200.0
COUNTS = Scale(16, 1.0)


def block(values, lost=None, taken_s=None):
    values = np.asarray(values)
    n = len(values)
    taken_s = np.arange(n) / FS_HZ if taken_s is None else taken_s
    return Block(values, taken_s, np.zeros(n, np.int64) if lost is None else np.asarray(lost, np.int64), 1.0)


def numbered(first, n, channels=2):
    """Samples whose channel 0 is their number."""
    values = np.zeros((n, channels))
    values[:, 0] = np.arange(first, first + n)
    return values


def decoded(frames, channels):
    return [(frame.first, np.frombuffer(frame.samples, "<i2").reshape(-1, channels)) for frame in frames]


# --- time stamps ------------------------------------------------------------------------------------------


class Amplifier:
    """A stream whose blocks have these time stamps."""

    stream = Stream(2, FS_HZ, "uV", None)

    def __init__(self, *stamps):
        self.stamps = list(stamps)

    def read(self, most, timeout_s):
        if not self.stamps:
            time.sleep(0.01)
            return None
        return block(numbered(0, 1), taken_s=np.array([self.stamps.pop(0)]))

    def close(self):
        """Nothing to leave."""


@pytest.mark.parametrize(
    ("stamp", "said"),
    [(np.nan, "are not numbers"), (np.inf, "are not numbers"), (1e300, "lie 1e\\+300 s in the future")],
)
def test_stamps_that_prove_nothing_are_told_and_their_samples_left_out(stamp, said):
    told, taken = [], []
    reader = Reader(Amplifier(stamp, 0.9), Amplifier, told.append)
    reader.start(lambda: 1, taken.append)
    until_s = time.monotonic() + 60
    while not taken and time.monotonic() < until_s:
        time.sleep(0.01)
    reader.close()
    assert [found.taken_s[0] for found in taken] == [0.9]
    assert told[1] == "The stream sends samples in time again."
    assert re.search(said, told[0])


# --- counts -----------------------------------------------------------------------------------------------


def test_a_microvolt_is_a_count_whatever_unit_the_stream_names():
    for unit, value in (("uV", 100.0), ("microvolts", 100.0), ("µV", 100.0), ("mV", 0.1), ("V", 1e-4)):
        counts, _ = scale_of(Stream(1, FS_HZ, unit, None), "lsl:x", None).counts(np.array([[value], [-value]]))
        assert counts.tolist() == [[100], [-100]], unit


def test_small_integers_keep_their_values_and_their_span():
    assert scale_of(Stream(8, FS_HZ, "", 8), "lsl:Myo", None) == Scale(8, 1.0)
    counts, lead_off = Scale(8, 1.0).counts(np.array([[-128, 127]], np.int8))
    assert counts.tolist() == [[-128, 127]]
    assert not lead_off


def test_the_range_of_the_amplifier_becomes_the_ends_of_the_span_where_clipping_is_seen():
    scale = scale_of(Stream(1, FS_HZ, "", None), "lsl:x", 2.5)
    counts, _ = scale.counts(np.array([[2.5], [-2.5], [9.0], [-9.0], [np.inf]]))
    assert counts[:, 0].tolist() == [32767, -32767, 32767, -32768, 32767]


def test_a_value_that_is_not_a_number_is_an_electrode_that_is_off():
    counts, lead_off = COUNTS.counts(np.array([[1.0, np.nan], [2.0, 3.0]]))
    assert lead_off
    assert counts.tolist() == [[1, 0], [2, 3]]


@pytest.mark.parametrize(("unit", "words"), [("", "does not name a unit"), ("furlongs", "'furlongs'")])
def test_without_a_unit_the_range_is_asked_for(unit, words):
    with pytest.raises(UserError, match=words) as error:
        scale_of(Stream(1, FS_HZ, unit, None), "lsl:x", None)
    assert "--range" in str(error.value)


@pytest.mark.parametrize("address", ["", "lsl", "lsl:", "serial:/dev/ttyACM0", "brainflow:"])
def test_an_address_of_no_kind_is_refused(address):
    with pytest.raises(UserError, match="does not name a stream"):
        open_source(address)


# --- gaps -------------------------------------------------------------------------------------------------


def stamped(stamps_s, fs_hz=FS_HZ, at_once=7):
    """Lost samples before each sample, found in blocks of `at_once`."""
    gaps = StampGaps(fs_hz)
    return np.concatenate([gaps.lost(stamps_s[i : i + at_once]) for i in range(0, len(stamps_s), at_once)])


@pytest.mark.parametrize("missing", [1, 2, 10, 500])
def test_a_hole_in_steady_stamps_is_counted_to_the_sample(missing):
    number = np.arange(2000)
    number[1500:] += missing
    lost = stamped(number / FS_HZ)
    assert lost[1500] == missing
    assert lost.sum() == missing


def test_stamps_that_jitter_lose_nothing():
    rng = np.random.default_rng(1)
    stamps_s = np.arange(4000) / FS_HZ + np.repeat(rng.uniform(0, 0.03, 500), 8)
    assert stamped(stamps_s, at_once=8).sum() == 0


def test_a_bunch_of_samples_with_one_stamp_loses_nothing():
    assert stamped(np.floor(np.arange(4000) / 10) * 10 / FS_HZ).sum() == 0


def test_a_long_hole_counts_among_jitter_too():
    rng = np.random.default_rng(1)
    stamps_s = np.arange(4000) / FS_HZ + np.repeat(rng.uniform(0, 0.03, 500), 8)
    stamps_s[3000:] += 1.0
    assert abs(stamped(stamps_s, at_once=8).sum() - 200) <= 8


def test_stamps_that_go_back_lose_nothing_and_later_holes_are_found():
    stamps_s = np.arange(3000) / FS_HZ
    stamps_s[1000:] -= 4.0
    stamps_s[2500:] += 0.5
    lost = stamped(stamps_s)
    assert (lost.sum(), lost[2500]) == (100, 100)


def test_a_counter_that_wraps_tells_the_lost_samples():
    gaps = CounterGaps()
    assert gaps.lost(np.array([253.0, 254.0, 0.0])).tolist() == [0, 0, 1]
    assert gaps.lost(np.array([1.0, 6.0])).tolist() == [0, 4]
    assert gaps.lost(np.array([6.0, 7.0])).tolist() == [0, 0], "two samples of one package"
    assert gaps.lost(np.array([200.0, 101.0])).tolist()[1] == 0, "a counter that wraps elsewhere"


# --- frames -----------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from([0, 0, 0, 1, 4, 5, 23])), max_size=30), st.integers(1, 7))
def test_frames_hold_the_samples_of_their_numbers_however_the_stream_is_cut_and_torn(pieces, length):
    framer, number, seen = Framer([0, 1], length, COUNTS), 0, []
    for n, lost in pieces:
        number += lost
        seen += framer.push(block(numbered(number, n), [lost] + [0] * (n - 1)))
        number += n
        assert 1 <= framer.missing <= length
    for first, counts in decoded(seen, 2):
        assert first % length == 0
        assert counts[:, 0].tolist() == list(range(first, first + length))
    firsts = [frame.first for frame in seen]
    assert firsts == sorted(set(firsts))
    if not any(lost for _, lost in pieces):
        assert len(seen) == number // length


def test_a_gap_inside_a_block_is_a_gap_of_the_numbers():
    framer = Framer([0], 2, COUNTS)
    values = np.array([[0.0], [1.0], [2.0], [7.0], [8.0], [9.0]])
    frames = framer.push(block(values, [0, 0, 0, 4, 0, 0]))
    assert [(first, counts[:, 0].tolist()) for first, counts in decoded(frames, 1)] == [(0, [0, 1]), (8, [8, 9])]
    assert frames[-1].taken_s == 5 / FS_HZ


def test_only_the_channels_that_the_host_asks_for_are_sent():
    values = np.arange(12.0).reshape(2, 6)
    (frame,) = Framer([1, 5], 2, COUNTS).push(block(values))
    assert decoded([frame], 2)[0][1].tolist() == [[1, 5], [7, 11]]


def test_an_electrode_that_is_off_is_flagged_in_its_frame_alone():
    framer = Framer([0], 3, COUNTS)
    bad = framer.push(block([[1.0], [np.nan], [1.0]]))
    good = framer.push(block([[1.0], [1.0], [1.0]]))
    assert [frame.lead_off for frame in (*bad, *good)] == [True, False]
    assert not framer.push(block([[np.nan]]))
    assert framer.push(block([[1.0], [1.0]]))[0].lead_off
