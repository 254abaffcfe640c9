"""Turns each hop into five angles: runs the network in onnxruntime and feeds back its own past outputs.

A windowed graph computes the whole window again at each hop. A streaming graph keeps what it computed before and
computes only the part of the new hop. Both have the same interface and agree up to rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.decoder.window import Ring, Window
from myobridge.model.file import PAST
from myobridge.model.load import Model

if TYPE_CHECKING:
    import onnxruntime as ort

Floats = NDArray[np.float32]


class Decoder(ABC):
    """The network in its closed loop. Inputs and outputs are bound once, so a call allocates almost nothing."""

    def __init__(self, model: Model) -> None:
        self.spec = spec = model.spec
        self._session = model.session
        self._rest = np.array(spec.rest_pose_deg, np.float32)
        self._history = np.zeros((1, 2 * len(SERVOS)), np.float32)
        self._angles = np.zeros((1, len(SERVOS)), np.float32)
        self._past: deque[Floats] = deque(maxlen=max(1, 2 * spec.history_hops))
        self._options = _run_options()
        self.reset()

    def reset(self) -> None:
        """Starts from rest: the history holds the rest pose."""
        self._options.terminate = False
        self._past.clear()
        self._past.extend([self._rest] * (self._past.maxlen or 0))
        self._said: Floats | None = None
        self._write_history()

    @abstractmethod
    def __call__(self, window: Window) -> Floats | None:
        """Decides on a hop whose samples have been appended to the window; call it once for each hop.

        Returns angles (5,) in degrees, or None until the window is full. Finite angles enter the history.
        """

    def settle(self) -> None:
        """Deferred work: updates the history after the setpoint is sent. The next call does this if it is pending."""
        if self._said is not None:
            self._past.append(self._said if isfinite(sum(self._said.tolist())) else self._past[-1])
            self._said = None
            self._write_history()

    def terminate(self) -> None:
        """Asks the current run to end, from another thread; `reset` permits runs again."""
        self._options.terminate = True

    def _write_history(self) -> None:
        if self.spec.history_hops:
            self._history[0, : len(SERVOS)] = self._past[self.spec.history_hops]
            self._history[0, len(SERVOS) :] = self._past[0]

    def _binding(self) -> ort.IOBinding:
        """A binding of the history and the angles; the caller binds the other inputs and outputs."""
        binding = self._session.io_binding()
        if self.spec.history_hops:
            _bind(binding.bind_input, "history", self._history)
        _bind(binding.bind_output, "angles", self._angles)
        return binding

    def _decide(self, binding: ort.IOBinding) -> Floats:
        self._session.run_with_iobinding(binding, self._options)
        angles: Floats = self._angles[0].copy()
        self._said = angles
        return angles


def _run_options() -> ort.RunOptions:
    """Options through which another thread can end a run.

    The entry says that no run is captured for a graphics card. The wrapper of onnxruntime asks for this entry at each
    run; without it, an exception in C++ costs 0.02 ms for each decision.
    """
    import onnxruntime as ort  # noqa: PLC0415 - the session has imported it already

    options = ort.RunOptions()
    options.add_run_config_entry("gpu_graph_id", "-1")
    return options


def _bind(bind: Callable[..., None], name: str, array: Floats) -> None:
    bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)


class WindowedDecoder(Decoder):
    """Computes the whole window again at each hop."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._emg = np.zeros((1, len(self.spec.channels), self.spec.window_samples), np.float32)
        self._bound = self._binding()
        _bind(self._bound.bind_input, "emg", self._emg)

    def __call__(self, window: Window) -> Floats | None:
        """See Decoder."""
        self.settle()
        if not window.full:
            return None
        np.copyto(self._emg[0], window.view)
        return self._decide(self._bound)


class StreamingDecoder(Decoder):
    """Computes the part of a hop from tapes of earlier results; model/file.py describes the graph.

    A tape lies in a ring. onnxruntime reads the tape in place and writes the new values behind its end. The positions
    in the ring recur after a fixed number of hops, so there is one binding for each position.
    """

    def __init__(self, model: Model) -> None:
        shapes = {value.name: value.shape for value in model.session.get_inputs()}
        kept = {value.name: value.shape for value in model.session.get_outputs() if value.name != "angles"}
        hop = (model.spec.hop_samples, len(model.spec.channels))
        new = {"emg": hop, **{PAST + name: shape for name, shape in kept.items()}}
        self._hops = max(-(-int(np.prod(shapes[name])) // int(np.prod(shape))) for name, shape in new.items())
        rings = {name: Ring(self._hops, shape) for name, shape in new.items()}
        self._rings = list(rings.values())
        super().__init__(model)
        self._slots = []
        for at in range(self._hops):
            binding = self._binding()
            _bind(binding.bind_input, "emg", rings["emg"].newest(at + 1, shapes["emg"]))
            for name in kept:
                ring = rings[PAST + name]
                _bind(binding.bind_input, PAST + name, ring.newest(at, shapes[PAST + name]))
                _bind(binding.bind_output, name, ring.slot(at))
            copies = [(ring.mirror(at), ring.slot(at)) for name, ring in rings.items() if name != "emg"]
            self._slots.append((rings["emg"].pair(at), binding, copies))

    def reset(self) -> None:
        """Starts from rest, with empty tapes."""
        super().reset()
        self._at = 0
        self._copies: list[tuple[Floats, Floats]] = []
        for ring in self._rings:
            ring.clear()

    def settle(self) -> None:
        """See Decoder."""
        super().settle()
        for mirror, slot in self._copies:
            mirror[:] = slot
        self._copies = []

    def __call__(self, window: Window) -> Floats | None:
        """See Decoder."""
        self.settle()
        emg, binding, self._copies = self._slots[self._at]
        self._at = (self._at + 1) % self._hops
        emg[:] = window.newest(self.spec.hop_samples).T
        if window.full:
            return self._decide(binding)
        self._session.run_with_iobinding(binding, self._options)
        return None


def decoder_of(model: Model) -> Decoder:
    """The decoder for this model's graph."""
    return StreamingDecoder(model) if model.streaming else WindowedDecoder(model)
