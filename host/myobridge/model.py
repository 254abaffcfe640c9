"""A model file, read and checked, and ready to be run by onnxruntime."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from myobridge.errors import UserError
from myobridge.model_check import MAX_MODEL_BYTES, check_model
from myobridge.model_file import ModelSpec

if TYPE_CHECKING:
    import onnxruntime as ort

MAX_RUN_S: Final = 2.0
"""Processor time of one run; the first, which allocates, of the slowest network that we ship takes a hundredth."""


class Model:
    """One graph of a model file.

    spec: what the file says of it.
    streaming: it is the graph that keeps its state, not the one that computes a whole window anew.
    """

    def __init__(self, path: Path, spec: ModelSpec, graph: bytes, *, streaming: bool) -> None:
        self.spec = spec
        self.streaming = streaming
        self._path = path
        self._graph = graph

    @cached_property
    def session(self) -> ort.InferenceSession:
        """The graph in onnxruntime, made when it is first asked for: the daemon's hand streams by then.

        Raises:
            UserError: the graph does not run, or not in time.
        """
        import onnxruntime as ort  # noqa: PLC0415 - 40 ms, and what most commands want of a model is in `spec`

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        path = self._path
        try:
            session = ort.InferenceSession(self._graph, options, providers=["CPUExecutionProvider"])
            cost_s = _try(session)
        except Exception as error:  # onnxruntime has a family of exceptions without a common base of its own
            reason = str(error).splitlines()[0]
            raise UserError(
                f"{path} is not an ONNX model that can be run ({reason}); export or copy it again."
            ) from error
        if cost_s > MAX_RUN_S:
            raise UserError(f"{path} takes {cost_s:.1f} s to decide once, which no hand can wait for; choose another.")
        return session


def read_model(path: Path, *, windowed: bool = False) -> Model:
    """Reads and checks a model file: its streaming graph if it has one, unless the windowed one is asked for.

    Raises:
        UserError: no such file, not an ONNX file, not one of ours, or its graph does not fit its metadata.
    """
    if not path.is_file():
        raise UserError(f"There is no model {path}; give the path of an .onnx file, or one of the shipped names.")
    data = _read(path)
    spec, streaming = check_model(data, path)
    if streaming is None or windowed:
        return Model(path, spec, data, streaming=False)
    return Model(path, spec, streaming, streaming=True)


def open_model(path: Path, *, windowed: bool = False) -> Model:
    """`read_model`, with its session made.

    Raises:
        UserError: it cannot be read, or its graph does not run.
    """
    model = read_model(path, windowed=windowed)
    _ = model.session  # made now
    return model


def _try(session: ort.InferenceSession) -> float:
    """Processor time in s of one run on silence: a graph may hold together and still fail or never end when it runs."""
    began_s = time.thread_time()
    silence = {
        value.name: np.zeros([size if isinstance(size, int) else 1 for size in value.shape], np.float32)
        for value in session.get_inputs()
    }
    session.run(None, silence)
    return time.thread_time() - began_s


def _read(path: Path) -> bytes:
    """The whole file, once: what is checked is what runs."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot read the model ({error.strerror}); allow it or copy it again.") from error
    if len(data) > MAX_MODEL_BYTES:
        raise UserError(
            f"{path} is larger than {MAX_MODEL_BYTES >> 20} MB, so it is not a model of ours; choose another."
        )
    return data
