"""`myobridge-models follow`: how well a model follows fingers."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import JSON, PLAIN, say, write_json
from myobridge.errors import UserError
from myobridge_models.commands.options import POSES, RECORDINGS, SeveralValues, console_for, training_set


@click.command(cls=SeveralValues)
@click.argument("model_name", metavar="MODEL")
@RECORDINGS
@click.option(
    "--train",
    "learn_from",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Recordings from which ridge, forest and support-vector regression learn, to be judged beside MODEL.",
    show_default="none",
)
@POSES
@PLAIN
@JSON
def follow(
    model_name: str, recordings: tuple[Path, ...], learn_from: tuple[Path, ...], poses: str | None, json_to: str | None
) -> None:
    """Compute how well MODEL follows the fingers of RECORDINGS with angles, in the daemon's pipeline.

    The angles are true ones, or those that `myobridge record --follow` showed.
    """
    import numpy as np

    from myobridge.model.shipped import find_model
    from myobridge_models.data.training_set import load_source
    from myobridge_models.evaluation.decisions import Decisions
    from myobridge_models.evaluation.evaluate import replay_model, rest_of
    from myobridge_models.evaluation.movement import MOVED_DEG, movement_figures
    from myobridge_models.experiments.regressions import REGRESSIONS, behind_filter, learnt
    from myobridge_models.report.tables import print_rows

    path = find_model(model_name)
    judged = [load_source(source, say) for source in recordings]
    for source, recording in judged:
        if recording.angles_deg is None:
            raise UserError(f"{source} has no finger angles to follow; record with --follow, or use `evaluate`.")
        if np.ptp(recording.angles_deg, axis=0).max() <= MOVED_DEG:
            raise UserError(f"In {source}, no finger moves by more than {MOVED_DEG:g}°; choose another recording.")
    beside = {}
    if learn_from:
        sources, labelled = training_set(learn_from, poses)
        beside = {name: learnt(name, sources, labelled) for name in REGRESSIONS}
    rows, fingers = [], []
    for source, recording in judged:
        spec, run = replay_model(path, recording, source)
        decided = {path.stem: Decisions(run.sample, run.angles_deg)}
        for name, one in beside.items():
            decided[name] = one(recording, source)
            decided[f"{name}, filtered"] = behind_filter(decided[name], spec, recording)
        for name, decisions in decided.items():
            found = movement_figures(decisions, recording, rest_of(()))
            first = {"recording": source.stem, "decoder": name}
            rows.append(first | {key: value for key, value in found._asdict().items() if key != "fingers"})
            fingers += [first | one._asdict() for one in found.fingers]
    console = console_for(json_to)
    print_rows("Movement, closed loop from rest", rows, console)
    print_rows("Each finger", fingers, console)
    write_json({"model": str(path), "rows": rows, "fingers": fingers}, json_to)
