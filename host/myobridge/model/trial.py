"""Does a model of ours run? Asked of a process of its own, with little time and memory.

onnxruntime computes the constants of a graph when it loads it. So a file of a kilobyte may take a minute and all memory
before it decides anything, or crash it. None of this happens to the process that asks.
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from time import monotonic  # the system's own, also where a test has a time of its own
from typing import IO, TYPE_CHECKING, Final

import msgspec

import myobridge
from myobridge.errors import UserError, printable
from myobridge.model.file import ModelSpec

if TYPE_CHECKING:
    from subprocess import Popen

BUSY_S: Final = 20.0
"""The process bounds its own processor time; if it has no verdict after so long, others keep the processor busy."""
BUSY: Final = f"could not be tried within {BUSY_S:g} s; end what keeps this computer busy and try again."
ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
"""What one graph gives back, glibc shall give back too."""
PROGRAM: Final = "import sys; sys.path[:] = sys.argv[1:]; from myobridge.decoder.trial import main; main()"
"""Without `site`, which takes 20 ms."""
NO_PROCESS: Final = (OSError, RuntimeError, MemoryError)
"""How Python says that the system gives no more processes."""


class Tried(msgspec.Struct, frozen=True):
    """What is given to the process, as a line, before the graphs.

    name: of the file, for sentences.
    sizes: bytes of each graph, an ONNX model; the first computes whole windows, the second streams.
    """

    name: str
    spec: ModelSpec
    sizes: tuple[int, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the process says.

    refusal: why the model is not to be used, a sentence, or nothing.
    load_s, run_s: processor time of loading the graphs and of the slowest decision.
    """

    refusal: str = ""
    load_s: float = 0.0
    run_s: float = 0.0


class Trial:
    """The trial of one file; `begin` it early and ask `over` now and then, or `wait`."""

    def __init__(self, path: Path, spec: ModelSpec, windowed: bytes, streaming: bytes | None) -> None:
        self._name = printable(str(path))
        self._spec = spec
        self._graphs: tuple[bytes, ...] = (windowed,) if streaming is None else (windowed, streaming)
        self._process: Popen[bytes] | None = None
        self._said = bytearray()
        self._until_s = 0.0
        self._late = False
        self._verdict: Verdict | None = None

    def begin(self) -> None:
        """Gives the graphs to a process, if that has not been done.

        Raises:
            UserError: no process can be started.
        """
        if self._process or self._verdict:
            return
        tried = Tried(self._name, self._spec, tuple(map(len, self._graphs)))
        try:
            self._process = _start(msgspec.json.encode(tried), b"\n", *self._graphs)
        except NO_PROCESS as error:
            raise UserError(
                f"{self._name} cannot be tried, for no process can be started ({error}); end other programs and try "
                "again."
            ) from error
        self._graphs = ()
        self._until_s = monotonic() + BUSY_S

    def over(self) -> bool:
        """Whether the model has passed; False: that is not known yet. Never waits.

        Raises:
            UserError: it has not passed, or no process can be started.
        """
        self.begin()
        if self._process:
            self._listen(self._process)
        if self._verdict and self._verdict.refusal:
            raise UserError(self._verdict.refusal)
        return self._verdict is not None

    def wait(self) -> Verdict:
        """The verdict of a model that has passed.

        Raises:
            UserError: as `over`.
        """
        while not self.over():
            assert self._process is not None
            assert self._process.stdout is not None
            asked = select.poll()
            asked.register(self._process.stdout, select.POLLIN)
            asked.poll(1000 * max(0.01, self._until_s - monotonic()))
        assert self._verdict is not None
        return self._verdict

    def _listen(self, process: Popen[bytes]) -> None:
        """Takes what the process has said; it ends after that."""
        assert process.stdout is not None
        try:
            while piece := os.read(process.stdout.fileno(), 1 << 16):
                self._said += piece
        except BlockingIOError:
            if monotonic() > self._until_s:
                self._late = True
                process.kill()
            return
        process.stdout.close()
        self._verdict, self._process = self._judge(process.wait()), None

    def _judge(self, exit_code: int) -> Verdict:
        try:
            return msgspec.json.decode(self._said, type=Verdict)
        except msgspec.DecodeError:
            return Verdict(refusal=f"{self._name} {BUSY if self._late else _why_ended(exit_code)}")


def _why_ended(exit_code: int) -> str:
    """The process ended without a word: by one of its limits, or because onnxruntime crashed."""
    import signal  # noqa: PLC0415

    if exit_code == -signal.SIGPROF:
        return "takes longer to load and to try than any model of ours, and no hand can wait for it; choose another."
    if exit_code < 0:
        return f"makes onnxruntime crash (signal {-exit_code}); do not use it, and choose another."
    return f"cannot be tried: the process for it ends at once (exit code {exit_code}); install myobridge again."


def _start(*given: bytes) -> Popen[bytes]:
    """The process, with what it is to try in its standard input. Raises one of NO_PROCESS.

    A file, because a pipe would keep us waiting until the process has loaded onnxruntime.
    """
    from subprocess import DEVNULL, PIPE, Popen  # noqa: PLC0415 - 3 ms that only a trial needs

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
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    return process


def _file() -> IO[bytes]:
    """A file without a name."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("model"), "r+b")
    from tempfile import TemporaryFile  # noqa: PLC0415 - where there is no Linux

    return TemporaryFile()
