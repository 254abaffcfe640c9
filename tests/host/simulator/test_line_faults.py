"""A bad cable: the bytes that go in, the bytes that come out, and the counters."""

import numpy as np
import pytest

from myobridge.errors import UserError
from myobridge.simulator.line_faults import FaultyLine, LineFaults, parse_line_faults

DATA = np.random.default_rng(0).bytes(100_000)


def through(faults, data=DATA, chunk=500, seconds=10.0, seed=1):
    """Everything that comes out of a line that carries data at an even rate for so long, and the line."""
    line = FaultyLine(faults, seed)
    starts = range(0, len(data), chunk)
    times_s = np.linspace(0, seconds, len(starts))
    return b"".join(line.apply(data[i : i + chunk], t) for i, t in zip(starts, times_s, strict=True)), line


def bits_that_differ(a, b):
    return int(np.unpackbits(np.frombuffer(a, np.uint8) ^ np.frombuffer(b, np.uint8)).sum())


def test_a_line_without_faults_changes_nothing():
    out, line = through(LineFaults())
    assert out == DATA
    assert vars(line.counts) == {"bits_flipped": 0, "bytes_lost": 0, "bursts": 0, "stalls": 0}


def test_flips_hit_bits_at_their_probability_and_are_counted():
    out, line = through(LineFaults(flips_per_bit=1e-3))
    assert len(out) == len(DATA)
    assert bits_that_differ(out, DATA) == line.counts.bits_flipped == pytest.approx(800, rel=0.15)


def test_lost_bytes_are_lost_at_their_probability_and_are_counted():
    out, line = through(LineFaults(lost_per_byte=1e-2))
    assert len(DATA) - len(out) == line.counts.bytes_lost == pytest.approx(1000, rel=0.15)


def test_a_burst_loses_bytes_in_a_row_each_period():
    out, line = through(LineFaults(burst_bytes=750, burst_every_s=3), chunk=100)
    # 1000 calls in 10 s: the bursts at 3, 6 and 9 s begin with the bytes of the first call after it.
    begins = [100 * int(np.ceil(t / 10 * 999)) for t in (3, 6, 9)]
    kept = np.ones(len(DATA), dtype=bool)
    for begin in begins:
        kept[begin : begin + 750] = False
    assert out == np.frombuffer(DATA, np.uint8)[kept].tobytes()
    assert (line.counts.bursts, line.counts.bytes_lost) == (3, 2250)


def test_a_stall_holds_everything_back_and_then_lets_it_all_through():
    line = FaultyLine(LineFaults(stall_ms=200, stall_every_s=7), seed=0)
    assert line.apply(b"ab", 6.99) == b"ab"
    assert line.apply(b"cd", 7.0) == b""
    assert line.apply(b"", 7.1) == b""
    assert line.apply(b"ef", 7.19) == b""
    assert line.apply(b"", 7.21) == b"cdef"
    assert line.apply(b"gh", 7.22) == b"gh"
    assert line.apply(b"ij", 14.05) == b""
    assert line.counts.stalls == 2


def test_unplugging_has_a_beginning_and_an_end():
    faults = LineFaults(unplug_s=2, unplug_at_s=10)
    assert [faults.unplugged(t) for t in (0, 9.99, 10, 11.99, 12)] == [False, False, True, True, False]
    assert not LineFaults().unplugged(0)


def test_the_damage_depends_on_the_seed_and_not_on_the_size_of_the_pieces():
    faults = LineFaults(flips_per_bit=1e-3, lost_per_byte=1e-3)
    out = through(faults)[0]
    assert out == through(faults, chunk=1)[0] == through(faults, chunk=33_333)[0]
    assert out != through(faults, seed=2)[0]


def test_all_faults_at_once_add_up():
    faults = parse_line_faults("flips=1e-4,lost=1e-3,burst=300@2,stall=100@3")
    out, line = through(faults)
    assert len(out) == len(DATA) - line.counts.bytes_lost
    assert min(vars(line.counts).values()) > 0


def test_text_names_the_faults():
    expected = LineFaults(
        flips_per_bit=1e-4,
        lost_per_byte=1e-5,
        burst_bytes=300,
        burst_every_s=5,
        stall_ms=200,
        stall_every_s=7,
        unplug_s=2,
        unplug_at_s=10,
    )
    assert parse_line_faults("flips=1e-4,lost=1e-5,burst=300@5,stall=200@7,unplug=2@10") == expected
    assert parse_line_faults(" unplug=2@10, stall=200@7 ") == LineFaults(
        unplug_s=2, unplug_at_s=10, stall_ms=200, stall_every_s=7
    )
    assert parse_line_faults("") == LineFaults()


@pytest.mark.parametrize(
    "text",
    [
        "flip=1e-4",
        "flips",
        "flips=",
        "flips=x",
        "flips=1@2",
        "flips=nan",
        "flips=2",
        "flips=1;lost=1",
        "lost=-1",
        "lost=1,lost=1",
        "burst=300",
        "burst=300@",
        "burst=300@0",
        "stall=@7",
        "stall=200@0.2",
        "unplug=1@2@3",
    ],
)
def test_text_that_is_not_a_fault_is_refused_in_one_sentence(text):
    with pytest.raises(UserError, match=r"^The line fault[^\n]*\.$"):
        parse_line_faults(text)
