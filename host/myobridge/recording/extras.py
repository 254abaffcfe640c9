"""Imports the libraries that only some commands need; an error says how to install a missing one."""

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


def need_lsl() -> ModuleType:
    """pylsl, with the library that it wraps.

    Raises:
        UserError: one of the two is not installed.
    """
    try:
        return need("pylsl", "Lab streaming", "lsl")
    except RuntimeError as error:  # pylsl is there, the library that it wraps is not
        raise UserError(
            "pylsl finds no liblsl for this computer; install liblsl2, or point PYLSL_LIB at its .so file."
        ) from error
