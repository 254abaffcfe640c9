"""A calibration in the running daemon: rhythm, EMG, arithmetic, swap, and what the wearer is told.

Permission stays with its owner (`permission/rules.py`): the calibrator asks it to let the hand act, as the person who
ordered the calibration, and ends as soon as anybody takes that back. Everything slow happens in threads and processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from myobridge.calibration.beside_messages import Found
from myobridge.calibration.morning import texts
from myobridge.calibration.morning.compute import Computation
from myobridge.calibration.morning.guide import MOST_POSES, Asked, Broken, Event, Forgotten, Guide, Held, Stage
from myobridge.calibration.morning.takes import Takes, contact_words
from myobridge.calibration.sound.player import Sound
from myobridge.calibration.sound.tones import Tone
from myobridge.daemon.connection import Connection
from myobridge.daemon.model_swap import ModelSwap
from myobridge.daemon.permission.requests import Requests
from myobridge.daemon.permission.rules import Answer
from myobridge.errors import UserError
from myobridge.feed.calibration_state import IDLE, CalibrationState, Step
from myobridge.feed.messages import Request
from myobridge.feed.server import OpenRequest
from myobridge.model.file import REST, LabelledPose
from myobridge.settings import Settings
from myobridge.wire.emg import sample_bits
from myobridge.wire.messages import State

FRESH_S: Final = 10.0
"""The hand follows by itself only this soon after the last pose was held; later, the wearer may have turned away."""
TIMED: Final = (Stage.REST, Stage.ACTING, Stage.HOLD)
STEPS: Final[dict[Stage, Step]] = {
    Stage.CONTACT: "contact",
    Stage.REST: "rest",
    Stage.ACTING: "acting",
    Stage.HOLD: "hold",
    Stage.PAUSED: "paused",
    Stage.OVER: "computing",
}


class _Run(NamedTuple):
    """What belongs to one calibration."""

    guide: Guide
    takes: Takes
    computation: Computation
    connection: Connection


class Calibrator:
    """At most one calibration at a time."""

    def __init__(
        self, requests: Requests, swap: ModelSwap, settings: Settings, sound: Sound, tell: Callable[[str], None]
    ) -> None:
        """tell: gets sentences for people; it must not block."""
        self._requests, self._swap, self._settings, self._sound, self._tell = requests, swap, settings, sound, tell
        self._run: _Run | None = None
        self._taken_back_before = 0
        """How often the permission had been taken back when the person asked for what goes on now."""
        self._permitted = False
        """The hand has got the permission to act since then."""
        self._over_s = 0.0
        """When the last pose had been held."""
        self._swapping = False
        self._hint = ""
        """About the pose that has just been held."""
        self._outcome = IDLE
        self.computation: Callable[[Path, Path], Computation] = Computation

    @property
    def running(self) -> bool:
        """A calibration is under way; a paused one, too."""
        return self._run is not None

    def state(self, now_s: float) -> CalibrationState:
        """For the snapshot."""
        if self._run is None:
            return self._outcome
        guide = self._run.guide
        pose = guide.pose
        shows = guide.stage in TIMED
        return CalibrationState(
            step=STEPS[guide.stage],
            pose=pose.name if pose is not None and shows else "",
            index=guide.index + 1 if pose is not None and shows else 0,
            of=len(guide.poses),
            remaining_s=round(guide.left_s(now_s), 2),
            text=f"{self._hint} {texts.of_stage(guide)}".strip(),
            acted_deg=guide.asked.angles_deg if shows else (),
        )

    # --- orders -------------------------------------------------------------------------------------------

    def calibrate(
        self, base: Path, mine: Path, answer: Answer, connection: Connection | None, asked_s: float, now_s: float
    ) -> None:
        """Starts a calibration of the running model `base` into the wearer's file `mine`, or goes on after a pause."""
        run = self._run
        if run is not None and run.guide.stage is Stage.PAUSED:
            run.guide.resume()
        elif run is not None or self._swap.busy:
            answer(False, texts.RUNS_ALREADY)
            return
        elif why := self._begin(base, mine, connection):
            self._end("failed", why, Tone.FAILED)
            answer(False, why)
            return
        self._taken_back_before, self._permitted, begun = self._requests.times_taken_back, False, self._run
        self._requests.act(lambda ok, text: self._answered(begun, answer, ok, text), connection, asked_s, now_s)

    def redo(self, answer: Answer, now_s: float) -> None:
        """Repeats the current pose, or the one that has just ended."""
        if self._run is None:
            answer(False, texts.NO_CALIBRATION)
            return
        events = self._run.guide.redo(now_s)
        self._note(self._run, events, now_s)
        answer(bool(events), texts.AGAIN if events else texts.NOT_AGAIN)

    def pause(self, answer: Answer, now_s: float) -> None:
        """Disarms the hand and keeps what was held."""
        if self._run is None or self._run.guide.stage is Stage.OVER:
            answer(False, texts.NO_CALIBRATION)
            return
        self._note(self._run, self._run.guide.pause(), now_s)
        self._rest_hand(self._run)
        answer(True, texts.PAUSED)

    def stop(self, answer: Answer) -> None:
        """Ends the calibration; the old model stays."""
        if self._run is None:
            answer(False, texts.NO_CALIBRATION)
            return
        if self._too_late:
            answer(False, texts.TOO_LATE)
            return
        self._end("failed", texts.STOPPED, Tone.FAILED)
        answer(True, texts.STOPPED)

    def lost(self) -> None:
        """The daemon ends, or has lost the hand."""
        if self._run is not None:
            self._end("failed", texts.LOST_LATE if self._too_late else texts.LOST, Tone.FAILED)

    def pressed(self) -> bool:
        """A press of the button has begun; whether it has ended a calibration, and so asks for nothing else."""
        if self._run is None:
            return False
        if not self._too_late:
            self._end("failed", texts.PRESSED, Tone.FAILED)
        return True

    def _begin(self, base: Path, mine: Path, connection: Connection | None) -> str:
        """Prepares everything; why that is impossible, or an empty text."""
        if connection is None or not connection.streaming:
            return texts.LOST if connection is None else "The hand does not stream; calibrate once it does."
        stream, ident, config = connection.setpoints.stream, connection.session.ident, connection.session.config
        assert stream is not None and ident is not None and config is not None, "it streams"
        spec = stream.pipeline.spec
        if len({pose.label for pose in spec.poses} | {REST}) < 2 or all(pose.label != REST for pose in spec.poses):
            return texts.NO_POSES.format(spec.name)
        guide = Guide(spec.poses)
        if len(guide.poses) > MOST_POSES:
            return texts.TOO_MANY.format(spec.name, len(guide.poses), MOST_POSES)
        if bad := contact_words(spec.channels, stream.pipeline.contact.verdicts):
            return texts.BAD_CONTACT.format(bad)
        computation = self.computation(base, mine)
        try:
            computation.begin()
        except UserError as error:
            return str(error)
        takes = Takes(spec.channels, spec.fs_hz, sample_bits(ident, config), self._settings.safety)
        self._run, self._hint = _Run(guide, takes, computation, connection), ""
        self._requests.calibrating = True
        connection.setpoints.heard = takes.take
        return ""

    def _answered(self, run: _Run | None, answer: Answer, ok: bool, text: str) -> None:
        """The owner of permission lets the hand act, or says why not."""
        waits = run is not None and self._run is run and run.guide.stage is Stage.CONTACT
        answer(ok and waits, texts.BEGINS if ok and waits else texts.NOT_BEGUN if ok else text)
        if waits and ok:
            self._permitted = True
        elif waits:
            self._end("failed", text, Tone.FAILED)

    # --- each turn ----------------------------------------------------------------------------------------

    def attend(self, connection: Connection | None, now_s: float) -> None:
        """Lets the calibration go on; called on each turn of the loop."""
        run = self._run
        if run is None:
            return
        if connection is not run.connection:
            self.lost()
        elif self._taken_back and not self._too_late:
            self._end("failed", texts.TAKEN_BACK, Tone.FAILED)
        elif run.guide.stage is Stage.OVER:
            self._compute(run)
        elif run.guide.stage is Stage.CONTACT:
            if self._permitted:  # a board that has ended it since then is found out in the next turn
                self._note(run, run.guide.permitted(now_s), now_s)
        elif run.guide.stage in TIMED:
            self._guide(run, now_s)

    def _guide(self, run: _Run, now_s: float) -> None:
        if not run.connection.acting:
            self._end("failed", texts.ENDED_BY_BOARD.format(run.connection.explain().rstrip(".")), Tone.FAILED)
            return
        if refused := run.computation.over():
            self._end("failed", refused.refusal, Tone.FAILED)
            return
        self._note(run, run.guide.tick(now_s), now_s)
        if self._run is not None and run.guide.stage is Stage.OVER:
            self._over_s = now_s
            self._rest_hand(run)
            run.connection.setpoints.heard = None
            run.computation.give(run.takes.taken((run.guide.rest, *run.guide.poses)))

    def _note(self, run: _Run, events: list[Event], now_s: float) -> None:
        for event in events:
            match event:
                case Asked(pose):
                    self._ask(run, pose)
                case Broken():
                    run.takes.broken()
                case Forgotten(pose):
                    run.takes.forget(pose)
                case Held(pose):
                    self._held(run, pose.name)
        if self._run is run:
            run.connection.setpoints.acted_cdeg = self._within(run.guide.asked)

    def _ask(self, run: _Run, pose: LabelledPose) -> None:
        run.takes.asked(pose)
        if pose.label != REST:
            self._hint = ""
            self._sound.play(Tone.TAKE, pose.name)

    def _held(self, run: _Run, name: str) -> None:
        problem = run.takes.held(name)
        if not problem:
            self._hint = run.takes.looks_like()
            self._sound.play(Tone.LET_GO, self._hint)
        elif run.guide.again():
            self._hint = problem
            self._sound.play(Tone.AGAIN, problem)
        else:
            self._end("failed", texts.TOO_OFTEN.format(problem), Tone.FAILED)

    def _within(self, pose: LabelledPose) -> tuple[int, ...]:
        servo = self._settings.servo
        rows = zip(pose.angles_deg, servo.min_deg, servo.max_deg, strict=True)
        return tuple([round(100 * min(max(angle, low), high)) for angle, low, high in rows])

    # --- the end ------------------------------------------------------------------------------------------

    def _compute(self, run: _Run) -> None:
        found = run.computation.over()
        if found is None or self._swapping or run.connection.may_be_moving:
            return
        if found.refusal:
            self._end("failed", found.refusal, Tone.FAILED)
        elif found.better:
            self._swap_in(run, found)
        else:
            self._finish(run, found, found.before)

    def _swap_in(self, run: _Run, found: Found) -> None:
        """Lets the daemon take the new model over, which is in place already."""

        def swapped(ok: bool, text: str) -> None:
            self._swapping = False
            if self._run is run and ok:
                self._finish(run, found, found.after)
            elif self._run is run:
                self._end("failed", f"{text} {texts.IN_PLACE}", Tone.FAILED)

        self._swapping = True
        request = Request(id=1, do="model", path=str(run.computation.mine))
        self._swap.begin(OpenRequest(request, swapped), run.connection)

    def _finish(self, run: _Run, found: Found, accuracy: float | None) -> None:
        """A model is in force; the wearer, who has just done what was asked, may now be followed.

        accuracy: of the model in force.
        """
        poor, late = (accuracy or 0) < texts.LEAST_TO_FOLLOW, time.monotonic() - self._over_s > FRESH_S
        # Any other state is a fault, which an ARM would end although no person has looked at it.
        disarmed = run.connection.state is State.DISARMED
        follows = disarmed and not (poor or late or self._taken_back)
        said = (texts.BETTER if found.better else texts.KEPT).format(" ".join((found.words, *found.doubts)))
        text = said if follows else f"{said} {texts.POOR if poor else texts.NOT_ARMED}"
        self._close()
        self._outcome = CalibrationState(
            step="done", text=text, scores=found.scores, before=found.before, after=found.after
        )
        self._tell(text)
        self._sound.play(Tone.FAILED if poor else Tone.DONE, text)
        if follows:
            self._requests.arm(run.connection)

    @property
    def _taken_back(self) -> bool:
        """Somebody has disarmed or stopped the hand since the person asked."""
        return self._requests.times_taken_back != self._taken_back_before or self._requests.estop

    @property
    def _too_late(self) -> bool:
        """The new model is in place already, or on its way there, so nothing stops it."""
        return self._swapping or (self._run is not None and self._run.computation.keeping)

    def _end(self, step: Step, text: str, tone: Tone) -> None:
        self._close()
        self._outcome = CalibrationState(step=step, text=text)
        self._tell(text)
        self._sound.play(tone, text)

    def _close(self) -> None:
        run, self._run = self._run, None
        self._requests.calibrating = False
        if run is not None:
            run.computation.cancel()
            run.connection.setpoints.heard = None
            self._rest_hand(run)

    def _rest_hand(self, run: _Run) -> None:
        self._requests.end_act()
        run.connection.setpoints.acted_cdeg = None
