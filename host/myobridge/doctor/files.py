"""Reads small files of /proc, /sys and /etc."""

from __future__ import annotations

from pathlib import Path


def read(path: Path) -> str:
    """The text of a small file; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
