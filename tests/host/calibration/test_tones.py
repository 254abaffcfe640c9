"""The tones as waveforms: an ear tells them apart without words."""

import io
import itertools
import wave

import numpy as np
import pytest

from myobridge.calibration.sound.tones import LOUDNESS, RATE_HZ, Tone, wav, waveform


def notes(tone):
    """What an ear hears: the pitch of each stretch of sound, and how long it is; pauses part them."""
    samples = waveform(tone).astype(float)
    frame = RATE_HZ // 100
    heard = []
    for at in range(0, len(samples) - frame + 1, frame):
        piece = samples[at : at + frame]
        loud = np.sqrt(np.mean(piece**2)) > 0.1 * LOUDNESS * 32767
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(frame), 8 * frame))
        pitch_hz = round(np.argmax(spectrum) * RATE_HZ / (8 * frame) / 60) if loud else 0
        if not heard or abs(heard[-1][0] - pitch_hz) > 1:
            heard.append([pitch_hz, 0])
        heard[-1][1] += 1
    return [(pitch, length) for pitch, length in heard if pitch and length >= 3]


def melody(tone):
    """The number of notes, and whether the pitch rises or falls from each to the next."""
    pitches = [pitch for pitch, _ in notes(tone)]
    return len(pitches), tuple(np.sign(np.diff(pitches)).astype(int).tolist())


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(Tone, 2)), ids=lambda tone: tone.name)
def test_each_two_tones_differ_in_their_number_of_notes_or_in_the_way_of_their_pitch_or_twice_in_length(one, other):
    length = [len(waveform(tone)) for tone in (one, other)]
    assert melody(one) != melody(other) or max(length) >= 2 * min(length)


@pytest.mark.parametrize("tone", Tone)
def test_a_tone_is_short_begins_and_ends_softly_and_is_neither_silent_nor_clipped(tone):
    samples = waveform(tone).astype(int)
    assert 0.04 < len(samples) / RATE_HZ < 0.8
    assert abs(samples[0]) < 50 and np.abs(samples[-8:]).max() < 600
    assert 0.9 * LOUDNESS * 32767 < np.abs(samples).max() < 32767
    assert np.abs(np.diff(samples)).max() < 8000, "no click"


def test_take_rises_and_let_go_falls():
    assert melody(Tone.TAKE) == (2, (1,))
    assert melody(Tone.LET_GO) == (2, (-1,))


def test_the_lengths_of_a_press_are_counted_in_beeps():
    assert [melody(tone)[0] for tone in (Tone.DOWN, Tone.LONG, Tone.LONGEST)] == [1, 2, 3]


def test_a_tone_is_a_wav_file_of_one_channel():
    with wave.open(io.BytesIO(wav(Tone.DONE))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        assert file.readframes(file.getnframes()) == waveform(Tone.DONE).astype("<i2").tobytes()
