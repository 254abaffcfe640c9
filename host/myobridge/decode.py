"""Window in, five angles out: the network in onnxruntime, fed with its own past outputs."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.model_check import MAX_MODEL_BYTES, check_model
from myobridge.model_file import ModelSpec

MAX_RUN_S: Final = 2.0
"""Processor time of one run; the first, which allocates, of the slowest network that we ship takes a hundredth."""


class Model(NamedTuple):
    """A model file, loaded and checked."""

    session: ort.InferenceSession
    spec: ModelSpec


def open_model(path: Path) -> Model:
    """Loads and checks a model file.

    Raises:
        UserError: no such file, not an ONNX file, not one of ours, or its graph does not fit its metadata or run.
    """
    if not path.is_file():
        raise UserError(f"There is no model {path}; give the path of an .onnx file, or one of the shipped names.")
    data = _read(path)
    spec = check_model(data, path)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        cost_s = _try(session)
    except Exception as error:  # onnxruntime has a family of exceptions without a common base of its own
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} is not an ONNX model that can be run ({reason}); export or copy it again.") from error
    if cost_s > MAX_RUN_S:
        raise UserError(f"{path} takes {cost_s:.1f} s to decide once, which no hand can wait for; choose another.")
    return Model(session, spec)


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


class Decoder:
    """The network with its closed loop. Inputs and output are bound once, so a call allocates nothing of size."""

    def __init__(self, model: Model) -> None:
        session, spec = model
        self.spec = spec
        self._rest = np.array(spec.rest_pose_deg, np.float32)
        self._emg = np.zeros((1, len(spec.channels), spec.window_samples), np.float32)
        self._history = np.zeros((1, 2 * len(SERVOS)), np.float32)
        self._angles = np.zeros((1, len(SERVOS)), np.float32)
        self._past: deque[NDArray[np.float32]] = deque(maxlen=max(1, 2 * spec.history_hops))
        self._session = session
        self._binding = session.io_binding()
        self._bind(self._binding.bind_input, "emg", self._emg)
        if spec.history_hops:
            self._bind(self._binding.bind_input, "history", self._history)
        self._bind(self._binding.bind_output, "angles", self._angles)
        self.reset()

    @staticmethod
    def _bind(bind: object, name: str, array: NDArray[np.float32]) -> None:
        bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)  # type: ignore[operator]

    def reset(self) -> None:
        """Back to rest: the history is the rest pose."""
        self._past.clear()
        self._past.extend([self._rest] * (self._past.maxlen or 0))

    def __call__(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Angles (5,) in degrees for a window (channels, window); they enter the history unless not finite."""
        np.copyto(self._emg[0], window)
        if self.spec.history_hops:
            self._history[0, : len(SERVOS)] = self._past[self.spec.history_hops]
            self._history[0, len(SERVOS) :] = self._past[0]
        self._session.run_with_iobinding(self._binding)
        angles: NDArray[np.float32] = self._angles[0].copy()
        finite = bool(np.isfinite(angles).all())
        self._past.append(angles if finite else self._past[-1])
        return angles
