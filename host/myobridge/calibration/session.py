"""One guided recording from the opened port to the closed file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import SystemRandom

from myobridge.calibration.byte_source import ByteSource, open_source
from myobridge.calibration.look import clock
from myobridge.calibration.plan import Timing, Walk, schedule
from myobridge.calibration.poses import REST, GuidedPose
from myobridge.calibration.recorder import GuidedRecording, Outcome
from myobridge.calibration.screen import open_screen
from myobridge.errors import UserError
from myobridge.feed.audience import Audience
from myobridge.model.file import ModelSpec
from myobridge.recording import Header, RecordingWriter
from myobridge.recording.log import read_log
from myobridge.recording.log_frames import SUFFIX
from myobridge.settings import Settings


def fresh_seed() -> int:
    """Another order of the poses each time."""
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
) -> tuple[Path, Outcome]:
    """Guides the wearer through `poses` and records; the file, and what came of it.

    Args:
        port: of the hand; a daemon that has it goes on.
        out: the `.myo` file to make; None: the next free name of `prefix` and the time.
        prefix: how the file's name begins if there is no `out`.
        spec: whose channels and rate are recorded, unless a daemon runs: then it is what that has.
        settings: for the port, unless a daemon has it.
        poses: to hold, rest among them.
        timing: how often and how long.
        seed: the order of the poses follows from it.
        say: gets sentences for the wearer.
        check: may refuse the stream before anything is recorded.

    Raises:
        UserError: there is no stream to record, the file cannot be made, or nothing was recorded.
    """
    source = open_source(port, spec, settings)
    try:
        check(source)
        labelled = tuple(pose.labelled for pose in poses)
        header = Header(ident=source.ident, config=source.config, poses=labelled, electrodes=source.electrodes)
        holds = schedule(poses, timing.repetitions, seed)
        walk = Walk(holds, timing)
        minutes = clock(timing.ready_s + timing.recorded_s(len(holds)))
        say(f"Poses to hold: {len(holds)}, which takes {minutes} minutes; Ctrl-C stops and keeps what there is.")
        rest = next(pose for pose in poses if pose.label == REST)
        named = out or Path(f"{prefix}-{time.strftime('%Y%m%d-%H%M%S')}{SUFFIX}")
        with RecordingWriter(named, header, or_next=out is None) as writer:
            writer.note(f"Order of the poses: seed {seed}.")
            outcome = GuidedRecording(source, writer, walk, rest, open_screen(say), Audience(port)).run()
    finally:
        source.close()
    outcome.problem = outcome.problem or writer.problem
    if writer.problem:  # not all that came got into the file
        outcome.recorded_s = min(outcome.recorded_s, read_log(writer.path).samples / header.fs_hz)
    if not outcome.recorded_s:
        writer.path.unlink(missing_ok=True)
        raise UserError(f"Nothing was recorded. {outcome.problem} Start again when you are ready.")
    return writer.path, outcome


def sum_up(outcome: Outcome, out: Path) -> list[str]:
    """What came of it, as sentences; a problem that nobody wanted is the caller's to tell."""
    redone = f" ({outcome.redone} done again)" if outcome.redone else ""
    return [
        *outcome.remarks[-3:],
        *([outcome.problem] if outcome.stopped else []),
        f"Poses held: {outcome.holds_kept} of {outcome.holds}{redone}; {outcome.recorded_s:.0f} s of EMG are in {out}.",
    ]
