"""Reading and exporting a recording take the same memory for any length; `bench_memory.py` measures an hour."""

import pytest

from peak_memory import long_recording, peak_mb

MORE_MB = 12
"""Less than the counts of the longer recording."""
MOST_MB = 200


@pytest.fixture(scope="module")
def lengths(tmp_path_factory):
    """Recordings of 1 and 11 minutes, 8 channels at 2 kHz: 2 and 21 MB of counts."""
    folder = tmp_path_factory.mktemp("lengths")
    return {minutes: long_recording(folder / f"{minutes}.myo", minutes) for minutes in (1, 11)}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["npz", "csv", "edf", "bids"])
def test_exporting_a_longer_recording_takes_no_more_memory(lengths, tmp_path, form):
    short, long = (
        peak_mb("export", path, "--to", form, "--out", tmp_path / f"{minutes}.{form}")
        for minutes, path in lengths.items()
    )
    assert long < min(MOST_MB, short + MORE_MB)


@pytest.mark.slow
def test_an_npz_file_is_read_in_blocks_too(lengths, tmp_path):
    stored = [path.with_suffix(".npz") for path in lengths.values()]
    for path, log in zip(stored, lengths.values(), strict=True):
        if not path.exists():
            peak_mb("export", log, "--to", "npz", "--out", path)
    short, long = (peak_mb("export", path, "--to", "edf", "--out", tmp_path / f"{path.stem}.edf") for path in stored)
    assert long < min(MOST_MB, short + MORE_MB)
    short, long = (peak_mb("inspect", path) for path in stored)
    assert long < min(MOST_MB, short + MORE_MB)


@pytest.mark.slow
def test_inspecting_a_longer_recording_takes_no_more_memory(lengths):
    short, long = (peak_mb("inspect", path) for path in lengths.values())
    assert long < min(MOST_MB, short + MORE_MB)
