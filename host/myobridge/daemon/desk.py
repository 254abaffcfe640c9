"""Where a person's other orders go: calibrations, undo, presses of the button, and another model.

The daemon knows this interface alone; `calibration/morning/morning.py` implements it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from myobridge.daemon.connection import Connection
from myobridge.daemon.model_swap import ModelSwap
from myobridge.daemon.permission.requests import Requests
from myobridge.feed.calibration_state import IDLE, CalibrationState
from myobridge.feed.server import OpenRequest
from myobridge.settings import Settings


class Desk(Protocol):
    """Takes the orders. No method waits."""

    def take(self, opened: OpenRequest, connection: Connection | None, now_s: float) -> None:
        """Takes a request that is a `Morning` of `feed/messages.py`."""

    def choose(self, opened: OpenRequest, connection: Connection | None) -> None:
        """Takes a request for another model."""

    def changed_model(self) -> None:
        """The daemon runs another model from now on."""

    def attend(self, connection: Connection | None, now_s: float) -> None:
        """Does what is due; called on each turn of the loop, and when the link is lost."""

    def state(self, now_s: float) -> CalibrationState:
        """The calibration, for the snapshot."""

    def close(self) -> None:
        """The run ends."""


Tell = Callable[[str], None]
MakeDesk = Callable[[Requests, ModelSwap, Settings, Tell, Callable[[], Path], Tell], Desk]
"""Makes a desk of the owner of permission, the swap of models, the settings, a taker of sentences, the file of the
model that the daemon runs, and the diary's taker of sentences."""


class PlainDesk:
    """The desk of a daemon that changes models and calibrates nothing."""

    def __init__(self, swap: ModelSwap) -> None:
        self._swap = swap

    def take(self, opened: OpenRequest, _connection: Connection | None, _now_s: float) -> None:
        """Refuses a calibration."""
        opened.answer(False, "This daemon cannot calibrate; start it with `myobridge run`.")

    def choose(self, opened: OpenRequest, connection: Connection | None) -> None:
        """Begins to load another model."""
        self._swap.begin(opened, connection)

    def changed_model(self) -> None:
        """Nothing depends on the model."""

    def attend(self, connection: Connection | None, now_s: float) -> None:
        """Nothing is due."""

    def state(self, _now_s: float) -> CalibrationState:
        """No calibration."""
        return IDLE

    def close(self) -> None:
        """Nothing is open."""
