"""The process in which a model is tried: loads its graphs, runs them on all kinds of input, and says what came of it.

`model_trial.py` starts it. It begins with what it may not do, and ends by itself.
"""

from __future__ import annotations

import ctypes
import os
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
import onnxruntime  # noqa: F401 - all is loaded before time and memory are limited
from numpy.random import default_rng
from numpy.typing import NDArray

from myobridge.decoder.inference import Decoder, decoder_of
from myobridge.decoder.window import Window
from myobridge.errors import UserError
from myobridge.model.file import ModelSpec
from myobridge.model.load import Model, cannot_run
from myobridge.model.trial import Tried, Verdict

PR_SET_PDEATHSIG: Final = 1
"""Linux, prctl(2): the kernel ends this process when the thread that started it is gone."""
MORE_BYTES: Final = 220 << 20
"""For a file and its graphs, beside Python, numpy and onnxruntime, which take 60 MB.

The largest export, 26 MB for 64 channels, takes 200.
"""
TIMES_THE_START: Final = 10
"""Processor time of a trial in units of what the start of this process took, which tells how fast the machine is."""
MAX_RUN_S: Final = 0.1
"""Processor time of a decision: an older one is not sent (`[safety] max_age_ms`)."""
MOST: Final = 50
"""Decisions on one kind of input, of the graph that a hand would follow."""
FEW: Final = 4
"""Decisions on one kind of input, of the graph that stands beside it."""
KIND_S: Final = 0.01
"""After so much processor time on one kind of input, FEW decisions on it are enough."""
TINY: Final = 1e-40
"""So small that float32 holds it denormalised, which takes some processors a hundred times as long."""

Samples = NDArray[np.float64]


def main() -> None:
    """Reads a `Tried` and its graphs from standard input, and writes a `Verdict` to standard output."""
    _stand_back()
    _limit()
    given = sys.stdin.buffer
    tried = msgspec.json.decode(given.readline(), type=Tried)
    try:
        verdict = try_graphs(tried, map(given.read, tried.sizes))
    except UserError as refused:
        verdict = Verdict(refusal=str(refused))
    except Exception as error:  # onnxruntime has a family of exceptions without a common base of its own
        verdict = Verdict(refusal=str(cannot_run(Path(tried.name), error)))
    sys.stdout.buffer.write(msgspec.json.encode(verdict))


def _stand_back() -> None:
    """The hand's loop comes first, and this process ends when nobody waits for it any more."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _limit() -> None:
    """From here on the system ends this process, or refuses it memory, when a graph takes too much."""
    signal.setitimer(signal.ITIMER_PROF, TIMES_THE_START * time.process_time())
    with suppress(OSError, ValueError):  # the unit of an older version forbids it, and limits memory itself
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MORE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def try_graphs(tried: Tried, graphs: Iterable[bytes]) -> Verdict:
    """Loads each graph, one after the other, and decides with it on all kinds of input.

    Raises:
        UserError: a graph cannot be used.
        Exception: as onnxruntime raises them.
    """
    path, load_s, run_s = Path(tried.name), 0.0, 0.0
    for at, graph in enumerate(graphs):
        model = Model(path, tried.spec, graph, None, streaming=at > 0)
        began_s = time.thread_time()
        _ = model.session  # made now
        load_s += time.thread_time() - began_s
        run_s = max(run_s, _slowest_run_s(model, path, MOST if at + 1 == len(tried.sizes) else FEW))
    return Verdict(load_s=load_s, run_s=run_s)


def _slowest_run_s(model: Model, path: Path, decisions: int) -> float:
    """Processor time of the slowest of so many decisions on each kind of input, in a closed loop as the daemon's."""
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
        UserError: it took too long, or is none.
    """
    began_s = time.thread_time()
    angles = decoder(window)
    run_s = time.thread_time() - began_s
    if run_s > MAX_RUN_S:
        raise UserError(
            f"{path} takes {run_s:.1f} s to decide once on {kind}, and no hand can wait for it; choose another."
        )
    if angles is not None and not np.isfinite(angles).all():
        raise UserError(f"{path} gives angles that are not numbers on {kind}; train it again or choose another.")
    return run_s


def kinds_of_input(spec: ModelSpec, hops: int) -> Iterator[tuple[str, Samples]]:
    """Name and samples (hops * hop_samples, channels), filtered and scaled: a wearer's have a level of about 1.

    The first is as long as a window too, so that the decoder decides on all others.
    """
    hop, channels = spec.hop_samples, len(spec.channels)
    noise = default_rng(0).standard_normal((hops * hop, channels))
    turns = np.outer(np.arange(len(noise)) / len(noise), 1 + np.arange(channels))
    contracted = np.sin(2 * np.pi * turns) > 0  # each channel at times of its own
    full_scale = 1 / np.array(spec.scale_fs)
    fill = max(hops, -(-spec.window_samples // hop))
    yield "silence", np.zeros((fill * hop, channels))
    yield "noise", noise
    yield "bursts like those of a muscle", 4 * noise * contracted
    yield "faint noise", 1e-3 * noise
    yield "noise over the converter's whole range", np.sign(noise) * full_scale
    yield "a constant at the converter's end", np.broadcast_to(full_scale, noise.shape)
    yield "numbers next to zero", np.sign(noise) * TINY
