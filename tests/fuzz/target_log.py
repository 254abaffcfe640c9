"""A `.myo` file → its summary and its samples, equal to those from the decoder of the link; or one sentence."""

from __future__ import annotations

import msgspec
import numpy as np
from promises import in_a_sentence, on_the_wire, piece
from scratch import holding

from myobridge.model.file import REST_DEG, LabelledPose
from myobridge.recording.log import Log, read_log
from myobridge.recording.log_frames import CUE, END, LOST, PART, TIME, Header, LogFrame
from myobridge.recording.open import open_recording
from myobridge.recording.summary import as_text, summarize
from myobridge.wire import messages as m
from myobridge.wire.emg import parse_emg
from myobridge.wire.frame import FrameDecoder
from virtual_hand import board_config

IDENT = m.Ident(m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, 16, 10, 2_000_000)
POSES = (LabelledPose(0, "rest", REST_DEG), LabelledPose(2, "fist", (180,) * 5))
RAW, FRAMED = 0, 1


def seeds() -> list[bytes]:
    """A short recording with every kind of frame, as pieces and as a file."""
    text = msgspec.json.encode(Header(ident=IDENT, config=board_config(), poses=POSES, electrodes=tuple("ABCD")))
    parts = [text[at : at + 240] for at in range(0, len(text), 240)]
    header = b"".join(piece(LogFrame.HEADER, PART.pack(k, len(parts)) + part) for k, part in enumerate(parts))
    emg = [piece(m.Emg.TYPE, m.Emg(5 * k, 5, 0).pack() + bytes(range(40))) for k in (0, 1, 3, 4)]
    events = [
        piece(LogFrame.TIME, TIME.pack(1.0)),
        piece(LogFrame.CUE, CUE.pack(2, 1)),
        piece(LogFrame.DISCARD, CUE.pack(2, 1)),
        piece(LogFrame.NOTE, PART.pack(0, 1) + b"a note"),
        piece(LogFrame.LOST, LOST.pack(60)),
        piece(LogFrame.END, END.pack(7)),
    ]
    session = header + emg[0] + events[0] + events[1] + emg[1] + events[2] + emg[2] + b"".join(events[3:5]) + emg[3]
    whole = bytes((FRAMED,)) + session + events[5]
    return [whole, bytes((RAW,)) + b"".join(on_the_wire(whole[1:])), bytes((FRAMED,)) + header + b"".join(emg)]


def fuzz(data: bytes) -> None:
    file = b"".join(on_the_wire(data[1:])) if data[:1] == bytes((FRAMED,)) else data[1:]
    with holding(file, ".myo") as path:
        log = in_a_sentence(read_log, path)
        if log is not None:
            samples_are_the_links(log, file)
        file = in_a_sentence(open_recording, path)
        if file is not None:
            summary = summarize(file)
            msgspec.json.encode(summary)
            assert all(line.isprintable() for line in as_text(summary).splitlines())


def samples_are_the_links(log: Log, file: bytes) -> None:
    channels = log.header.channels
    parsed = [parse_emg(frame, channels) for frame in FrameDecoder().feed(file) if frame[0] == m.Emg.TYPE]
    counts = [taken[2] for taken in parsed if taken is not None]
    assert np.array_equal(log.counts, np.concatenate([np.zeros((0, channels), np.int16), *counts]))
