"""Runs independent pieces of work in parallel, each in its own process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

from myobridge_models.network.families.base import use_threads

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_processes(work: Callable[[Piece], Result], pieces: Iterable[Piece], jobs: int) -> Iterator[Result]:
    """Yields the results in order; a single job runs in the calling process."""
    if jobs == 1:
        yield from map(work, pieces)
        return
    # Forking a process that has run torch hangs.
    with ProcessPoolExecutor(jobs, get_context("spawn"), use_threads, (torch.get_num_threads(),)) as pool:
        yield from pool.map(work, pieces)
