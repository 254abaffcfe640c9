"""Models that come with the package, by name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "myobridge_models"
FOLDER = "shipped"


def shipped_models() -> dict[str, Path]:
    """Name → path of each shipped model."""
    package = find_spec(PACKAGE)  # importlib.resources would cost the daemon's start 7 ms
    folders = package.submodule_search_locations if package else None
    return {path.stem: path for folder in folders or () for path in sorted(Path(folder, FOLDER).glob("*.onnx"))}


def find_model(name: str) -> Path:
    """The shipped model of that name, or the file at that path."""
    return shipped_models().get(name, Path(name))
