"""Sound comes from programs of the system, and never keeps anybody waiting."""

import stat
import time

import pytest

from myobridge.calibration.sound import player
from myobridge.calibration.sound.player import NO_SOUND, Sound
from myobridge.calibration.sound.tones import Tone

pytestmark = pytest.mark.real_time


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder that is the whole PATH; `make` puts a program there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name, script):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    make.log = tmp_path / "log"
    return make


def until(holds):
    for _ in range(500):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def heard(programs):
    return programs.log.read_text().splitlines() if programs.log.exists() else []


def test_a_tone_is_played_and_the_words_are_spoken_after_it(programs):
    programs("aplay", f'echo "aplay ${{2##*/}}" >> {programs.log}')
    programs("espeak-ng", f'echo "says $1" >> {programs.log}')
    sound = Sound(pytest.fail, on=True)
    sound.play(Tone.TAKE, "Fist")
    until(lambda: len(heard(programs)) == 2)
    assert heard(programs) == ["aplay take.wav", "says Fist"]
    sound.close()


def test_without_a_program_one_sentence_says_so_once(programs):
    said = []
    sound = Sound(said.append, on=True)
    for _ in range(3):
        sound.play(Tone.DONE, "done")
    until(lambda: said)
    sound.play(Tone.DONE)
    time.sleep(0.05)
    assert said == [NO_SOUND]


def test_a_pi_without_a_loudspeaker_gets_one_sentence_and_is_not_asked_again(programs):
    programs("aplay", f"echo tried >> {programs.log}; exit 1")
    said = []
    sound = Sound(said.append, on=True)
    sound.play(Tone.DONE)
    until(lambda: said)
    sound.play(Tone.DONE)
    time.sleep(0.05)
    assert len(said) == 1 and "aplay cannot play" in said[0] and "[sound] on = false" in said[0]
    assert heard(programs) == ["tried"]


def test_a_program_that_hangs_is_ended_and_nobody_waits_for_it(programs, monkeypatch):
    monkeypatch.setattr(player, "LONGEST_S", 0.2)
    programs("aplay", "while :; do :; done")
    said = []
    sound = Sound(said.append, on=True)
    began_s = time.monotonic()
    for _ in range(50):
        sound.play(Tone.DOWN)
    assert time.monotonic() - began_s < 0.2, "play returns at once"
    until(lambda: said)


def test_sounds_that_come_too_fast_are_dropped_and_not_played_late(programs):
    programs("aplay", f"echo played >> {programs.log}")
    sound = Sound(pytest.fail, on=True)
    for _ in range(200):
        sound.play(Tone.DOWN)
    time.sleep(0.5)
    assert 0 < len(heard(programs)) < 100
    sound.close()


def test_sound_that_is_turned_off_starts_nothing(programs):
    programs("aplay", f"echo played >> {programs.log}")
    sound = Sound(pytest.fail, on=False)
    sound.play(Tone.DONE)
    time.sleep(0.1)
    assert heard(programs) == []
    assert sound._thread is None


def test_long_words_end_neither_the_sound_nor_the_rhythm(programs, monkeypatch):
    monkeypatch.setattr(player, "LONGEST_S", 0.5)
    programs("aplay", f'echo "${{2##*/}}" >> {programs.log}')
    programs("espeak-ng", "while :; do :; done")
    sound = Sound(pytest.fail, on=True)
    sound.play(Tone.AGAIN, "Fist looks like Point; make these two more different.")
    until(lambda: heard(programs))
    time.sleep(0.6)
    sound.play(Tone.TAKE)
    until(lambda: heard(programs) == ["again.wav", "take.wav"])
    sound.close()


def test_a_speech_program_that_fails_costs_only_the_words(programs):
    programs("aplay", f'echo "${{2##*/}}" >> {programs.log}')
    programs("espeak-ng", f"echo tried >> {programs.log}; exit 1")
    sound = Sound(pytest.fail, on=True)
    sound.play(Tone.TAKE, "Fist")
    until(lambda: len(heard(programs)) == 2)
    sound.play(Tone.DONE, "done")
    until(lambda: len(heard(programs)) == 3)
    assert heard(programs) == ["take.wav", "tried", "done.wav"]
    sound.close()


def test_the_name_of_a_pose_is_no_option_of_the_speech_program(programs):
    programs("aplay", ":")
    programs("espeak-ng", f'echo "$1" >> {programs.log}')
    sound = Sound(pytest.fail, on=True)
    sound.play(Tone.TAKE, "-w/tmp/file")
    until(lambda: heard(programs))
    assert heard(programs) == ["w/tmp/file"]
    sound.close()
