"""Days as a benchmark: decoders that learn from earlier sessions, judged on later ones with three kinds of knowledge.

- none: nothing of the new session. A decoder may follow the session in file order, from a fresh start.
- unlabelled: the first seconds of each movement without their labels, as of a wearer who moves once through all poses.
- labelled: these seconds with their labels.

All three are judged on the same windows, those after the known seconds, with the angles that the hand would hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.judge import taken_for_another
from myobridge.model.file import REST
from myobridge_models.evaluation.decisions import Angles, Decisions, held_at, holds_of
from myobridge_models.evaluation.evaluate import balanced_accuracy, distinct_poses
from myobridge_models.evaluation.steadiness import steadiness
from myobridge_models.experiments.baselines import BASELINES
from myobridge_models.experiments.classical_days import learn_baseline
from myobridge_models.experiments.knowledge import Knowledge, LearntDays
from myobridge_models.experiments.network_days import learn_network
from myobridge_models.experiments.parallel import Workers
from myobridge_models.experiments.sessions import Session
from myobridge_models.network.families.registry import FAMILIES
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.train import Progress

DAY_DECODERS: Final = (*(name for name, one in BASELINES.items() if one.of_sessions), *FAMILIES)
WORSE: Final = 0.1
"""Labels that cost this much balanced accuracy are in doubt."""


class Row(NamedTuple):
    """Figures of one decoder on one session; those of rest are None if the session has too little rest.

    mistaken: movements that are mostly decoded as another pose, in words.
    """

    session: str
    decoder: str
    knowledge: str
    mae_deg: float
    balanced_accuracy: float
    false_activations_per_hour: float | None
    away_s_per_hour: float | None
    mistaken: str = ""


FIGURES: Final = Row._fields[3:-1]


def judge_days(
    train: Sequence[Session],
    test: Sequence[Session],
    decoders: Sequence[str],
    recipe: Recipe,
    workers: Workers,
    progress: Progress | None = None,
) -> Iterator[list[Row]]:
    """Lets each decoder learn from `train`, then judges it on each session of `test`: yields the rows of each pair.

    Raises:
        UserError: a session cannot be learnt from or judged on, or a cluster cannot be used.
    """
    alone = workers.alone(len(decoders))
    learn = partial(_learn, train=train, recipe=recipe, progress=progress if alone else None)
    learnt = dict(zip(decoders, workers.spread(learn, decoders), strict=True))
    yield from workers.spread(_judge, [(name, one, session) for name, one in learnt.items() for session in test])


def _learn(decoder: str, train: Sequence[Session], recipe: Recipe, progress: Progress | None) -> LearntDays:
    if decoder in BASELINES:
        return learn_baseline(BASELINES[decoder], train)
    return learn_network(decoder, train, recipe, progress)


def _judge(piece: tuple[str, LearntDays, Session]) -> list[Row]:
    decoder, learnt, session = piece
    return [row_of(session, decoder, knowledge, learnt(session, knowledge)) for knowledge in Knowledge]


def row_of(session: Session, decoder: str, knowledge: Knowledge, decisions: Decisions) -> Row:
    """Returns the figures of decisions on a session."""
    rows, poses = session.judged, session.poses
    angles_deg = held_at(rows, decisions, session.recording, session.rest_deg)
    true_deg = session.truth_deg[rows]
    pose_of = {pose.label: np.array(pose.angles_deg, np.float32) for pose in poses} | {REST: session.rest_deg}
    steady = steadiness(holds_of(decisions, session.recording), pose_of)
    return Row(
        session.name,
        decoder,
        str(knowledge),
        float(np.abs(angles_deg - true_deg).mean()),
        balanced_accuracy(angles_deg, true_deg, distinct_poses(poses)),
        steady.false_activations_per_hour,
        steady.away_s_per_hour,
        _mistaken(angles_deg, session.label[rows], session),
    )


def _mistaken(angles_deg: Angles, labels: NDArray[np.uint8], session: Session) -> str:
    held = {pose.label: pose for pose in session.poses if pose.label in session.movements}
    return ", ".join(taken_for_another(angles_deg.astype(np.float64), labels.astype(np.int64), held))


def means(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Returns the mean figures of each decoder and knowledge over the sessions."""
    found = []
    for decoder, knowledge in dict.fromkeys((row.decoder, row.knowledge) for row in rows):
        own = [row for row in rows if (row.decoder, row.knowledge) == (decoder, knowledge)]
        mean: dict[str, object] = {"decoder": decoder, "knowledge": knowledge}
        for key in FIGURES:
            known = [getattr(row, key) for row in own if getattr(row, key) is not None]
            mean[key] = float(np.mean(known)) if known else None
        found.append(mean)
    return found


def session_line(rows: Sequence[Row]) -> str:
    """Returns one line about one decoder on one session."""
    scores = ", ".join(f"{row.knowledge} {row.mae_deg:.1f}° {row.balanced_accuracy:.3f}" for row in rows)
    return f"{rows[0].session}, {rows[0].decoder}: {scores}"


def doubts(rows: Sequence[Row]) -> list[str]:
    """Returns a sentence for each session whose labels make a decoder much worse, or that a decoder sees otherwise."""
    accuracy = {(row.session, row.decoder, row.knowledge): row.balanced_accuracy for row in rows}
    worse: Mapping[str, tuple[str, float, float]] = {
        session: (decoder, before, after)
        for (session, decoder, knowledge), before in accuracy.items()
        if knowledge == Knowledge.UNLABELLED
        and (after := accuracy[session, decoder, Knowledge.LABELLED]) < before - WORSE
    }
    other = {row.session: row for row in rows if row.knowledge == Knowledge.UNLABELLED and row.mistaken}
    return [
        f"The labels of {session} make {decoder} worse ({before:.2f} → {after:.2f}); check that its movements are "
        "labelled right."
        for session, (decoder, before, after) in worse.items()
    ] + [
        f"Without the labels of {session}, {row.mistaken} to {row.decoder}; check these labels, unless the electrodes "
        "sit elsewhere."
        for session, row in other.items()
    ]
