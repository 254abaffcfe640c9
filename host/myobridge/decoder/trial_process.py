"""The child process of a trial: loads the graphs of a model, runs them on all kinds of input, and writes a verdict.

model/trial.py starts this process and reads the verdict. The process limits itself before it reads anything.
"""

from __future__ import annotations

import resource
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import onnxruntime  # noqa: F401 - must be loaded before time and memory are limited
from numpy.random import default_rng
from numpy.typing import NDArray

from myobridge.decoder.inference import Decoder, decoder_of
from myobridge.decoder.stand_back import stand_back
from myobridge.decoder.window import Window
from myobridge.errors import UserError
from myobridge.model.file import ModelSpec
from myobridge.model.load import Model, cannot_run
from myobridge.model.trial import Tried, Verdict

MORE_BYTES: Final = 220 << 20
"""Memory for a file and its graphs, beside the 60 MB of Python, numpy and onnxruntime.

The largest export, a file of 26 MB for 64 channels, takes 200 MB.
"""
TIMES_THE_START: Final = 10
"""Limit of a trial in units of the processor time that the start of this process took, to allow for slow machines."""
MAX_RUN_S: Final = 0.1
"""Limit of the processor time of a decision: the daemon does not send older decisions (`[safety] max_age_ms`)."""
MOST: Final = 50
"""Decisions on each kind of input, for the graph that the daemon would run."""
FEW: Final = 4
"""Decisions on each kind of input, for the other graph."""
KIND_S: Final = 0.01
"""After this much processor time on one kind of input, FEW decisions are enough."""
TINY: Final = 1e-40
"""A denormal number in float32; some processors take a hundred times as long for those."""

Samples = NDArray[np.float64]


def main() -> None:
    """Reads a `Tried` and its graphs from standard input, and writes a `Verdict` to standard output."""
    stand_back()
    _limit()
    given = sys.stdin.buffer
    tried = msgspec.json.decode(given.readline(), type=Tried)
    try:
        verdict = try_graphs(tried, map(given.read, tried.sizes))
    except UserError as refused:
        verdict = Verdict(refusal=str(refused))
    except Exception as error:  # the exceptions of onnxruntime have no common base class of their own
        verdict = Verdict(refusal=str(cannot_run(Path(tried.name), error)))
    sys.stdout.buffer.write(msgspec.json.encode(verdict))


def _limit() -> None:
    """Makes the system end this process, or refuse it memory, when a graph takes too much."""
    signal.setitimer(signal.ITIMER_PROF, TIMES_THE_START * time.process_time())
    with suppress(OSError, ValueError):  # an older service unit forbids this, and limits the memory itself
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MORE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def try_graphs(tried: Tried, graphs: Iterable[bytes]) -> Verdict:
    """Loads one graph after another, and decides with each of them on all kinds of input.

    Raises:
        UserError: a graph cannot be used.
        Exception: any exception of onnxruntime.
    """
    path, load_s, run_s = Path(tried.name), 0.0, 0.0
    for at, graph in enumerate(graphs):
        model = Model(path, tried.spec, graph, None, streaming=at > 0)
        began_s = time.thread_time()
        _ = model.session  # loads the graph now
        load_s += time.thread_time() - began_s
        run_s = max(run_s, _slowest_run_s(model, path, MOST if at + 1 == len(tried.sizes) else FEW))
    return Verdict(load_s=load_s, run_s=run_s)


def _slowest_run_s(model: Model, path: Path, decisions: int) -> float:
    """Processor time of the slowest decision, in a closed loop like the daemon's; `decisions` on each kind of input."""
    spec, slowest_s = model.spec, 0.0
    decoder = decoder_of(model)
    window = Window(len(spec.channels), spec.window_samples, spec.hop_samples)
    first = 0 if model.streaming else -(-spec.window_samples // spec.hop_samples)
    for kind, samples in kinds_of_input(spec, first + decisions):
        spent_s = 0.0
        for at, block in enumerate(samples.reshape(-1, spec.hop_samples, len(spec.channels))):
            window.append(block, 0)
            if at < first:
                continue
            run_s = _decide(decoder, window, path, kind)
            spent_s += run_s
            slowest_s = max(slowest_s, run_s)
            if window.full and spent_s > KIND_S and at - first >= FEW:
                break
    return slowest_s


def _decide(decoder: Decoder, window: Window, path: Path, kind: str) -> float:
    """Processor time of one decision.

    Raises:
        UserError: the decision took too long, or its angles are not numbers.
    """
    began_s = time.thread_time()
    angles = decoder(window)
    run_s = time.thread_time() - began_s
    if run_s > MAX_RUN_S:
        raise UserError(
            f"{path} takes {run_s:.1f} s for one decision on {kind}, too long for a hand; choose another model."
        )
    if angles is not None and not np.isfinite(angles).all():
        raise UserError(f"{path} gives angles that are not numbers on {kind}; train it again or choose another model.")
    return run_s


def kinds_of_input(spec: ModelSpec, hops: int) -> Iterator[tuple[str, Samples]]:
    """Name and samples (hops * hop_samples, channels) of each kind, filtered and scaled; EMG has a level of about 1.

    The first kind fills a whole window, so that the decoder decides on all other kinds.
    """
    hop, channels = spec.hop_samples, len(spec.channels)
    noise = default_rng(0).standard_normal((hops * hop, channels))
    turns = np.outer(np.arange(len(noise)) / len(noise), 1 + np.arange(channels))
    contracted = np.sin(2 * np.pi * turns) > 0  # each channel at its own times
    full_scale = 1 / np.array(spec.scale_fs)
    fill = max(hops, -(-spec.window_samples // hop))
    yield "silence", np.zeros((fill * hop, channels))
    yield "noise", noise
    yield "bursts like EMG", 4 * noise * contracted
    yield "faint noise", 1e-3 * noise
    yield "noise over the whole range of the ADC", np.sign(noise) * full_scale
    yield "a constant at the end of the ADC's range", np.broadcast_to(full_scale, noise.shape)
    yield "numbers close to zero", np.sign(noise) * TINY
