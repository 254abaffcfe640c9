"""The records of a trial in a `.myo` log, and in the exports."""

import csv

import pytest
from test_recording_log import HEADER, stream

from myobridge.recording import RecordingWriter
from myobridge.recording.bids_tables import beside
from myobridge.recording.export import export
from myobridge.recording.log import read_log
from myobridge.recording.log_frames import LogEncoder, LogFrame
from myobridge.recording.open import open_recording
from myobridge.recording.trial_records import Answer, Ended, Shown, pack, unpack_shown, unpack_text
from shown_hands import FIST, begun, hands, still, target

RECORDS = [begun(), still(), target(), *hands((0.2, FIST)), Answer(0, 100.2, "reached"), Ended(102.2, True)]


@pytest.fixture
def trial(tmp_path):
    """A log in which a target is shown from sample 100 to sample 300."""
    path, wire = tmp_path / "trial.myo", stream(80)[0]
    with RecordingWriter(path, HEADER) as writer:
        writer.bytes(1.0, b"".join(wire[:20]))
        for record in RECORDS[:3]:
            writer.trial(record)
        writer.bytes(1.1, b"".join(wire[20:60]))
        for record in RECORDS[3:]:
            writer.trial(record)
        writer.bytes(1.2, b"".join(wire[60:]))
    return path


def test_the_log_gives_back_what_was_written_at_the_sample_before_which_it_stands(trial):
    log = read_log(trial)
    assert [record for _, record in log.trial] == RECORDS
    assert [log.trial[2].row, log.trial[-1].row] == [100, 300]
    assert log.missing() == []


def test_angles_are_recorded_in_hundredths_of_a_degree_and_judged_as_recorded():
    shown = Shown.of(5.0, True, [12.3456, 0.0, 180.0, 190.0, -3.0])
    assert shown.angles_deg == [12.35, 0.0, 180.0, 180.0, 0.0]
    assert unpack_shown(pack(shown)) == shown


@pytest.mark.parametrize("payload", [b"", b"{", b'{"kind":"target"}', b'{"kind":"other"}', b"\xff" * 19])
def test_records_that_this_program_does_not_understand_are_left_out(payload, tmp_path):
    assert unpack_text(payload) is None
    assert unpack_shown(payload) is None
    path, log = tmp_path / "r.myo", LogEncoder()
    frames = [log.header(HEADER), log.text(LogFrame.TRIAL, payload), log.frame(LogFrame.SHOWN, payload)]
    path.write_bytes(b"".join([*frames, *stream(4)[0]]))
    assert read_log(path).trial == []


def test_a_trial_is_among_the_events_of_a_bids_dataset(trial, tmp_path):
    texts = beside(open_recording(trial))
    rows = list(csv.DictReader(texts["events.tsv"].splitlines(), delimiter="\t"))
    assert [row["trial_type"] for row in rows] == ["target Fist 100% reached"]
    assert [float(rows[0]["onset"]), float(rows[0]["duration"]), rows[0]["sample"]] == [0.05, 0.1, "100"]
    assert "tolerance 15 degrees" in texts["events.json"]
    assert export(open_recording(trial), "bids", tmp_path / "bids", "01").exists()
