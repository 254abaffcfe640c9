"""Reads the EMG and the spectra in the view's messages as the page reads them."""

from base64 import b64decode

import numpy as np

from myobridge.view.page import LOST


def columns_of(message: dict) -> list[list[float] | None]:
    """The columns of an `emg`: the lowest counts of all channels, then the highest; None for a lost column."""
    bottom = 2 * message["bottom"]
    steps = np.frombuffer(b64decode(message["steps"]), "<u2").reshape(-1, len(bottom))
    return [None if (row == LOST).all() else (bottom + message["step"] * row).tolist() for row in steps]


def power_db_of(message: dict) -> np.ndarray:
    """The spectra of `lines` (channels, lines)."""
    steps = np.frombuffer(b64decode(message["steps"]), np.uint8).reshape(message["channels"], -1)
    return message["top_db"] - message["step_db"] * steps
