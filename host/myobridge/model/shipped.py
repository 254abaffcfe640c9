"""The models that are shipped with the package, by name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "myobridge_models"
FOLDER = "shipped"


def shipped_models() -> dict[str, Path]:
    """The path of each shipped model, by name."""
    package = find_spec(PACKAGE)  # importlib.resources would add 7 ms to the start of the daemon
    folders = package.submodule_search_locations if package else None
    return {path.stem: path for folder in folders or () for path in sorted(Path(folder, FOLDER).glob("*.onnx"))}


def find_model(name: str) -> Path:
    """The path of the shipped model with this name, or the name itself as a path."""
    return shipped_models().get(name, Path(name))
