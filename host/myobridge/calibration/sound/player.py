"""Plays tones and words through programs of the system, from a thread that the daemon's loop never waits for."""

from __future__ import annotations

import shutil
import subprocess
import time
from _queue import SimpleQueue
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final

from myobridge.calibration.sound.tones import Tone, wav

PLAYERS: Final = (("pw-play",), ("paplay",), ("aplay", "-q"))
"""Each takes a WAV file."""
SPEAKERS: Final = (("espeak-ng",), ("spd-say", "--wait"), ("say",))
"""Each takes the words."""
LONGEST_S: Final = 4.0
"""A player that takes longer hangs, and is ended."""
WORDS_S: Final = 30.0
"""Words are cut off after this time, and by the next sound: a late tone would break the rhythm."""
POLL_S: Final = 0.05
MOST_WAITING: Final = 3
"""Later sounds are dropped while so many wait: a late prompt is worse than none."""
NO_SOUND: Final = (
    "No sound: none of the programs pw-play, paplay and aplay is installed; install alsa-utils, or set [sound] on = "
    "false. The light on the board and the page show the same."
)
SOUND_FAILED: Final = (
    "No sound: {} cannot play ({}); connect a loudspeaker, or set [sound] on = false. The light on the board and the "
    "page show the same."
)


class Sound:
    """The loudspeaker of one run. Nothing starts before the first sound."""

    def __init__(self, tell: Callable[[str], None], *, on: bool) -> None:
        """tell: gets a sentence, once, if nothing can be heard; it must not block."""
        self._tell, self._on = tell, on
        self._waiting: SimpleQueue[tuple[Tone, str] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def play(self, tone: Tone, words: str = "") -> None:
        """Plays a tone, and then says words where a speech program is installed. Returns at once."""
        if not self._on or self._waiting.qsize() >= MOST_WAITING:
            return
        self._waiting.put((tone, words))
        if self._thread is None:
            self._thread = Thread(target=self._run, name="sound", daemon=True)
            try:
                self._thread.start()
            except (RuntimeError, MemoryError):  # the system has no thread left
                self._on = False

    def close(self) -> None:
        """Ends the thread after what it is playing."""
        self._on = False
        self._waiting.put(None)

    def _run(self) -> None:
        from myobridge.daemon.realtime import leave_realtime  # noqa: PLC0415 - only a thread beside the loop needs it

        leave_realtime()
        player, speaker = _installed(PLAYERS), _installed(SPEAKERS)
        if player is None:
            self._on = False
            self._tell(NO_SOUND)
            return
        try:
            with TemporaryDirectory(prefix="myobridge-sound-") as name:
                self._play_all(Path(name), player, speaker)
        except (OSError, subprocess.SubprocessError) as error:
            self._on = False
            self._tell(SOUND_FAILED.format(player[0], error))

    def _play_all(self, folder: Path, player: tuple[str, ...], speaker: tuple[str, ...] | None) -> None:
        while (sound := self._waiting.get()) is not None:
            tone, words = sound
            file = folder / f"{tone.name.lower()}.wav"
            if not file.exists():
                file.write_bytes(wav(tone))
            _run(*player, str(file))
            if words and speaker is not None and not self._speaks(*speaker, words.lstrip("-")):  # no option
                speaker = None  # the tones go on without it

    def _speaks(self, *command: str) -> bool:
        """Says something until the next sound is due; whether the program works."""
        nothing, until_s = subprocess.DEVNULL, time.monotonic() + WORDS_S
        try:
            with subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing) as process:
                while process.poll() is None and self._waiting.empty() and time.monotonic() < until_s:
                    time.sleep(POLL_S)
                if process.poll() is None:
                    process.kill()
                    return True
        except OSError:
            return False
        return process.returncode == 0


def _installed(programs: tuple[tuple[str, ...], ...]) -> tuple[str, ...] | None:
    return next((program for program in programs if shutil.which(program[0])), None)


def _run(*command: str) -> None:
    """Runs a program to its end.

    Raises:
        OSError: the program cannot be started.
        subprocess.SubprocessError: the program fails or hangs.
    """
    nothing = subprocess.DEVNULL
    subprocess.run(command, stdin=nothing, stdout=nothing, stderr=nothing, timeout=LONGEST_S, check=True)
