"""The processes that a process has started, and the end of those that a failed test has left running."""

import os
import signal
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """The process's children, whichever of its threads started them; none if the process has ended."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def descendants_of(pid: int, but: Collection[int] = ()) -> set[int]:
    """The process's children, their children, and so on; without Python's trackers of semaphores, which end with it.

    but: children that are left out, with what they have started.
    """
    children = [child for child in children_of(pid) if child not in but and not _tracks(child)]
    return set(children).union(*map(descendants_of, children))


def _tracks(pid: int) -> bool:
    with suppress(OSError):
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def kill(processes: Iterable[int]) -> None:
    """Kills the processes, a stopped one too."""
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
