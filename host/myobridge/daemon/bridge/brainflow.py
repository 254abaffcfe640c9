"""A board that BrainFlow knows. Needs the extra `brainflow`."""

from __future__ import annotations

import time
from contextlib import suppress
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import parse_qsl

import numpy as np

from myobridge.daemon.bridge.gaps import CounterGaps
from myobridge.daemon.bridge.stream import Block, Stream
from myobridge.errors import UserError
from myobridge.recording.extras import need

POLL_S: Final = 0.0005
"""BrainFlow has no call that waits for samples."""
BUFFER_SAMPLES: Final = 1 << 16
MICROVOLTS: Final = "uV"
"""What BrainFlow gives, by its documentation."""
SIGNALS: Final = ("emg_channels", "eeg_channels")
"""Rows of a board that hold EMG; boards that were made for EEG list their electrodes under EEG alone."""
WHY: Final = {
    "UNABLE_TO_OPEN_PORT_ERROR": "check the cable and serial_port",
    "BOARD_NOT_READY_ERROR": "switch the board on and check the options",
    "PORT_ALREADY_OPEN_ERROR": "close the other program that uses the port",
    "INVALID_ARGUMENTS_ERROR": "give the options that this board needs, such as serial_port, mac_address or file",
}


class BrainFlowSource:
    """The board of `NAME?option=value&…`. Time stamps are those of the samples' arrival in BrainFlow."""

    def __init__(self, name: str) -> None:
        """Connects the board and starts its stream.

        Raises:
            UserError: the library, the board or an option does not exist, or the board cannot be reached.
        """
        self._address = f"brainflow:{name}"
        shim = library()
        board, params = chosen(name, shim)
        self._error = need("brainflow.exit_codes", "A board of BrainFlow", "brainflow")
        try:
            shim.BoardShim.disable_board_logger()
            self._board = shim.BoardShim(board, params)
            told = shim.BoardShim.get_board_descr(self._board.get_board_id())
            self._rows, self._stamps, self._counter = self._layout(told)
            self.stream = Stream(len(self._rows), float(told["sampling_rate"]), MICROVOLTS, None)
            self._board.prepare_session()
            self._board.start_stream(BUFFER_SAMPLES)
        except self._error.BrainFlowError as error:
            raise self._refused(error) from error
        self._gaps = CounterGaps()

    def _layout(self, told: dict[str, Any]) -> tuple[list[int], int, int | None]:
        """Rows of the electrodes, of the time stamps and of the counter."""
        rows = next((told[kind] for kind in SIGNALS if told.get(kind)), None)
        if rows is None:
            raise UserError(f"{self._address} has no electrodes; name another board.")
        return rows, told["timestamp_channel"], told.get("package_num_channel")

    def _refused(self, error: Exception) -> UserError:
        code = getattr(error, "exit_code", 0)
        why = {kind.value: kind.name for kind in self._error.BrainFlowExitCodes}.get(code, str(code))
        return UserError(
            f"BrainFlow cannot use {self._address} ({why}); {WHY.get(why, 'check the board and its options')}."
        )

    def read(self, most: int, timeout_s: float) -> Block | None:  # noqa: D102 - its protocol says it
        until_s = time.monotonic() + timeout_s
        try:
            while self._board.get_board_data_count() < most and time.monotonic() < until_s:
                time.sleep(POLL_S)
            data = self._board.get_board_data(most)
        except self._error.BrainFlowError as error:
            raise self._refused(error) from error
        now_s = time.monotonic()
        if not data.shape[1]:
            return None
        lost = np.zeros(data.shape[1], np.int64) if self._counter is None else self._gaps.lost(data[self._counter])
        return Block(data[self._rows].T, data[self._stamps] + (now_s - time.time()), lost, now_s)

    def close(self) -> None:  # noqa: D102 - its protocol says it
        with suppress(self._error.BrainFlowError):  # the board is gone
            self._board.release_session()
        del self._board  # at the end of the process, BrainFlow's destructor would fail


def library() -> ModuleType:
    """BrainFlow's module of boards.

    Raises:
        UserError: BrainFlow is not installed, or has no library for this computer.
    """
    shim = need("brainflow.board_shim", "A board of BrainFlow", "brainflow")
    # It asks for its module's resources, which before Python 3.12 only a package has.
    shim.files = lambda _module: resources.files("brainflow")  # type: ignore[attr-defined]
    try:
        shim.BoardControllerDLL.get_instance()
    except OSError as error:
        raise UserError("BrainFlow has no library for this computer; host/BRIDGE.md says how to build one.") from error
    return shim


def chosen(name: str, shim: ModuleType) -> tuple[int, Any]:
    """The number of a board and its parameters, from text such as `cyton?serial_port=/dev/ttyUSB0`.

    Raises:
        UserError: there is no such board or option, or a number is not one.
    """
    board, _, options = name.partition("?")
    params = shim.BrainFlowInputParams()
    known = {key: type(value) for key, value in vars(params).items()}
    for key, value in parse_qsl(options, keep_blank_values=True):
        if key not in known:
            raise UserError(f"BrainFlow has no option '{key}'; {_nearest(key, list(known))}.")
        if key == "master_board":
            params.master_board = _board(value, shim)
        elif known[key] is int and not (value.isdecimal() and int(value) < 1 << 31):
            raise UserError(f"The option {key} of BrainFlow is a whole number from 0 on, not '{value}'; correct it.")
        elif key == "file" and not Path(value).is_file():
            raise UserError(f"There is no file {value}; name a file that BrainFlow has recorded.")
        else:
            setattr(params, key, known[key](value))
    return _board(board, shim), params


def _board(name: str, shim: ModuleType) -> int:
    boards = {board.name.lower().removesuffix("_board"): board.value for board in shim.BoardIds}
    if name not in boards:
        raise UserError(f"BrainFlow has no board '{name}'; {_nearest(name, list(boards))}.")
    return int(boards[name])


def _nearest(name: str, names: list[str]) -> str:
    nearest = get_close_matches(name, names, 1)
    return f"the nearest is '{nearest[0]}'" if nearest else f"choose from {', '.join(sorted(names))}"
