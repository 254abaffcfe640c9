"""Models that come with the package, by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

PACKAGE = "myobridge_models"
FOLDER = "shipped"


def shipped_models() -> dict[str, Path]:
    """Name → path of each shipped model."""
    folder = Path(str(files(PACKAGE))) / FOLDER
    return {path.stem: path for path in sorted(folder.glob("*.onnx"))}


def find_model(name: str) -> Path:
    """The shipped model of that name, or the file at that path."""
    return shipped_models().get(name, Path(name))
