"""The new model of a calibration: computed in a process, put in place as a generation, and all that from a thread."""

from __future__ import annotations

import subprocess
import sys
from _queue import SimpleQueue
from pathlib import Path
from threading import Lock, Thread
from typing import Final

import msgspec

from myobridge.calibration.beside_messages import READY, Found, Given, Taken, pack
from myobridge.daemon.realtime import leave_realtime
from myobridge.errors import UserError

HOW: Final = "ten-second calibration"
FAILED: Final = "The calibration could not be computed ({}); the old model stays. Try again."
LONGEST_S: Final = 60.0
"""The arithmetic takes a second; a process that takes this long hangs."""


class Computation:
    """One calibration of the model file `base` into the wearer's own file `mine`."""

    def __init__(self, base: Path, mine: Path) -> None:
        self._base, self.mine = base, mine
        self._given: SimpleQueue[Taken | None] = SimpleQueue()
        self._found: Found | None = None
        self._loaded = False
        """The process waits for the EMG."""
        self._decides = Lock()
        """Taken once: by `cancel`, or by the thread before it puts a model in place."""
        self.keeping = False
        """A better model is being put in place, or is there; `cancel` comes too late."""

    def begin(self) -> None:
        """Starts the process, so that it has loaded everything when the poses are held.

        Raises:
            UserError: the system has no thread left.
        """
        try:
            Thread(target=self._run, name="calibration", daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            raise UserError(FAILED.format(error)) from error

    def give(self, taken: Taken) -> None:
        """Lets the arithmetic begin."""
        self._given.put(taken)

    def cancel(self) -> None:
        """Ends the process; nothing is put in place after this, unless `keeping`."""
        self._decides.acquire(blocking=False)
        self._given.put(None)

    def over(self) -> Found | None:
        """The outcome; None while it is pending. A better model is in place by then. Never waits."""
        return self._found

    def _run(self) -> None:
        leave_realtime()
        try:
            self._found = self._outcome()
        except Exception as error:  # the daemon goes on, whatever happens here
            self._found = Found(refusal=str(error) if isinstance(error, UserError) else FAILED.format(error))

    def _outcome(self) -> Found | None:
        command = [sys.executable, "-m", "myobridge.calibration.beside"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(msgspec.json.encode(Given(str(self._base), self.mine.stem)) + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
                if line != READY:
                    return msgspec.json.decode(line, type=Found) if line else Found(refusal=FAILED.format("it ended"))
                self._loaded = True
                taken = self._given.get()
                if taken is None:
                    return None
                said, _ = process.communicate(pack(taken), timeout=LONGEST_S)
            finally:
                process.kill()  # the end of `with` would wait for a process that hangs
        head, _, model = said.partition(b"\n")
        found = msgspec.json.decode(head, type=Found)
        if len(model) != found.model_bytes:  # the process was ended while it wrote
            return Found(refusal=FAILED.format("it ended"))
        if found.better and self._decides.acquire(blocking=False):
            self.keeping = True
            self._keep(model, found)
        return found

    def _keep(self, model: bytes, found: Found) -> None:
        from myobridge.model.generations import Generations  # noqa: PLC0415

        self.mine.parent.mkdir(parents=True, exist_ok=True)
        Generations(self.mine).keep(model, found.words, HOW, balanced_accuracy=found.after, base=self._base)


class Undo:
    """Brings the model before the present one back, from a thread."""

    def __init__(self, mine: Path) -> None:
        self._mine = mine
        self._said: tuple[bool, str] | None = None

    def begin(self) -> None:
        """Starts it.

        Raises:
            UserError: the system has no thread left.
        """
        try:
            Thread(target=self._run, name="undo", daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            raise UserError(f"The model could not be changed ({error}); try again.") from error

    def over(self) -> tuple[bool, str] | None:
        """Whether a model has come back, and a sentence; None while that is pending. Never waits."""
        return self._said

    def _run(self) -> None:
        from myobridge.model.generations import Generations  # noqa: PLC0415

        leave_realtime()
        try:
            back = Generations(self._mine).undo()
            self._said = True, f"The model of {back.date} is back ({back.facts.score})."
        except Exception as error:  # the daemon goes on, whatever the disk does
            self._said = False, str(error)
