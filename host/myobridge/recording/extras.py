"""Libraries that only exports and pictures need: without them, one sentence that says what to install."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from myobridge.errors import UserError


def need(module: str, purpose: str) -> ModuleType:
    """The module.

    Raises:
        UserError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise UserError(
            f"{purpose} needs {package}, which is not installed; `pip install -e '.[export]'` in a clone installs it."
        ) from error
