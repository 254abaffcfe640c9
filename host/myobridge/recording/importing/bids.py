"""The tables beside the EDF or BDF file of a BIDS dataset."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myobridge.model.file import LabelledPose
from myobridge.recording.importing.found import Mark

LEVEL: Final = re.compile(r"label (\d+), servo angles \(([\d., ]+)\) degrees")
"""A pose, as `myobridge export` describes it in `*_events.json`."""
BOUNDARY: Final = "boundary"


@dataclass(frozen=True)
class Beside:
    """The rows of `*_events.tsv`, and the poses that `*_events.json` describes; empty if there are none."""

    rows: Sequence[dict[str, str]] = ()
    poses: tuple[LabelledPose, ...] = ()

    @property
    def texts(self) -> list[str]:
        """The names of the events."""
        return list(dict.fromkeys(mark.text for mark in self.events(1.0)))

    def events(self, rate_hz: float) -> list[Mark]:
        """The events in rows of a channel of this rate."""
        marks = []
        for row in self.rows:
            with suppress(KeyError, ValueError):
                text = row["trial_type"]
                if text in (BOUNDARY, "n/a"):
                    continue
                start = (
                    int(row["sample"]) if row.get("sample", "n/a").isdigit() else round(float(row["onset"]) * rate_hz)
                )
                stop = start + round(float(row["duration"]) * rate_hz)
                marks.append(Mark(start, stop, text, _number(row.get("value")), _number(row.get("repetition"))))
        return marks


def look_beside(path: Path) -> Beside:
    """Reads the tables that belong to the file, if it is in a dataset; a table that cannot be read counts as absent."""
    stem = str(path).removesuffix(path.suffix)
    if not stem.endswith("_emg"):
        return Beside()
    events = Path(f"{stem.removesuffix('_emg')}_events.tsv")
    rows: list[dict[str, str]] = []
    poses: tuple[LabelledPose, ...] = ()
    with suppress(OSError, ValueError, csv.Error), events.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        levels = json.loads(events.with_suffix(".json").read_text("utf-8"))["trial_type"]["Levels"]
        poses = tuple(pose for name, text in levels.items() if (pose := _pose(name, text)) is not None)
    return Beside(rows, poses)


def _pose(name: str, text: str) -> LabelledPose | None:
    found = LEVEL.search(text)
    if found is None:
        return None
    thumb, index, middle, ring, little = map(float, found[2].split(","))
    return LabelledPose(int(found[1]), name, (thumb, index, middle, ring, little))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and int(text) < 256 else None
