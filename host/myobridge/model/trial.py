"""The trial of a model, in the process that asks for it: starts a child process that runs the model.

The child process runs decoder/trial_process.py with little time and memory. onnxruntime computes the constants of a
graph when it loads the graph. So a file of one kilobyte may take a minute and all memory before the first decision, or
crash onnxruntime. The child process keeps this away from the daemon.
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from time import monotonic  # the time of the system, even where a test replaces `time`
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import msgspec

import myobridge
from myobridge.errors import UserError, printable
from myobridge.model.file import ModelSpec

if TYPE_CHECKING:
    from subprocess import Popen

BUSY_S: Final = 20.0
"""The child limits its own processor time. If it has no verdict after this long, other programs use the processor."""
BUSY: Final = f"could not be tried within {BUSY_S:g} s; end the programs that keep this computer busy and try again."
ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
"""Makes glibc return the memory of one graph to the system before the next graph."""
PROGRAM: Final = "import sys; sys.path[:] = sys.argv[1:]; from myobridge.decoder.trial_process import main; main()"
"""Runs without `site`, which takes 20 ms."""
NO_PROCESS: Final = (OSError, RuntimeError, MemoryError)
"""The exceptions that Python raises if the system cannot start a process."""


class Tried(msgspec.Struct, frozen=True):
    """The first line of the child's input; the graphs follow.

    name: name of the file, for errors.
    sizes: bytes of each graph, which is an ONNX model; the first graph is windowed, the second is streaming.
    """

    name: str
    spec: ModelSpec
    sizes: tuple[int, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The output of the child.

    refusal: a sentence that says why the model cannot be used; empty if the model has passed.
    load_s, run_s: processor time to load the graphs, and of the slowest decision.
    """

    refusal: str = ""
    load_s: float = 0.0
    run_s: float = 0.0


class _Child(NamedTuple):
    """The child process, and its standard output."""

    process: Popen[bytes]
    output: IO[bytes]


class Trial:
    """The trial of one file: call `begin` early, then poll `over` or call `wait`."""

    def __init__(self, path: Path, spec: ModelSpec, windowed: bytes, streaming: bytes | None) -> None:
        self._name = printable(str(path))
        self._spec = spec
        self._graphs: tuple[bytes, ...] = (windowed,) if streaming is None else (windowed, streaming)
        self._child: _Child | None = None
        self._said = bytearray()
        self._until_s = 0.0
        self._late = False
        self._verdict: Verdict | None = None

    def begin(self) -> None:
        """Starts the child with the graphs, unless it has been started already.

        Raises:
            UserError: the process cannot be started.
        """
        if self._child or self._verdict:
            return
        tried = Tried(self._name, self._spec, tuple(map(len, self._graphs)))
        try:
            self._child = _start(msgspec.json.encode(tried), b"\n", *self._graphs)
        except NO_PROCESS as error:
            raise UserError(
                f"{self._name} cannot be tried, because no process can be started ({error}); end other programs and "
                "try again."
            ) from error
        self._graphs = ()
        self._until_s = monotonic() + BUSY_S

    def over(self) -> bool:
        """Whether the model has passed; False while the verdict is pending. Never waits.

        Raises:
            UserError: the model has failed, or the process cannot be started.
        """
        return self._newest_verdict() is not None

    def wait(self) -> Verdict:
        """Waits for the verdict on a model that passes.

        Raises:
            UserError: the model has failed, or the process cannot be started.
        """
        while (verdict := self._newest_verdict()) is None:
            if self._child:
                asked = select.poll()
                asked.register(self._child.output, select.POLLIN)
                asked.poll(1000 * max(0.01, self._until_s - monotonic()))
        return verdict

    def _newest_verdict(self) -> Verdict | None:
        """The verdict if the model has passed; None while the verdict is pending."""
        self.begin()
        if self._child:
            self._listen(self._child)
        if self._verdict and self._verdict.refusal:
            raise UserError(self._verdict.refusal)
        return self._verdict

    def _listen(self, child: _Child) -> None:
        """Takes the output of the child, which then ends."""
        try:
            while piece := os.read(child.output.fileno(), 1 << 16):
                self._said += piece
        except BlockingIOError:
            if monotonic() > self._until_s:
                self._late = True
                child.process.kill()
            return
        child.output.close()
        self._verdict, self._child = self._judge(child.process.wait()), None

    def _judge(self, exit_code: int) -> Verdict:
        try:
            return msgspec.json.decode(self._said, type=Verdict)
        except msgspec.DecodeError:
            return Verdict(refusal=f"{self._name} {BUSY if self._late else _why_ended(exit_code)}")


def _why_ended(exit_code: int) -> str:
    """Why the child ended without a verdict: one of its limits, or a crash of onnxruntime."""
    import signal  # noqa: PLC0415

    if exit_code == -signal.SIGPROF:
        return "takes longer to load and run than any myobridge model, too long for a hand; choose another model."
    if exit_code < 0:
        return f"makes onnxruntime crash (signal {-exit_code}); choose another model."
    return f"cannot be tried: the child process ends immediately (exit code {exit_code}); install myobridge again."


def _start(*given: bytes) -> _Child:
    """Starts the child with the graphs in its standard input. Raises one of NO_PROCESS.

    The input is a file: with a pipe, this process would wait until the child has loaded onnxruntime.
    """
    from subprocess import DEVNULL, PIPE, Popen  # noqa: PLC0415 - takes 3 ms, and only a trial needs it

    package = str(Path(myobridge.__file__).parents[1])
    with _file() as file:
        file.writelines(given)
        file.seek(0)
        process = Popen(
            [sys.executable, "-S", "-c", PROGRAM, package, *sys.path],
            stdin=file,
            stdout=PIPE,
            stderr=DEVNULL,
            env=os.environ | ENVIRONMENT,
            start_new_session=True,
        )
    assert process.stdout is not None, "a PIPE"
    os.set_blocking(process.stdout.fileno(), False)
    return _Child(process, process.stdout)


def _file() -> IO[bytes]:
    """A temporary file without a name."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("model"), "r+b")
    from tempfile import TemporaryFile  # noqa: PLC0415 - only outside Linux

    return TemporaryFile()
