"""A guided recording: connects the walk with a stream of bytes, a file and a screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.byte_source import ByteSource
from myobridge.calibration.follow_on_hand import OnTheHand
from myobridge.calibration.look import PRESS_P, Look, look_at
from myobridge.calibration.plan import COUNTS, IDLE, Cue, Discard, Event, Held, Stage, Walk
from myobridge.calibration.poses import GuidedPose
from myobridge.calibration.quality import QualityCheck
from myobridge.calibration.screen import Screen
from myobridge.calibration.signals import Signals
from myobridge.errors import UserError
from myobridge.feed import Chunk
from myobridge.feed.audience import Audience
from myobridge.model.file import REST
from myobridge.recording import RecordingWriter
from myobridge.wire.emg import parse_emg, sample_bits
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.messages import Emg

TURN_S: Final = 0.02
MOST_CHUNKS: Final = 500
"""Limit on the chunks of one turn, some seconds of a daemon's reads, so that keys are always read."""
SHOW_S: Final = 0.1
TELL_S: Final = 0.2
MOVING_S: Final = 0.04
"""A hand that moves is drawn, and told, this often."""
SILENT_S: Final = 1.0
"""Without samples for this long the board counts as lost, and the current pose will be repeated."""
STOPPED: Final = "The recording was stopped."
GIVE_UP_S: Final = 60.0
"""How long to wait for a lost board if nobody can press a key."""


@dataclass
class Outcome:
    """Result of a guided recording.

    movements: the holds are movements.
    problem: why the recording ended early, as a sentence; empty: it did not.
    stopped: a person ended the recording early.
    """

    holds: int = 0
    holds_kept: int = 0
    movements: bool = False
    redone: int = 0
    recorded_s: float = 0.0
    remarks: list[str] = field(default_factory=list)
    problem: str = ""
    stopped: bool = False


class GuidedRecording:
    """Runs the walk in real time."""

    def __init__(
        self,
        source: ByteSource,
        writer: RecordingWriter,
        walk: Walk,
        rest: GuidedPose,
        screen: Screen,
        audience: Audience,
        clock: Callable[[], float] = time.monotonic,
        on_hand: OnTheHand | None = None,
    ) -> None:
        """on_hand: shows the walk on the hand itself."""
        self._source, self._writer, self._walk = source, writer, walk
        self._rest, self._screen, self._audience, self._clock = rest, screen, audience, clock
        self._on_hand = on_hand
        self._channels = source.config.channel_mask.bit_count()
        self._fs_hz = source.ident.tick_hz / source.config.sample_period_ticks
        self._quality = QualityCheck(self._fs_hz, sample_bits(source.ident, source.config))
        self._frames = FrameDecoder()
        self._stretch: list[NDArray[np.int16]] = []
        """Samples since the last cue."""
        self._cue, self._cue_s = Cue(REST, IDLE), 0.0
        self._notes: tuple[str, ...] = ()
        self._heard_s = 0.0
        self._waiting = False
        self._signals = Signals()
        self._show_s = self._tell_s = 0.0
        moving = walk.coming is not None and walk.coming.movement is not None
        self.outcome = Outcome(holds=walk.holds_left, movements=moving)

    def run(self) -> Outcome:
        """Runs the walk to its end. SIGINT, SIGTERM and SIGHUP stop it, as the key q does.

        SIGTSTP (Ctrl-Z) pauses the walk and stops the process; both continue on SIGCONT.
        """
        self._heard_s = self._clock()
        self._note(self._resume(self._heard_s))
        try:
            with self._screen, self._signals.heard():
                while self._walk.stage is not Stage.DONE:
                    self._turn()
        except UserError as error:
            self._end(str(error))
        finally:
            self._note(self._walk.stop())
            self._audience.leave()
        self._remark(self._quality.ended())
        return self.outcome

    def _turn(self) -> None:
        chunk, taken = self._source.receive(TURN_S), 0
        if self._signals.breaking:
            self._suspend()
        while chunk is not None:  # after a stall many chunks wait, and a new cue must come after them
            self._take(chunk)
            taken += 1
            chunk = self._source.receive(0) if taken < MOST_CHUNKS else None
        now_s = self._clock()
        self._listen(now_s)
        if self._on_hand is not None:
            self._note(self._on_hand.attend(now_s))
        self._note(self._walk.tick(now_s))
        for key in self._screen.pressed():
            self._press(key, now_s)
        if self._writer.problem:
            self._end(self._writer.problem)
        elif self._signals.stopping:
            self._end(STOPPED, stopped=True)
        self._show(now_s)

    # --- the stream ---------------------------------------------------------------------------------------

    def _take(self, chunk: Chunk) -> None:
        self._writer.bytes(chunk.t_s, chunk.data)
        for frame in self._frames.feed(chunk.data):
            parsed = parse_emg(frame, self._channels) if frame[0] == Emg.TYPE else None
            if parsed is not None:
                self._heard_s = self._clock()
                self._stretch.append(parsed[2])
                if self._walk.stage in COUNTS:
                    self.outcome.recorded_s += len(parsed[2]) / self._fs_hz

    def _listen(self, now_s: float) -> None:
        """Pauses the walk while no samples arrive."""
        silent_s = now_s - self._heard_s
        if self._waiting:
            if silent_s <= SILENT_S:
                self._waiting = False
                self._note(self._resume(now_s))
            elif silent_s > GIVE_UP_S and not self._screen.interactive:
                self._end(f"No samples arrived for {GIVE_UP_S:.0f} s.")
        elif silent_s > SILENT_S and self._walk.stage is not Stage.PAUSED:
            self._writer.note("No samples arrive.")
            if self._walk.stage is Stage.REST and self._heard_s < self._cue_s:
                self._note(self._walk.redo(now_s))  # the samples stopped before the pose was over
            self._note(self._walk.pause())
            self._waiting = True

    def _suspend(self) -> None:
        """Pauses the walk while the process is stopped, because nobody follows cues and a shell uses the terminal."""
        if self._walk.stage is not Stage.PAUSED:
            self._note(self._walk.pause())
            self._waiting = True
        self._signals.take_a_break(self._screen)
        self._show_s = 0.0

    # --- the walk -----------------------------------------------------------------------------------------

    def _resume(self, now_s: float) -> list[Event]:
        """Goes on; a walk that the hand shows goes on after a press of its button."""
        return self._walk.resume(now_s) if self._on_hand is None else []

    def _note(self, events: Sequence[Event]) -> None:
        """Writes the events down, and judges a hold that has just ended."""
        for event in events:
            match event:
                case Cue(label, repetition):
                    if label != REST and self._cue.label == REST:
                        self._quality.rested(self._samples())
                    self._writer.cue(label, repetition)
                    self._cue, self._cue_s = event, self._clock()
                    self._stretch.clear()
                case Discard(label, repetition):
                    self._writer.discard(label, repetition)
                    if label != REST:
                        self.outcome.redone += 1
                case Held(hold):
                    self._notes = ()
                    seconds, moving = self._walk.seconds(hold), hold.movement is not None
                    self._remark(self._quality.held(self._samples(), hold.pose.name, seconds, moving=moving))
        self.outcome.holds_kept = self.outcome.holds - self._walk.holds_left
        if events:
            self._show_s = self._tell_s = 0.0

    def _samples(self) -> NDArray[np.int16]:
        return np.concatenate([np.empty((0, self._channels), np.int16), *self._stretch])

    def _remark(self, sentences: Sequence[str]) -> None:
        for sentence in sentences:
            self._writer.note(sentence)
        self._notes += tuple(sentences)
        self.outcome.remarks += sentences

    def _press(self, key: str, now_s: float) -> None:
        match key.lower():
            case "r":
                self._note(self._walk.redo(now_s))
            case "p" | " ":
                self._waiting = False
                paused = self._walk.stage is Stage.PAUSED
                self._note(self._resume(now_s) if paused else self._walk.pause())
            case "q":
                self._end(STOPPED, stopped=True)

    def _end(self, why: str, *, stopped: bool = False) -> None:
        if self._walk.stage is not Stage.DONE:
            self.outcome.problem, self.outcome.stopped = why, stopped
            self._note(self._walk.stop())

    # --- who looks on -------------------------------------------------------------------------------------

    def _look(self, now_s: float) -> Look:
        paused = PRESS_P if self._on_hand is None else self._on_hand.waits_for
        return look_at(
            self._walk, self._rest, self.outcome.holds, now_s, waiting=self._waiting, notes=self._notes, paused=paused
        )

    def _show(self, now_s: float) -> None:
        moving = self._walk.shown_deg(now_s) is not None
        if now_s >= self._show_s:
            self._show_s = now_s + (MOVING_S if moving else SHOW_S)
            self._screen.show(self._look(now_s))
        if now_s >= self._tell_s:
            self._tell_s = now_s + (MOVING_S if moving else TELL_S)
            self._audience.tell(self._look(now_s).prompt)
