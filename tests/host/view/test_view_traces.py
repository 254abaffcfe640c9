"""The columns and spectra that the page draws."""

import numpy as np
import pytest
from msgspec import to_builtins

from myobridge.view.page import LOST, emg, lines
from myobridge.view.traces import COLUMN_S, Columns, Traces
from myobridge.wire.frame import encode
from myobridge.wire.messages import Emg
from page_messages import columns_of, power_db_of

FS_HZ = 2000
COLUMN = round(COLUMN_S * FS_HZ)


def wire(counts, first=0, per_frame=5) -> list[bytes]:
    """EMG frames of counts (n, channels)."""
    frames = []
    for at in range(0, len(counts), per_frame):
        part = np.asarray(counts[at : at + per_frame], "<i2")
        frames.append(encode(Emg.TYPE, 0, Emg.STRUCT.pack(first + at, len(part), 0) + part.tobytes()))
    return frames


def test_a_column_is_the_lowest_and_highest_count_of_its_samples():
    rng = np.random.default_rng(1)
    counts = rng.integers(-500, 500, (40 * COLUMN, 3))
    traces = Traces(3, FS_HZ)
    traces.feed(b"".join(wire(counts)))
    columns = traces.columns()
    assert columns.first == 0
    assert columns.present.all()
    np.testing.assert_array_equal(columns.low, counts.reshape(40, COLUMN, 3).min(axis=1))
    np.testing.assert_array_equal(columns.high, counts.reshape(40, COLUMN, 3).max(axis=1))
    assert traces.columns() is None
    assert columns_of(to_builtins(emg(columns, 250)))[7] == [*columns.low[7].tolist(), *columns.high[7].tolist()]


def test_the_splitting_of_the_bytes_does_not_matter():
    data = b"".join(wire(np.random.default_rng(2).integers(-500, 500, (80, 2))))
    whole, pieces = Traces(2, FS_HZ), Traces(2, FS_HZ)
    whole.feed(data)
    for at in range(0, len(data), 7):
        pieces.feed(data[at : at + 7])
    np.testing.assert_array_equal(whole.columns().low, pieces.columns().low)


def test_lost_columns_are_gaps_and_not_flat_lines():
    frames = wire(np.full((20 * COLUMN, 1), 9), per_frame=COLUMN)
    traces = Traces(1, FS_HZ)
    traces.feed(b"".join(frames[:5] + frames[8:]))
    columns = traces.columns()
    assert columns.present.tolist() == [True] * 5 + [False] * 3 + [True] * 12
    assert [column is None for column in columns_of(to_builtins(emg(columns, 250)))] == (~columns.present).tolist()


@pytest.mark.parametrize("offset", [0.0, -512.0, 8e6])
@pytest.mark.parametrize("span", [0.0, 30.0, 1e6])
def test_columns_behind_a_filter_arrive_to_a_tenth_or_to_a_sixty_thousandth_of_what_they_span(offset, span):
    values = offset + span * np.random.default_rng(7).random((2, 20, 3))
    sent = Columns(5, values.min(0), values.max(0), np.ones(20, bool))
    seen = np.array(columns_of(to_builtins(emg(sent, 250))))
    assert np.abs(seen - np.hstack((sent.low, sent.high))).max() <= max(0.1, span / (LOST - 1))


def test_columns_that_are_all_lost_arrive_as_lost():
    lost = Columns(5, np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(2, bool))
    assert columns_of(to_builtins(emg(lost, 250))) == [None, None]


def test_columns_restart_after_a_restart_of_the_board():
    traces = Traces(1, FS_HZ)
    traces.feed(b"".join(wire(np.zeros((8 * COLUMN, 1)), first=1_000_000 * COLUMN)))
    traces.feed(b"".join(wire(np.ones((8 * COLUMN, 1)))))
    columns = traces.columns()
    assert (columns.first, columns.low.max(), columns.low.min()) == (0, 1, 1)


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_the_spectrum_shows_hum_where_it_is_and_names_the_mains(mains_hz):
    t = np.arange(2 * FS_HZ) / FS_HZ
    noise = np.random.default_rng(3).normal(0, 10, (len(t), 2))
    counts = noise + np.outer(np.sin(2 * np.pi * mains_hz * t), [40, 0])
    traces = Traces(2, FS_HZ)
    assert traces.spectrum() is None
    traces.feed(b"".join(wire(counts.round())))
    spectrum = traces.spectrum()
    assert spectrum.mains_hz == mains_hz
    assert np.argmax(spectrum.power_db[0]) * spectrum.step_hz == mains_hz
    assert spectrum.mains_db[0] > 15 > abs(spectrum.mains_db[1])
    white_db = 10 * np.log10(2 * 10**2 / FS_HZ)
    assert np.mean(spectrum.power_db[1][10:]) == pytest.approx(white_db, abs=1.5)
    seen_db = power_db_of(to_builtins(lines(spectrum)))
    assert seen_db.shape == (2, 251)  # 0 to 500 Hz
    top_db = spectrum.power_db[:, 2:].max()
    assert np.abs(seen_db - spectrum.power_db)[:, 2:][spectrum.power_db[:, 2:] > top_db - 70].max() < 0.25


@pytest.mark.parametrize("fs_hz", [100, 999, 20000])
def test_any_sampling_rate_has_columns_and_a_spectrum(fs_hz):
    traces = Traces(1, fs_hz)
    traces.feed(b"".join(wire(np.random.default_rng(4).normal(0, 50, (2 * fs_hz, 1)).round())))
    assert traces.columns().first == 0
    assert np.isfinite(traces.spectrum().power_db).all()


def test_damaged_and_foreign_bytes_are_skipped():
    traces = Traces(2, FS_HZ)
    rng = np.random.default_rng(5)
    traces.feed(rng.bytes(5000) + b"\0" + b"".join(wire(np.zeros((40, 3)))) + encode(0x88, 0, b"x" * 30))
    assert traces.columns() is None
