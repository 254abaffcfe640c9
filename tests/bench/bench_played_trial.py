"""Lets a simulated wearer who sees the hand play trials with several decoders, and prints their figures side by side.

python tests/bench/bench_played_trial.py [--decoders follow ridge …] [--learn R.npz …] [--persons 0] [--seeds 1 2 3]

A decoder is the name or the path of a model, `fingers` for the wearer's own fingers (what a perfect decoder would
give), or a regression of myobridge_models.experiments.regressions. A regression learns from the recordings after
--learn, and is smoothed as the first of the models is. All decoders get the same targets and the same wearers. The hand
is the one that is commanded: there is no board and no daemon, so the figures lack their delays. Wearer and judge have
one author; the figures compare decoders and say nothing about people.
"""

import argparse
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from statistics import fmean

import numpy as np
from msgspec.structs import replace

from myobridge.calibration.poses import load_poses
from myobridge.calibration.trial.course import Course, Stage
from myobridge.calibration.trial.judge import Result, judge
from myobridge.calibration.trial.session import is_proportional
from myobridge.calibration.trial.targets import Rules, choose
from myobridge.decoder.pipeline import Pipeline
from myobridge.decoder.postprocess import Postprocessor
from myobridge.model.file import REST_DEG
from myobridge.model.load import Model, open_model
from myobridge.model.shipped import find_model
from myobridge.recording import Recording
from myobridge.recording.trial_records import Begun, Record, Shown
from myobridge.settings import Settings
from myobridge_models.data.takes import design_prefilter, scaled, takes_of
from played_trial import synth
from seeing_wearer import SeeingWearer

FS_HZ, CHANNELS, ADC_BITS = 2000.0, 4, 10
SHOWN_HOPS = 8
"""A hand every 40 ms, as the daemon shows it."""
DECIDES_HOPS = 10
"""A regression decides every 50 ms."""
LOOKS_BACK_S = 1.0
REGRESSIONS = ("ridge", "forest", "svr")
FINGERS = "fingers"

Decoder = Callable[[np.ndarray, np.ndarray], list[float]]
"""Takes the counts of a hop, int16 (samples, channels), and the wearer's true angles; the commanded angles."""


def of_model(model: Model) -> Decoder:
    """The daemon's own pipeline."""
    pipeline, now, taken = Pipeline(model, Settings(), ADC_BITS), list(model.spec.rest_pose_deg), 0

    def decode(counts: np.ndarray, _truth_deg: np.ndarray) -> list[float]:
        nonlocal now, taken
        for decision in pipeline.push(taken, counts):
            now = list(decision.angles_deg or now)
        taken += len(counts)
        return now

    return decode


@cache
def learnt(name: str, recordings: tuple[Path, ...]):
    """A regression that has learnt from these recordings."""
    learn = import_module("myobridge_models.experiments.regressions").learnt
    return learn(name, [(path, Recording.load(path)) for path in recordings], ())


def of_regression(name: str, like: Model, recordings: tuple[Path, ...]) -> Decoder:
    """A regression that sees the last 0.4 s every 50 ms."""
    one = learnt(name, recordings)
    sections = design_prefilter(FS_HZ)
    spec = replace(like.spec, rest_gate=None)
    smooth = Postprocessor(spec, (0,) * 5, (180,) * 5)
    past, raw, hops = np.zeros((0, CHANNELS), np.int16), list(REST_DEG), 0

    def decode(counts: np.ndarray, _truth_deg: np.ndarray) -> list[float]:
        nonlocal past, raw, hops
        past, hops = np.concatenate([past, counts])[-round(LOOKS_BACK_S * FS_HZ) :], hops + 1
        if hops % DECIDES_HOPS == 0 and len(past) >= LOOKS_BACK_S * FS_HZ:
            zeros = np.zeros((len(past), 5), np.float32)
            now = Recording(past, FS_HZ, ADC_BITS, angles_deg=zeros)
            (take,) = scaled(takes_of(now, Path("now"), sections, ()), one.scale)
            raw = one.estimator.predict(one.baseline.features(take, np.array([len(take) - 1]), FS_HZ))[0].tolist()
        return list(smooth(raw))

    return decode


def of_fingers() -> Decoder:
    """The wearer's own fingers: what a perfect decoder would give."""
    return lambda _counts, truth_deg: truth_deg[-1].tolist()


def play(decoder: Decoder, task: str, person: int, seed: int, targets: int) -> Result:
    """One trial; every decoder of this person and seed gets the same targets."""
    wearer = SeeingWearer(seed)
    source, poses = synth(wearer, person, seed), [pose.labelled for pose in load_poses()]
    chosen = choose(
        task, poses, REST_DEG, seed, targets=targets, rules=Rules(), proportional=True, freedoms=1 + (task == "fitts")
    )
    course, hop = Course(chosen, REST_DEG), round(FS_HZ / 200)
    begun = Begun(
        task=task, measured="commanded", model="", proportional=True, rest_deg=REST_DEG, seed=seed, targets=len(chosen)
    )
    records: list[Record] = [begun]
    hops = 0
    while course.stage is not Stage.DONE:
        angles = decoder(*source.read(hop))
        hops += 1
        if hops % SHOWN_HOPS == 0 and hops > 2 * FS_HZ / hop:
            shown = Shown.of(hops * hop / FS_HZ, True, angles)
            records += [shown, *course.take(shown)]
            goal = course.attempt.target.angles_deg if course.attempt else REST_DEG
            wearer.see(goal, shown.angles_deg)
    return judge(records)


def main() -> None:
    """Prints one row per decoder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoders", nargs="+", default=[FINGERS, "follow", "synth"])
    parser.add_argument("--learn", nargs="+", type=Path, default=[])
    parser.add_argument("--persons", nargs="+", type=int, default=[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--targets", type=int, default=20)
    options = parser.parse_args()
    models = {name: open_model(find_model(name)) for name in options.decoders if name not in (FINGERS, *REGRESSIONS)}
    like = next(iter(models.values()), None) or open_model(find_model("synth"))
    recordings = tuple(options.learn)
    if not recordings and set(options.decoders) & set(REGRESSIONS):
        parser.error("a regression needs recordings to learn from; add --learn R.npz")
    print(f"{'decoder':24} completion  time s  efficiency  overshoots  bits/s by trial")
    for name in options.decoders:
        model = models.get(name)
        trials = [(person, seed) for person in options.persons for seed in options.seeds]

        def fresh(model=model, name=name) -> Decoder:
            if model is not None:
                return of_model(model)
            return of_fingers() if name == FINGERS else of_regression(name, like, recordings)

        reach = [play(fresh(), "reach", *trial, options.targets) for trial in trials]
        fitts = [play(fresh(), "fitts", *trial, options.targets) for trial in trials]
        bits = [result.throughput.bits_s for result in fitts]
        reached = [target for result in reach for target in result.targets if target.outcome == "reached"]
        paths = [target.path_efficiency for target in reached if target.path_efficiency is not None]
        note = "" if model is None or is_proportional(model.spec) else "  (no proportional training)"
        print(
            f"{name:24} {fmean(result.completion for result in reach):10.1%}  "
            f"{np.median([target.time_s for target in reached]):6.2f}  {fmean(paths):10.2f}  "
            f"{fmean(result.overshoots for result in reach):10.2f}  {fmean(bits):.2f} = mean of "
            f"{', '.join(f'{one:.2f}' for one in bits)}{note}",
            flush=True,
        )


if __name__ == "__main__":
    main()
