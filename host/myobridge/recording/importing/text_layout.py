"""Finds out how a text file lays out its table: delimiter, decimal mark, names, and where the numbers begin. Pure."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

DELIMITERS: Final = "\t;, "
"""In the order of preference, where two of them give equally many numbers."""
COMMENTS: Final = ("#", "%")
FEWEST_ROWS: Final = 2
QUOTED: Final = re.compile(r'"[^"\n]*"')
HIDDEN: Final = "\x01"
"""Stands for a delimiter within quotes, which ends no field."""
JUDGED: Final = 200
"""Lines at the end of the beginning that say what a column holds."""


@dataclass(frozen=True)
class Layout:
    """A table of text.

    delimiter: one letter; a space stands for any number of spaces.
    decimal_comma: whether 1,5 means 1.5.
    names: of the columns; None: the file has none.
    texts: columns that hold text.
    line: number of the line of the first row of numbers, from 1 on.
    preamble: the lines before the table.
    """

    delimiter: str
    decimal_comma: bool
    names: tuple[str, ...] | None
    width: int
    texts: frozenset[int]
    line: int
    preamble: tuple[str, ...]


def decoded(head: bytes) -> str:
    """The text in UTF-8, or in Latin-1, as older programs write it; the end may be cut within a letter."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return head.decode("latin-1")


def layout_of(text: str, *, whole: bool) -> Layout | None:
    """The layout of a file that begins with this text; None: it holds no table of numbers."""
    lines = text.split("\n")
    if not whole or not lines[-1]:
        del lines[-1]
    rows = [line for line in lines if line.strip() and not line.startswith(COMMENTS)]
    judged = rows[-JUDGED:]
    delimiter = max(DELIMITERS, key=lambda one: sum(_numbers(line, one) for line in judged), default="")
    if not sum(_numbers(line, delimiter) for line in judged):
        return None
    width = Counter(len(fields(line, delimiter)) for line in judged).most_common(1)[0][0]
    table = [row for row in (fields(line, delimiter) for line in judged) if len(row) == width]
    if sum(any(is_number(field, delimiter) for field in row) for row in table) < FEWEST_ROWS:
        return None
    texts = frozenset(k for k in range(width) if 2 * sum(is_number(row[k], delimiter) for row in table) < len(table))
    first = next(n for n, line in enumerate(lines) if _is_row(line, delimiter, width, texts))
    names = _names(lines[:first], delimiter, width)
    decimal_comma = delimiter != "," and any("," in row[k] for row in table for k in range(width) if k not in texts)
    return Layout(delimiter, decimal_comma, names, width, texts, first + 1, tuple(lines[:first]))


def fields(line: str, delimiter: str) -> list[str]:
    """The fields of a line, without the spaces and quotes around them."""
    line = hide_quoted(line.rstrip("\r"), delimiter)
    return [shown(part.strip(), delimiter) for part in line.split(None if delimiter == " " else delimiter)]


def hide_quoted(text: str, delimiter: str) -> str:
    """The text, as long as before, without the delimiters that lie within quotes of a line."""
    return QUOTED.sub(lambda found: found[0].replace(delimiter, HIDDEN), text) if '"' in text else text


def shown(field: str, delimiter: str) -> str:
    """A field of a text whose quoted delimiters are hidden, as its author sees it."""
    return field.strip('"').replace(HIDDEN, delimiter)


def is_number(field: str, delimiter: str) -> bool:
    """Whether the field is a number, with a decimal comma where the delimiter is another letter."""
    with suppress(ValueError):
        float(field if delimiter == "," else field.replace(",", "."))
        return True
    return False


def _numbers(line: str, delimiter: str) -> int:
    return sum(is_number(field, delimiter) for field in fields(line, delimiter))


def _is_row(line: str, delimiter: str, width: int, texts: frozenset[int]) -> bool:
    row = fields(line, delimiter)
    if len(row) != width or line.startswith(COMMENTS):
        return False
    known = [is_number(row[k], delimiter) for k in range(width) if k not in texts and row[k]]
    return bool(known) and all(known)


def _names(preamble: Sequence[str], delimiter: str, width: int) -> tuple[str, ...] | None:
    """The names in the last line above the numbers that has as many fields; equal or empty names get their number."""
    for line in reversed(preamble):
        names = fields(line.lstrip("".join(COMMENTS)), delimiter)
        if len(names) == width:
            twice = {name for name in names if names.count(name) > 1 or not name}
            return tuple(f"{name} {k}".strip() if name in twice else name for k, name in enumerate(names, 1))
    return None


def preamble_number(preamble: Sequence[str], key: str) -> float | None:
    """The number behind a key, as in `%Sample Rate = 250 Hz`."""
    for line in preamble:
        found = re.search(rf"{key}\s*[=:,;\t]\s*([0-9.]+)", line, re.IGNORECASE)
        if found:
            return float(found[1])
    return None
