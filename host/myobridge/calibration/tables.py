"""Reads a TOML file that is a list of tables, `[[pose]]` or `[[movement]]`; errors name the line and the key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from myobridge.errors import UserError
from myobridge.settings import plain_words
from myobridge.toml_file import read_toml


class _Labelled(Protocol):
    @property
    def label(self) -> int: ...

    @property
    def name(self) -> str: ...


Table = TypeVar("Table", bound=msgspec.Struct)


class Lines:
    """Finds the lines of tables and of their keys in the file."""

    def __init__(self, path: Path, lines: list[str], word: str) -> None:
        self.word = word
        self._path, self._lines = path, lines
        self._heads = [n for n, line in enumerate(self._lines) if re.match(rf"\s*\[\[\s*{word}\s*\]\]", line)]

    def at(self, table: int, key: str = "") -> str:
        """`FILE, line N` of a key of a table, or of the table itself if the key has no line of its own."""
        if table >= len(self._heads):
            return str(self._path)
        head, end = self._heads[table], [*self._heads, len(self._lines)][table + 1]
        own = (n for n in range(head + 1, end) if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", self._lines[n]))
        return f"{self._path}, line {(next(own, head) if key else head) + 1}"

    def top(self, key: str) -> str:
        """`FILE, line N` of a key or table outside the list."""
        own = (n for n, line in enumerate(self._lines) if re.match(rf"[\s\[\"']*{re.escape(key)}\b", line))
        line = next(own, None)
        return str(self._path) if line is None else f"{self._path}, line {line + 1}"

    def of(self, error: str) -> str:
        """`FILE, line N` of the place that a validation error names as `$.pose[2].label`."""
        place = re.search(rf"\$\.{self.word}\[(\d+)\](?:\.(\w+))?", error)
        return self.at(int(place[1]), place[2] or "") if place else str(self._path)


def load_tables(path: Path, name: str, word: str, kind: type[Table]) -> tuple[tuple[Table, ...], Lines]:
    """The tables `[[word]]` of a file, in its order, and where they are; `name` is the file's name in errors.

    Raises:
        UserError: the file does not exist, is not TOML, or has an unknown key or a wrong value.
    """
    data, text_lines = read_toml(path, name)
    lines = Lines(path, text_lines, word)
    _check_keys(data, lines, name.removeprefix("the "), kind)
    whole = msgspec.defstruct("whole", [(word, list[kind], [])])  # type: ignore[valid-type]
    try:
        return tuple(getattr(msgspec.convert(data, whole), word)), lines
    except msgspec.ValidationError as error:
        raise UserError(f"{lines.of(str(error))}: {plain_words(error)}; correct that value.") from error


def check_different(tables: Sequence[_Labelled], lines: Lines) -> None:
    """Refuses two tables that share a label or a name.

    Raises:
        UserError: names the line.
    """
    seen: dict[int | str, int] = {}
    for number, table in enumerate(tables):
        for key, value in (("label", table.label), ("name", table.name)):
            if value in seen:
                raise UserError(
                    f"{lines.at(number, key)}: {lines.word} {seen[value] + 1} has the {key} '{value}' already; choose "
                    "another."
                )
            seen[value] = number


def _check_keys(data: dict[str, Any], lines: Lines, name: str, kind: type[msgspec.Struct]) -> None:
    """Refuses an unknown key, and offers the nearest valid key."""
    word = lines.word
    for key in data:
        if key != word:
            raise UserError(f"{lines.top(key)}: unknown key '{key}'; a {name} has only [[{word}]] tables.")
    tables = data.get(word, [])
    if not isinstance(tables, list):
        raise UserError(f"{lines.top(word)}: each {word} needs a table of its own; write [[{word}]] with two brackets.")
    names = list(kind.__struct_fields__)
    for number, table in enumerate(tables):
        for key in table if isinstance(table, dict) else ():
            if key not in names:
                nearest = difflib.get_close_matches(key, names, 1, cutoff=0)[0]
                raise UserError(f"{lines.at(number, key)}: unknown key '{key}'; the nearest key is '{nearest}'.")
