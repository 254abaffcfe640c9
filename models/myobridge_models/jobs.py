"""Several independent pieces of work at a time, each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_processes(work: Callable[[Piece], Result], pieces: Iterable[Piece], jobs: int) -> Iterator[Result]:
    """Results in order; with one job in this very process."""
    if jobs == 1:
        yield from map(work, pieces)
        return
    # Forking a process that has run torch hangs.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _take_a_share, (jobs,)) as pool:
        yield from pool.map(work, pieces)


def _take_a_share(jobs: int) -> None:
    """Leaves the other jobs their cores."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // jobs))
