"""Replaces the model of a running daemon: a thread loads and checks it, the loop takes it over between two turns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from myobridge.board import board_config, check_rate
from myobridge.daemon.connection import Connection
from myobridge.daemon.realtime import leave_realtime
from myobridge.decoder.latency import hop_times_ms
from myobridge.decoder.pipeline import Pipeline
from myobridge.errors import UserError
from myobridge.feed.server import OpenRequest
from myobridge.model.load import Model, open_model
from myobridge.model.shipped import find_model
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.emg import sample_bits

MAY_BE_MOVING = "The hand may be moving; disarm it first, then change the model."
NOT_STREAMING = "The hand does not stream; change the model once it does."
ANOTHER_ON_ITS_WAY = "Another model is being loaded; wait for it."


class Loaded(NamedTuple):
    """A model that passed every check, ready to be taken over."""

    model: Model
    path: Path
    pipeline: Pipeline


class ModelSwap:
    """Loads one model at a time."""

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._opened: OpenRequest | None = None
        self._connection: Connection | None = None
        self._result: Loaded | UserError | None = None
        self._has_moved = False
        """The hand may have moved since the request, so the request is over."""
        self.changed: Callable[[], None] = lambda: None
        """Called when a model has been taken over, before the answer."""

    @property
    def busy(self) -> bool:
        """A model is being loaded."""
        return self._opened is not None

    def begin(self, opened: OpenRequest, connection: Connection | None) -> None:
        """Starts to load the requested model, or answers why not."""
        if self._opened is not None:
            opened.answer(False, ANOTHER_ON_ITS_WAY)
        elif connection is None or not connection.streaming:
            opened.answer(False, NOT_STREAMING)
        elif connection.may_be_moving:
            opened.answer(False, MAY_BE_MOVING)
        else:
            self._opened, self._connection, self._has_moved = opened, connection, False
            session = connection.session
            assert session.ident is not None
            assert session.config is not None
            load = Thread(target=self._load, args=(opened.request.path, session.ident, session.config), daemon=True)
            try:
                load.start()
            except (RuntimeError, OSError, MemoryError) as error:
                self._opened = None
                opened.answer(False, f"The model cannot be loaded now ({error}); end other programs and try again.")

    def finish(self, connection: Connection | None) -> Loaded | None:
        """Takes over the model once it is loaded, and returns it; None while there is none."""
        opened, result = self._opened, self._result
        self._has_moved |= connection is not None and connection.may_be_moving
        if opened is None or result is None:
            return None
        self._opened = self._result = None
        if isinstance(result, UserError):
            opened.answer(False, str(result))
        elif connection is None or connection is not self._connection:
            opened.answer(False, NOT_STREAMING)  # the link was lost meanwhile; this may be another board
        elif self._has_moved:
            opened.answer(False, MAY_BE_MOVING)
        else:
            connection.change_model(result.model, result.pipeline)
            self.changed()
            opened.answer(True, f"The model is now {result.model.spec.name}.")
            return result
        return None

    def _load(self, name: str, ident: m.Ident, streamed: m.Config) -> None:
        leave_realtime()
        try:
            self._result = self._checked(name, ident, streamed)
        except UserError as error:
            self._result = error
        except Exception as error:  # whatever the file does, the daemon keeps running
            self._result = UserError(f"{name} cannot be loaded ({error}); export or copy it again.")

    def _checked(self, name: str, ident: m.Ident, streamed: m.Config) -> Loaded:
        path = find_model(name)
        model = open_model(path)
        spec = model.spec
        check_rate(self._config, spec)
        needed = board_config(ident, spec, self._config)
        if (needed.channel_mask, needed.sample_period_ticks) != (streamed.channel_mask, streamed.sample_period_ticks):
            raise UserError(
                f"The model {spec.name} takes {len(spec.channels)} channels at {spec.fs_hz:g} Hz, but the board "
                f"streams {streamed.channel_mask.bit_count()} at {ident.tick_hz / streamed.sample_period_ticks:g} Hz; "
                "end the daemon and start it with that model."
            )
        if needed.oversampling != streamed.oversampling:
            raise UserError(
                f"The model {spec.name} wants {needed.oversampling} conversions in a sample, but the board makes "
                f"{streamed.oversampling}; end the daemon and start it with that model."
            )
        hop_times_ms([model], turns=1, calls=1)  # the first inference allocates memory
        return Loaded(model, path, Pipeline(model, self._config, sample_bits(ident, streamed)))
