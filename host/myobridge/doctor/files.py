"""Small files of /proc, /sys and /etc."""

from __future__ import annotations

from pathlib import Path


def read(path: Path) -> str:
    """A small file's text; empty where there is none for us."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
