"""A recording as an EMG source."""

import numpy as np
import pytest

from myobridge.recording import Recording
from myobridge.simulator.recorded import RecordedSource

COUNTS = np.arange(40, dtype=np.int16).reshape(20, 2)
ANGLES_DEG = np.linspace(0, 180, 100, dtype=np.float32).reshape(20, 5)
RECORDING = Recording(counts=COUNTS, fs_hz=500.0, adc_bits=14, angles_deg=ANGLES_DEG)


def test_a_recording_is_played_at_its_own_rate():
    source = RecordedSource(RECORDING)
    assert (source.fs_hz, source.channels, source.adc_bits) == (500.0, 2, 14)
    counts, truth_deg = zip(*(source.read(n) for n in (1, 7, 0, 12)), strict=True)
    assert np.array_equal(np.concatenate(counts), COUNTS)
    assert np.array_equal(np.concatenate(truth_deg), ANGLES_DEG)


def test_without_recorded_angles_true_angles_are_unknown():
    assert RecordedSource(Recording(counts=COUNTS, fs_hz=500.0)).read(5)[1] is None


def test_the_source_ends_with_the_recording():
    source = RecordedSource(RECORDING)
    source.read(18)
    with pytest.raises(EOFError):
        source.read(3)
    assert np.array_equal(source.read(2)[0], COUNTS[18:]), "a failed read consumes nothing"
    with pytest.raises(EOFError):
        source.read(1)


def test_a_looped_recording_begins_again():
    source = RecordedSource(RECORDING, loop=True)
    counts = np.concatenate([source.read(n)[0] for n in (15, 15, 70)])
    assert np.array_equal(counts, np.tile(COUNTS, (5, 1)))
