"""The tones of the morning as waveforms. Pure.

Each tone is a short melody. The melodies differ in their number of notes, or in the direction of their pitch, so that
an ear tells them apart without words and without another tone to compare with.
"""

from __future__ import annotations

import io
import wave
from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 16_000
LOUDNESS: Final = 0.4
EDGE_S: Final = 0.008
"""A note begins and ends softly, so that it does not click."""
LOW, MIDDLE, HIGH, TOP = 392.0, 587.0, 880.0, 1175.0
"""A small loudspeaker and an old ear still carry all of them."""


class Note(NamedTuple):
    """A note; 0 Hz is a pause."""

    hz: float
    seconds: float


class Tone(Enum):
    """What a tone tells, and its melody."""

    TAKE = (Note(MIDDLE, 0.12), Note(HIGH, 0.12))
    """Take the pose: rises."""
    LET_GO = (Note(HIGH, 0.12), Note(MIDDLE, 0.12))
    """Let go: falls."""
    AGAIN = (Note(MIDDLE, 0.1), Note(0, 0.06), Note(MIDDLE, 0.1), Note(0, 0.06), Note(HIGH, 0.1))
    """This pose comes again."""
    DONE = (Note(LOW, 0.12), Note(MIDDLE, 0.12), Note(HIGH, 0.12), Note(TOP, 0.24))
    """A good end: rises four times."""
    FAILED = (Note(HIGH, 0.16), Note(MIDDLE, 0.16), Note(LOW, 0.4))
    """No new model: falls three times, and stays low."""
    DOWN = (Note(TOP, 0.05),)
    """The button is down: a tick."""
    LONG = (Note(HIGH, 0.08), Note(0, 0.06), Note(HIGH, 0.08))
    """The press is long: two beeps."""
    LONGEST = (Note(HIGH, 0.08), Note(0, 0.06)) * 2 + (Note(HIGH, 0.08),)
    """The press is longest: three beeps."""
    STUCK = (Note(LOW, 0.6),)
    """The press asks for nothing: one long low tone."""


def waveform(tone: Tone) -> NDArray[np.int16]:
    """The samples of a tone, int16 (n,), at RATE_HZ."""
    return np.concatenate([_note(note) for note in tone.value])


def _note(note: Note) -> NDArray[np.int16]:
    t_s = np.arange(round(note.seconds * RATE_HZ)) / RATE_HZ
    edge = np.clip(np.minimum(t_s, note.seconds - t_s) / EDGE_S, 0, 1)
    sound = np.sin(2 * np.pi * note.hz * t_s) * (1 - np.cos(np.pi * edge)) / 2
    samples: NDArray[np.int16] = (LOUDNESS * 32767 * sound).astype(np.int16)
    return samples


def wav(tone: Tone) -> bytes:
    """A tone as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(waveform(tone).astype("<i2").tobytes())
    return file.getvalue()
