"""A trial on a running daemon: connects the course with the feed, a file and a screen. It never arms the hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from myobridge.calibration.poses import load_poses
from myobridge.calibration.screen import Screen, open_screen
from myobridge.calibration.signals import Signals
from myobridge.calibration.trial.course import Course, Stage
from myobridge.calibration.trial.judge import Result, judge
from myobridge.calibration.trial.look import KEYS, TrialLook, look_at
from myobridge.calibration.trial.targets import Rules, check_range, choose
from myobridge.calibration.trial.words import sentences
from myobridge.errors import UserError
from myobridge.feed import About, Chunk, FeedClient, Snapshot
from myobridge.feed.audience import Audience
from myobridge.feed.messages import LOST, ConnectedBoard
from myobridge.files import write_bytes
from myobridge.model.file import LabelledPose, ModelSpec
from myobridge.recording import Header, RecordingWriter
from myobridge.recording.log import MAX_EVENTS
from myobridge.recording.log_frames import SUFFIX
from myobridge.recording.trial_records import Begun, Record, Shown, Target, Task

TURN_S: Final = 0.02
MOST_MESSAGES: Final = 500
"""Limit on the messages of one turn, so that keys are always read."""
FIRST_LOOK_S: Final = 5.0
FOLLOWING: Final = ("ARMED", "HOLD", "RELAX")
"""States in which the servos follow the wearer, or wait for good setpoints."""
ROOM: Final = 4
"""Records that a hand and the end of a trial need at most. A reader leaves out what is over MAX_EVENTS."""
BACK_S: Final = 60.0
"""How long to wait for a lost hand if nobody can press a key."""


class Plan(NamedTuple):
    """What a person asked for. poses: instead of the model's own poses."""

    task: Task
    targets: int
    rules: Rules
    seed: int
    freedoms: int = 1
    poses: Sequence[LabelledPose] = ()


def result_path(recording: Path) -> Path:
    """The file beside a recording that holds the result of its trial."""
    return recording.with_suffix(".trial.json")


def encode(result: Result) -> bytes:
    """A result as JSON; equal results are equal to the bit."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def is_proportional(spec: ModelSpec) -> bool:
    """Whether the model learned partial closings: from recordings with angles alone, or from such recordings too."""
    return not spec.poses or spec.proportional


def prepare(plan: Plan, about: About, board: ConnectedBoard, first: Snapshot) -> tuple[Begun, tuple[Target, ...]]:
    """The beginning of a trial and its targets. Judged is the hand that moves now: the servos' if it is armed.

    Raises:
        UserError: there is no target, or the servos cannot reach one.
    """
    spec = about.spec
    proportional = is_proportional(spec)
    targets = choose(
        plan.task,
        plan.poses or spec.poses or [pose.labelled for pose in load_poses()],
        spec.rest_pose_deg,
        plan.seed,
        targets=plan.targets,
        rules=plan.rules,
        proportional=proportional,
        freedoms=plan.freedoms,
    )
    check_range(targets, board.config)
    begun = Begun(
        task=plan.task,
        measured="applied" if first.state in FOLLOWING else "commanded",
        model=spec.name,
        proportional=proportional,
        rest_deg=spec.rest_pose_deg,
        seed=plan.seed,
        targets=len(targets),
    )
    return begun, targets


class LiveTrial:
    """Takes the messages of the feed, and writes the records that they lead to."""

    def __init__(self, begun: Begun, targets: Sequence[Target], writer: RecordingWriter) -> None:
        self.course = Course(targets, begun.rest_deg)
        self._begun, self._writer = begun, writer
        self._records: list[Record] = []
        self._here_deg: Sequence[float] = begun.rest_deg
        self._unseen_until_s = 0.0
        self._keep(begun)

    def take(self, message: Chunk | Snapshot) -> None:
        """Takes bytes of the port, or a hand.

        Raises:
            UserError: the daemon runs another model now, or the recording is full; the trial is broken off.
        """
        if isinstance(message, Chunk):
            self._writer.bytes(message.t_s, message.data)
            return
        if message.model != self._begun.model:
            self.stop()
            raise UserError(
                f"The daemon runs the model {message.model} now instead of {self._begun.model}; what was done is kept, "
                "so start another trial."
            )
        if len(self._records) > MAX_EVENTS - ROOM:
            self.stop()
            raise UserError(
                "The trial has lasted for an hour, and a recording holds no more; what was done is kept, so start "
                "another trial."
            )
        if message.at_s < self._unseen_until_s:
            return
        shown = self._shown(message)
        self._here_deg = shown.angles_deg
        self._keep(shown, *self.course.take(shown))

    def interrupt(self) -> None:
        """Nobody sees the hand from now on: a current target comes again."""
        self._keep(*self.course.interrupt())

    def seen_again(self, from_s: float) -> None:
        """Somebody sees the hand again; older hands, which have queued up, are not judged."""
        self._unseen_until_s = from_s

    def stop(self) -> None:
        """Breaks the trial off, unless it is over."""
        self._keep(*self.course.stop())

    def look(self) -> TrialLook:
        """The moment."""
        over = self.course.stage is Stage.DONE
        return look_at(self._begun, self.course, self._here_deg, sentences(self.result()) if over else ())

    def result(self) -> Result:
        """The result so far, from the records as they are in the log."""
        return judge(self._records)

    def _shown(self, look: Snapshot) -> Shown:
        applied = self._begun.measured == "applied"
        angles = look.applied_deg if applied else look.predicted_deg
        follows = bool(angles) and (look.state in FOLLOWING if applied else look.state != LOST)
        return Shown.of(look.at_s, follows, angles or list(self._here_deg))

    def _keep(self, *records: Record) -> None:
        for record in records:
            self._records.append(record)
            self._writer.trial(record)


def run_trial(port: str, out: Path | None, plan: Plan, say: Callable[[str], None]) -> tuple[Path, Result, str]:
    """Runs a trial on the daemon of `port`; the recording, the result, and why it ended early, or nothing.

    Raises:
        UserError: no daemon decides on this port, the trial has no target, or the file cannot be created.
    """
    with FeedClient(port) as feed:
        about = feed.subscribe("bytes", "snapshots")
        if (board := about.board) is None:
            raise UserError(f"The daemon on {port} has no board; plug the board in, or read the daemon's output.")
        first = feed.newest(FIRST_LOOK_S)
        if first is None:
            raise UserError(f"The daemon on {port} shows no hand; end it and start it again.")
        begun, targets = prepare(plan, about, board, first)
        named = out or Path(f"trial-{time.strftime('%Y%m%d-%H%M%S')}{SUFFIX}")
        header = Header(ident=board.ident, config=board.config, electrodes=about.spec.channels)
        with RecordingWriter(named, header, or_next=out is None) as writer:
            live = LiveTrial(begun, targets, writer)
            problem = _Runner(feed, live, open_screen(say, KEYS), Audience(port)).run()
        result = live.result()
    write_bytes(result_path(writer.path), encode(result))
    return writer.path, result, writer.problem or problem


class _Runner:
    """Runs a trial in real time. SIGINT, SIGTERM, SIGHUP and the key q stop it.

    Ctrl-Z and SIGSTOP are a break: the hands of that time are not judged, and the target comes again.
    """

    def __init__(self, feed: FeedClient, live: LiveTrial, screen: Screen, audience: Audience) -> None:
        self._feed, self._live, self._screen, self._audience = feed, live, screen, audience
        self._signals = Signals()
        self._heard_s = time.monotonic()

    def run(self) -> str:
        """Runs to the end; a sentence if the trial ended early and nobody wanted that."""
        problem = ""
        try:
            with self._screen, self._signals.heard():
                while self._live.course.stage is not Stage.DONE:
                    self._turn()
                self._show()
        except UserError as error:  # the daemon has ended
            problem = str(error)
        finally:
            self._live.stop()
            self._audience.leave()
        return problem

    def _turn(self) -> None:
        message, taken = self._feed.receive(TURN_S), 0
        while message is not None:
            self._take_a_break()
            self._live.take(message)
            taken += isinstance(message, Snapshot)
            message = self._feed.receive(0) if taken < MOST_MESSAGES else None
        if taken:
            self._show()
        self._take_a_break()
        self._wait_for_the_hand()
        if self._signals.stopping or "q" in self._screen.pressed().lower():
            self._live.stop()

    def _take_a_break(self) -> None:
        if not self._signals.breaking:
            return
        self._live.interrupt()
        self._signals.take_a_break(self._screen)
        self._heard_s = time.monotonic()
        self._live.seen_again(self._heard_s)

    def _wait_for_the_hand(self) -> None:
        now_s = time.monotonic()
        if self._live.course.stage is not Stage.WAITING:
            self._heard_s = now_s
        elif now_s - self._heard_s > BACK_S and not self._screen.interactive:
            raise UserError(f"The hand did not follow for {BACK_S:.0f} s; arm it, and start the trial again.")

    def _show(self) -> None:
        look = self._live.look()
        self._screen.show(look)
        self._audience.tell(look.prompt)
