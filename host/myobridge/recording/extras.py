"""Imports the libraries that only imports, exports and pictures need; an error says how to install a missing one."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from myobridge.errors import UserError


def need(module: str, purpose: str, extra: str = "export") -> ModuleType:
    """The module; `extra` installs it.

    Raises:
        UserError: the module is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise UserError(
            f"{purpose} needs {package}, which is not installed; `pip install 'myobridge[{extra}]'` installs it."
        ) from error
