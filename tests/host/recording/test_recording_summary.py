"""`inspect`: its figures, pictures and text; a foreign file cannot control the terminal."""

import sys

import numpy as np
import pytest
from test_recording_log import HEADER, IDENT, stream

from myobridge.decoder.contact import Contact
from myobridge.errors import UserError
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.recording.open import RecordingFile, open_recording
from myobridge.recording.pictures import draw, power_spectrum
from myobridge.recording.summary import as_text, summarize
from virtual_hand import board_config

FS_HZ = 2000


def source_of(counts, **fields):
    return RecordingFile(None, Recording(counts, FS_HZ, 10, **fields), None)


def channel(counts, name):
    return summarize(source_of(np.asarray(counts, np.int16).reshape(-1, 1)))["channel"][0][name]


def hum(amplitude, mains_hz=50):
    return np.round(amplitude * np.sin(2 * np.pi * mains_hz * np.arange(4 * FS_HZ) / FS_HZ))


NOISE = np.random.default_rng(0).normal(0, 50, 4 * FS_HZ).round()


def test_amplitude_hum_clipping_and_flatness_of_each_channel():
    assert channel(hum(100), "rms_counts") == pytest.approx(100 / np.sqrt(2), rel=0.01)
    for mains_hz in (50, 60):
        assert channel(hum(100, mains_hz), "mains_share") > 0.99
    assert channel(NOISE, "mains_share") < 0.15
    assert channel(NOISE + hum(100), "mains_share") == pytest.approx(5000 / 7500, abs=0.05)
    clipped = np.clip(NOISE * 10, -512, 511)
    assert channel(clipped, "saturated_share") == pytest.approx(np.mean(np.abs(clipped + 0.5) > 511), abs=1e-4)
    half_flat = np.where(np.arange(4 * FS_HZ) < 2 * FS_HZ, 0, NOISE)
    assert channel(half_flat, "bad_share") == {
        verdict.name.lower(): 0.5 if verdict is Contact.FLAT else 0.0 for verdict in Contact if verdict
    }


def test_a_spectrum_has_the_power_of_the_signal():
    frequencies_hz, density = power_spectrum(source_of(NOISE.astype(np.int16).reshape(-1, 1)))
    assert np.sum(density) * (frequencies_hz[1] - frequencies_hz[0]) == pytest.approx(50**2, rel=0.1)


def test_a_very_short_recording_has_a_summary():
    for samples in (1, 2, 100):
        summary = summarize(source_of(np.ones((samples, 2), np.int16)))
        assert (summary["samples"], summary["channel"][0]["mains_share"]) == (samples, None)
        assert "n/a" in as_text(summary)


@pytest.fixture
def cued(tmp_path):
    path = tmp_path / "r.myo"
    wire, _ = stream(4000)
    del wire[1200:1210]
    with RecordingWriter(path, HEADER) as writer:
        for k in range(0, len(wire), 10):
            if k in (1000, 2000, 3000):
                writer.cue(2 * (k != 2000), 1)
            writer.bytes(7.0 + k / 400.4, b"".join(wire[k : k + 10]))
            if k == 2000:
                writer.note("channel 2 pressed on")
    return path


def test_the_summary_reports_cues_losses_notes_and_the_clock(cued):
    summary = summarize(open_recording(cued))
    assert summary["seconds"] == pytest.approx(9.975)
    assert summary["takes"] == 2
    assert [(row["pose"], row["repetition"], row["seconds"]) for row in summary["repetitions"]] == [
        ("rest", 0, 2.5),
        ("rest", 1, 2.5),
        ("fist", 1, 4.975),
    ]
    log = summary["log"]
    assert (log["samples_lost"], log["crc_errors"], log["closed"]) == (50, 0, True)
    assert log["measured_fs_hz"] == pytest.approx(2002, abs=0.5)
    text = as_text(summary)
    for words in ("fist", "1: 5.0 s", "50 samples never received", "channel 2 pressed on", "firmware 0.1.0"):
        assert words in text


@pytest.mark.parametrize(("measured_hz", "kept"), [(1950.0, False), (1990.0, True), (2060.0, False), (None, True)])
def test_the_summary_reports_a_board_that_does_not_keep_its_rate(cued, measured_hz, kept):
    summary = summarize(open_recording(cued))
    summary["log"]["measured_fs_hz"] = measured_hz
    assert ("did not keep its rate of 2000 Hz" in as_text(summary)) is not kept


def test_text_from_a_file_cannot_control_the_terminal(tmp_path):
    path = tmp_path / "r.myo"
    header = Header(ident=IDENT, config=board_config(), electrodes=("\x1b[2J", "B\n", "C", "D\x07"))
    with RecordingWriter(path, header) as writer:
        writer.bytes(0.0, b"".join(stream(4)[0]))
        writer.note("\x1b]0;owned\x07")
    text = as_text(summarize(open_recording(path)))
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert text.split("bad contact\n")[1].count("\n") == 3, "one line per channel"


def test_pictures_are_drawn(cued, tmp_path):
    paths = draw(open_recording(cued), tmp_path / "plots")
    assert [path.name for path in paths] == ["r-traces.png", "r-spectra.png", "r-amplitudes.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 10_000 for path in paths)
    odd = RecordingFile(tmp_path / "$x_$.npz", Recording(np.zeros((3, 1), np.int16), 500.0), None)
    assert len(draw(odd, tmp_path / "plots")) == 2


def test_pictures_that_cannot_be_drawn_are_an_error(cued, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="choose another folder"):
        draw(open_recording(cued), cued)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UserError, match=r"pip install 'myobridge\[export\]'"):
        draw(open_recording(cued), tmp_path / "plots")
