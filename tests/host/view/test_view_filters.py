"""The filters that a person looks through."""

import numpy as np
import pytest
from msgspec import to_builtins
from scipy import signal

from myobridge.view.filters import LookThrough, sections
from myobridge.view.page import emg
from myobridge.view.traces import COLUMN_S, Traces
from myobridge.wire.frame import encode
from myobridge.wire.messages import Emg
from page_messages import columns_of

FS_HZ = 2000
COLUMN = round(COLUMN_S * FS_HZ)


def gain_db(name, hz, fs_hz=FS_HZ):
    normal = [np.array(section) / section[3] for section in sections(name, fs_hz)]
    _, response = signal.sosfreqz(np.array(normal), worN=[hz], fs=fs_hz)
    return 20 * np.log10(max(abs(response[0]), 1e-9))


def wave(hz, seconds=3.0):
    return np.rint(400 * np.sin(2 * np.pi * hz * np.arange(round(seconds * FS_HZ)) / FS_HZ)).astype(np.int16)[:, None]


def seen_through(name, counts):
    """The filtered counts, block by block."""
    look = LookThrough(name, counts.shape[1], FS_HZ, COLUMN)
    return np.concatenate([look(counts[at : at + COLUMN]) for at in range(0, len(counts), COLUMN)])


def test_raw_is_the_counts_themselves():
    counts = wave(70)
    assert sections("raw", FS_HZ) == ()
    assert seen_through("raw", counts).dtype == np.int16
    assert np.array_equal(seen_through("raw", counts), counts)


@pytest.mark.parametrize(("hz", "most_db", "least_db"), [(2, -30, -60), (20, -2, -4), (150, 1, -1), (900, -15, -60)])
def test_the_band_keeps_emg_and_drops_the_rest(hz, most_db, least_db):
    assert least_db <= gain_db("band", hz) <= most_db


@pytest.mark.parametrize(("name", "mains_hz"), [("no50", 50), ("no60", 60)])
def test_a_notch_drops_the_mains_and_its_multiples_alone(name, mains_hz):
    for multiple in range(mains_hz, 451, mains_hz):
        assert gain_db(name, multiple) < -40
        assert gain_db(name, multiple + mains_hz / 2) - gain_db("band", multiple + mains_hz / 2) > -1


@pytest.mark.parametrize("fs_hz", [100, 250, 500, 1000, 4000])
@pytest.mark.parametrize("name", ["band", "no50", "no60"])
def test_every_filter_is_stable_at_every_rate(name, fs_hz):
    for *_, a0, a1, a2 in sections(name, fs_hz):
        assert np.all(np.abs(np.roots([a0, a1, a2])) < 1)


def test_an_offset_causes_no_transient():
    assert np.abs(seen_through("band", np.full((800, 2), 300, np.int16))).max() < 1e-6


def test_the_traces_and_the_spectrum_show_the_filtered_signal():
    traces = Traces(1, FS_HZ)
    traces.look_through("no50")
    counts = wave(50)
    for at in range(0, len(counts), 5):
        traces.feed(encode(Emg.TYPE, 0, Emg.STRUCT.pack(at, 5, 0) + counts[at : at + 5].astype("<i2").tobytes()))
    columns = traces.columns()
    assert np.abs(columns.high[-50:]).max() < 5
    assert traces.spectrum().mains_db[0] < 10
    shown = [round(columns.low[-1, 0], 1), round(columns.high[-1, 0], 1)]
    assert columns_of(to_builtins(emg(columns, 250)))[-1] == pytest.approx(shown, abs=1e-9)
