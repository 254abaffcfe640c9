"""Spreads independent pieces of work over processes of this computer, or over a Dask cluster that is running already.

joblib does both. A piece gives the same result wherever it runs: it seeds its own random numbers, and a process works
on one piece at a time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Final, TypeVar

import torch
from joblib import Parallel, cpu_count, delayed, parallel_config

from myobridge.errors import UserError
from myobridge_models.network.families.base import use_threads

Piece = TypeVar("Piece")
Result = TypeVar("Result")

ANSWERS_S: Final = 10
"""Time in which a scheduler has to answer."""
_ONE_AT_A_TIME: Final = Lock()
"""A worker of Dask may have several threads, and two trainings in one process would share torch's random numbers."""


@dataclass(frozen=True)
class Workers:
    """The processes that work: `jobs` on this computer (None: one for each core), or those of a Dask cluster.

    dask: the address of the cluster's scheduler, as tcp://host:8786.
    """

    jobs: int | None = None
    dask: str | None = None

    def alone(self, pieces: int) -> bool:
        """Returns whether the calling process does this many pieces by itself, one after the other."""
        return self.dask is None and min(self.jobs or cpu_count(), pieces) <= 1

    def spread(self, work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
        """Yields the results in order.

        Raises:
            UserError: a piece raised it, after the results of the pieces before; or the cluster cannot be used.
        """
        if self.alone(len(pieces)):
            yield from map(work, pieces)
            return
        guarded = partial(_outcome, work, torch.get_num_threads())
        with self._backend(len(pieces)), _started(guarded, pieces) as outcomes:
            for outcome in outcomes:
                if isinstance(outcome, UserError):
                    raise outcome
                yield outcome

    @contextmanager
    def _backend(self, pieces: int) -> Iterator[None]:
        """Chooses where joblib runs the pieces."""
        if self.dask is None:
            jobs = min(self.jobs or cpu_count(), pieces)
            with parallel_config("loky", n_jobs=jobs, inner_max_num_threads=torch.get_num_threads()):
                yield
            return
        with _connected(self.dask), parallel_config("dask", n_jobs=-1):
            yield


def _outcome(work: Callable[[Piece], Result], threads: int, piece: Piece) -> Result | UserError:
    """Returns an error instead of raising it: joblib would drop the finished pieces before it."""
    with _ONE_AT_A_TIME:
        use_threads(threads)
        try:
            return work(piece)
        except UserError as error:
            return error


@contextmanager
def _started(work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> Iterator[Iterator[Result]]:
    """Starts all pieces, and cancels at the end those that nobody waits for any more."""
    outcomes = Parallel(return_as="generator", batch_size=1)(delayed(work)(piece) for piece in pieces)
    try:
        yield outcomes
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib warns of each piece that it cancels
            outcomes.close()


@contextmanager
def _connected(address: str) -> Iterator[None]:
    """Keeps a connection to the scheduler, which joblib finds by itself.

    Raises:
        UserError: no scheduler answers, or it has no workers, or they lack myobridge.
    """
    from distributed import Client  # noqa: PLC0415 - the extra dask, which few people need

    try:
        client = Client(address, timeout=ANSWERS_S, set_as_default=True)
    except (OSError, ValueError) as error:
        raise UserError(
            f"No Dask scheduler answers at {address}; start one with `dask scheduler`, or leave --dask out."
        ) from error
    with client:
        if not client.scheduler_info()["workers"]:
            raise UserError(f"The Dask cluster at {address} has no workers; start one with `dask worker {address}`.")
        try:
            yield
        except ModuleNotFoundError as error:
            raise UserError(
                f"A Dask worker of {address} has no {error.name}; install myobridge and its extra train there, too."
            ) from error
