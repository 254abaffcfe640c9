"""Loads a model file: reads and checks the file, and prepares its graph for onnxruntime."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from myobridge.errors import UserError
from myobridge.model.check import MAX_MODEL_BYTES, check_model
from myobridge.model.file import ModelSpec
from myobridge.model.shipped import shipped_models
from myobridge.model.trial import Trial

if TYPE_CHECKING:
    import onnxruntime as ort

OUT_OF_MEMORY: Final = ("Failed to allocate memory", "bad_alloc", "bad allocation")
"""Phrases with which onnxruntime reports a lack of memory."""


class Model:
    """One graph of a model file.

    spec: the metadata of the file.
    streaming: the graph keeps its state; any other graph computes the whole window at each hop.
    """

    def __init__(self, path: Path, spec: ModelSpec, graph: bytes, trial: Trial | None, *, streaming: bool) -> None:
        """`trial` is None in the child process of the trial itself."""
        self.spec = spec
        self.streaming = streaming
        self._path = path
        self._graph = graph
        self._trial = trial

    def begin_trial(self) -> None:
        """Starts the trial of the model in a child process; `session` waits for the verdict.

        Raises:
            UserError: the process cannot be started.
        """
        if self._trial:
            self._trial.begin()

    def ready(self) -> bool:
        """Whether the trial is over, so that `session` does not wait for it.

        Raises:
            UserError: the model has not passed.
        """
        import onnxruntime  # noqa: F401, PLC0415 - takes 40 ms, during the trial

        return self._trial is None or self._trial.over()

    @cached_property
    def session(self) -> ort.InferenceSession:
        """The graph in onnxruntime. The first access waits for the trial and loads the graph.

        Raises:
            UserError: the model has not passed, or cannot be loaded.
        """
        if self._trial:
            self._trial.wait()
        import onnxruntime as ort  # noqa: PLC0415 - most commands need only `spec`

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            return ort.InferenceSession(self._graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the exceptions of onnxruntime have no common base class of their own
            raise cannot_run(self._path, error) from error


def cannot_run(path: Path, error: Exception) -> UserError:
    """The error for a graph that onnxruntime refuses."""
    reason = str(error).partition("\n")[0] or type(error).__name__
    if isinstance(error, MemoryError) or any(word in reason for word in OUT_OF_MEMORY):
        return UserError(f"{path} takes more memory than any myobridge model; choose another model.")
    return UserError(f"{path} is not an ONNX model that can be run ({reason}); export or copy it again.")


def read_model(path: Path, *, windowed: bool = False) -> Model:
    """Reads and checks a model file. Returns its streaming graph if it has one and `windowed` is False.

    This function checks the bytes; the trial of the model checks how its graphs run.

    Raises:
        UserError: the file does not exist, is not a myobridge model, or its graph does not fit its metadata.
    """
    if not path.is_file():
        shipped = ", ".join(shipped_models())
        raise UserError(
            f"There is no model {path}; give the path of an .onnx file, or the name of a shipped model ({shipped})."
        )
    data = _read(path)
    spec, streaming = check_model(data, path)
    trial = Trial(path, spec, data, streaming)
    if streaming is None or windowed:
        return Model(path, spec, data, trial, streaming=False)
    return Model(path, spec, streaming, trial, streaming=True)


def open_model(path: Path, *, windowed: bool = False) -> Model:
    """Reads a model, waits for its trial, which takes a quarter of a second, and loads its graph.

    Raises:
        UserError: the file cannot be read, or the model did not pass its trial.
    """
    model = read_model(path, windowed=windowed)
    _ = model.session  # loads the graph now
    return model


def _read(path: Path) -> bytes:
    """The whole file, read once, so that the checked bytes are the bytes that run."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot read the model ({error.strerror}); allow it or copy it again.") from error
    if len(data) > MAX_MODEL_BYTES:
        raise UserError(
            f"{path} is larger than {MAX_MODEL_BYTES >> 20} MB, so it is not a myobridge model; choose another file."
        )
    return data
