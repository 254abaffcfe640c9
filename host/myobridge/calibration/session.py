"""One guided recording, from opening the port to closing the file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import SystemRandom

from myobridge.calibration.byte_source import ByteSource, open_source
from myobridge.calibration.follow_on_hand import ActingHand, OnTheHand, for_the_hand
from myobridge.calibration.look import clock
from myobridge.calibration.plan import Timing, Walk, schedule, schedule_movements
from myobridge.calibration.poses import GuidedPose
from myobridge.calibration.recorder import GuidedRecording, Outcome
from myobridge.calibration.screen import open_screen
from myobridge.calibration.servos.board import UNCONFIRMED
from myobridge.errors import UserError
from myobridge.feed.audience import Audience
from myobridge.model.file import REST, ModelSpec
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.recording.following import judge, sentences
from myobridge.recording.log import read_log
from myobridge.recording.log_frames import SUFFIX
from myobridge.recording.movement import Movement
from myobridge.recording.open import open_recording
from myobridge.settings import Settings


def fresh_seed() -> int:
    """A random seed, so that the poses come in another order each time."""
    return SystemRandom().randrange(1 << 16)


def record_session(
    port: str,
    out: Path | None,
    prefix: str,
    spec: ModelSpec,
    settings: Settings,
    poses: Sequence[GuidedPose],
    timing: Timing,
    seed: int,
    say: Callable[[str], None],
    check: Callable[[ByteSource], None] = lambda _source: None,
    movements: Sequence[Movement] = (),
    *,
    on_the_hand: bool = False,
) -> tuple[Path, Outcome]:
    """Guides the wearer through `poses` and records; the file and the outcome.

    Args:
        port: the serial port of the hand; a daemon that runs there keeps running.
        out: the `.myo` file to write; None: the next free name of `prefix` and the time.
        prefix: beginning of the file's name if there is no `out`.
        spec: the model whose channels and rate are recorded; a running daemon's own model comes first.
        settings: for the port, unless a daemon has the port.
        poses: the poses to hold, rest included.
        timing: how many times and how long to hold each pose.
        seed: determines the order of the poses.
        say: prints sentences for the wearer.
        check: may refuse the stream before the recording begins.
        movements: if there are any, the wearer follows these instead of holding poses.
        on_the_hand: the hand itself shows the movements; no daemon may have the port.

    Raises:
        UserError: there is no stream to record, the file cannot be created, or nothing was recorded.
    """
    hand = ActingHand(port, spec, settings) if on_the_hand else None
    source = hand or open_source(port, spec, settings)
    try:
        check(source)
        if hand is not None:
            movements = for_the_hand(movements, hand.config, timing)
        labelled = () if movements else tuple(pose.labelled for pose in poses)
        header = Header(
            ident=source.ident,
            config=source.config,
            poses=labelled,
            movements=tuple(movements),
            electrodes=source.electrodes,
        )
        walk = _walk(poses, movements, timing, seed, say)
        rest = next(pose for pose in poses if pose.label == REST)
        named = out or Path(f"{prefix}-{time.strftime('%Y%m%d-%H%M%S')}{SUFFIX}")
        with RecordingWriter(named, header, or_next=out is None) as writer:
            writer.note(f"Order of the {'movements' if movements else 'poses'}: seed {seed}.")
            on_hand = None if hand is None else OnTheHand(hand, walk)
            audience = Audience(port)
            outcome = GuidedRecording(source, writer, walk, rest, open_screen(say), audience, on_hand=on_hand).run()
    finally:
        source.close()
    if hand is not None and hand.pulses_on:
        outcome.problem, outcome.stopped = UNCONFIRMED.format(port), False
    outcome.problem = outcome.problem or writer.problem
    if writer.problem:  # some samples did not get into the file
        outcome.recorded_s = min(outcome.recorded_s, read_log(writer.path).samples / header.fs_hz)
    if not outcome.recorded_s:
        writer.path.unlink(missing_ok=True)
        raise UserError(f"{outcome.problem.rstrip('.')}, so nothing was recorded; start again when you are ready.")
    return writer.path, outcome


def _walk(
    poses: Sequence[GuidedPose],
    movements: Sequence[Movement],
    timing: Timing,
    seed: int,
    say: Callable[[str], None],
) -> Walk:
    """The way through the movements, or else through the poses; says how long it takes."""
    repetitions = timing.repetitions
    holds = schedule_movements(movements, repetitions, seed) if movements else schedule(poses, repetitions, seed)
    walk = Walk(holds, timing)
    what = "Movements to follow" if movements else "Poses to hold"
    say(f"{what}: {len(holds)}, which takes {clock(walk.left_s(0))} minutes; Ctrl-C stops and keeps the recording.")
    return walk


def sum_up(outcome: Outcome, out: Path) -> list[str]:
    """The outcome as sentences; the caller reports a problem that nobody wanted."""
    redone = f" ({outcome.redone} repeated)" if outcome.redone else ""
    held = "Movements shown" if outcome.movements else "Poses held"
    return [
        *outcome.remarks[-3:],
        *([outcome.problem] if outcome.stopped else []),
        f"{held}: {outcome.holds_kept} of {outcome.holds}{redone}; {out} holds {outcome.recorded_s:.0f} s of EMG.",
    ]


def how_followed(path: Path) -> list[str]:
    """How the wearer followed the movements of a recording, as sentences.

    Raises:
        UserError: the recording cannot be read.
    """
    file = open_recording(path)
    assert file.log is not None
    names = {movement.label: movement.name for movement in file.log.header.movements}
    return sentences(judge(Recording.load(path)), names)
