"""What `myobridge import --look` prints: what is in a file, and what the import takes. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from myobridge.errors import UserError
from myobridge.recording.importing.choose import Choice, choose
from myobridge.recording.importing.found import Column, Found
from myobridge.recording.importing.mapping import EVENTS, Mapping

NINAPRO: Final = "restimulus"
"""A column that only Ninapro's files have."""
FEW: Final = 4
"""Groups with more columns than this get one line."""


def look_text(found: Found, mapping: Mapping) -> str:
    """The columns with their numbers, the events, and what would be taken or is missing."""
    lines = [f"{found.path}: {found.form}, {len(found.columns)} columns"]
    lines += _columns(found)
    if any(column.name == NINAPRO for column in found.columns):
        lines.append("This is Ninapro's layout: --poses ninapro-b names the 17 movements of exercise B.")
    if found.event_texts:
        lines.append(f"  events: {', '.join(found.event_texts[:20])}")
    try:
        lines += _taken(found, choose(found, mapping), mapping)
    except UserError as error:
        lines.append(f"Missing: {error}")
    return "\n".join(lines)


def _columns(found: Found) -> list[str]:
    lines, number = [], 1
    for _, grouped in groupby(found.columns, key=lambda column: (column.group, *_facts(column))):
        group = list(grouped)
        if len(group) > FEW and group[0].group:
            lines.append(f"  {number}-{number + len(group) - 1}  {group[0].group}{_said(group[0])}")
        else:
            lines += [f"  {at}  {column.name}{_said(column)}" for at, column in enumerate(group, number)]
        number += len(group)
    return lines


def _facts(column: Column) -> list[str]:
    facts = [
        f"{column.rows} values" if column.rows is not None else "",
        f"{column.rate_hz:g} Hz" if column.rate_hz else "",
    ]
    return [*facts, column.unit, "text" if column.texts is not None else ""]


def _said(column: Column) -> str:
    facts = ", ".join(fact for fact in _facts(column) if fact)
    return f"  ({facts})" if facts else ""


def _taken(found: Found, choice: Choice, mapping: Mapping) -> list[str]:
    names = [found.columns[index].name for index in choice.channels]
    shown = ", ".join(names) if len(names) <= FEW else f"{names[0]} … {names[-1]}"
    named = {key: getattr(choice, key) for key in ("label", "repetition", "run", "time")}
    rest = [f"{key} from {found.columns[index].name}" for key, index in named.items() if index is not None]
    if choice.events:
        rest.append(f"label from the {EVENTS}")
    if choice.angles:
        rest.append("finger angles")
    rate = f" at {choice.rate_hz:g} Hz" if choice.rate_hz else ""
    unit = f", in {choice.unit}" if choice.unit else ""
    lines = [f"Import takes {len(names)} channel{'s' * (len(names) > 1)} ({shown}){rate}{unit}."]
    if not choice.unit:
        lines.append("The file does not say their unit: whole numbers become counts, and other numbers need --unit.")
    if rest:
        lines.append(f"It also takes {'; '.join(rest)}.")
    poses = ", ".join(f"{pose.label} {pose.name}" for pose in mapping.pose or ())
    return [*lines, f"Poses: {poses}." if poses else "There are no poses."]
