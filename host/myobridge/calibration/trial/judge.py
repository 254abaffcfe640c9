"""The result of a trial: a pure function of the records of its log. Live and replayed trials pass through here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import Final

import msgspec

from myobridge.calibration.trial.attempt import Attempt, Place
from myobridge.calibration.trial.fitts import Condition, Throughput, conditions, throughput
from myobridge.errors import UserError
from myobridge.recording.trial_records import Answer, Begun, Ended, Measured, Outcome, Record, Shown, Target, Task

POINTS: Final = 10
"""Points for a target in practice; a quick one gets as many again."""
DAMAGED: Final = "The answers in the recording do not follow from its hands; take the undamaged recording."


class TargetResult(msgspec.Struct, frozen=True):
    """One target. time_s: until the hand came into the target for good, without the dwell; None: it did not.

    start, end: where the hand was as the target appeared, and at the end, in the space in which it is judged.
    overshoots: how often the hand left the target before it had stayed long enough.
    """

    number: int
    name: str
    depth: float
    outcome: Outcome
    time_s: float | None
    path_efficiency: float | None
    overshoots: int
    start: Place
    end: Place


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial gave.

    finished: nobody broke the trial off.
    targets: the targets that are over; interrupted ones do not count, and come again.
    completion: share of them that was reached. time_s: median; path_efficiency, overshoots: means.
    conditions, throughput: of Fitts's law.
    false_movements, away_s: of a rest test; how often and how long the hand left rest.
    score, best_score: of practice.
    """

    task: Task
    measured: Measured
    model: str
    proportional: bool
    seed: int
    finished: bool
    planned: int
    interrupted: int
    targets: tuple[TargetResult, ...]
    completion: float | None = None
    time_s: float | None = None
    path_efficiency: float | None = None
    overshoots: float | None = None
    conditions: tuple[Condition, ...] = ()
    throughput: Throughput | None = None
    false_movements: int | None = None
    away_s: float | None = None
    score: int | None = None
    best_score: int | None = None


def judge(records: Iterable[Record]) -> Result:
    """The result of the records of one trial, in their order.

    Raises:
        UserError: there is no trial in the records, or their answers are not those of their hands.
    """
    begun, finished = None, False
    attempts: list[Attempt] = []
    written: list[tuple[int, Outcome]] = []
    hand = Shown(0.0, False, ())
    for record in records:
        match record:
            case Begun():
                begun, attempts, written, finished = record, [], [], False
            case Target():
                if not hand.angles_cdeg:
                    raise UserError(DAMAGED)
                attempts.append(Attempt(record, hand))
            case Shown():
                hand = record
                if attempts and attempts[-1].outcome is None:
                    attempts[-1].take(record)
            case Answer():
                written.append((record.number, record.outcome))
                if attempts and attempts[-1].outcome is None:
                    attempts[-1].outcome = "interrupted"  # the wearer broke the trial off
            case Ended():
                finished = record.finished
    if begun is None:
        raise UserError("The recording holds no trial; record one with `myobridge trial --port PORT`.")
    over = [attempt for attempt in attempts if attempt.outcome is not None]
    if [(attempt.target.number, attempt.outcome) for attempt in over][: len(written)] != written:
        raise UserError(DAMAGED)
    counted = [attempt for attempt in over if attempt.outcome != "interrupted"]
    return _result(begun, finished, counted, len(over) - len(counted))


def _result(begun: Begun, finished: bool, counted: Sequence[Attempt], interrupted: int) -> Result:
    result = Result(
        task=begun.task,
        measured=begun.measured,
        model=begun.model,
        proportional=begun.proportional,
        seed=begun.seed,
        finished=finished,
        planned=begun.targets,
        interrupted=interrupted,
        targets=tuple(map(_of_target, counted)),
    )
    if not counted:
        return result
    if begun.task == "rest":
        return _of_rest(result, counted[0])
    reached = [target for target in result.targets if target.outcome == "reached"]
    efficiencies = [target.path_efficiency for target in reached if target.path_efficiency is not None]
    kinds = conditions(counted, begun.rest_deg) if begun.task == "fitts" else []
    return msgspec.structs.replace(
        result,
        completion=len(reached) / len(counted),
        time_s=median([target.time_s for target in reached if target.time_s is not None]) if reached else None,
        path_efficiency=fmean(efficiencies) if efficiencies else None,
        overshoots=fmean(target.overshoots for target in result.targets),
        conditions=tuple(kinds),
        throughput=throughput(kinds),
        score=sum(map(points, counted)) if begun.task == "practice" else None,
        best_score=2 * POINTS * begun.targets if begun.task == "practice" else None,
    )


def _of_rest(result: Result, attempt: Attempt) -> Result:
    return msgspec.structs.replace(
        result, false_movements=attempt.exits + (not attempt.began_inside), away_s=attempt.outside_s
    )


def _of_target(attempt: Attempt) -> TargetResult:
    target = attempt.target
    assert attempt.outcome is not None
    return TargetResult(
        number=target.number,
        name=target.name,
        depth=target.depth,
        outcome=attempt.outcome,
        time_s=attempt.movement_s,
        path_efficiency=attempt.path_efficiency,
        overshoots=attempt.exits,
        start=attempt.start,
        end=attempt.end,
    )


def points(attempt: Attempt) -> int:
    """Points for an attempt: some for the target, and up to as many again for the time that was left."""
    if attempt.movement_s is None:
        return 0
    return POINTS + round(POINTS * max(0.0, 1 - attempt.movement_s / attempt.target.timeout_s))
