"""The generations of a wearer's model: each calibration makes one, and an undo goes back.

`mine.onnx` is the model in place, an ordinary file. `mine.generations/` beside it holds a copy of each generation,
`000007.onnx`, and what is known about it, `000007.json`. The numbers give the order; the dates only inform, because the
clock of a Raspberry Pi may be wrong by years.

Every file is whole or absent, and the model in place changes last. So a power cut leaves the old model or the new one
in place, and both are kept. Which generation is in place follows from its bytes, so another file may be copied over
`mine.onnx` at any time; the next change keeps that file as a generation, too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from myobridge.errors import UserError
from myobridge.files import locked, refusals, write_bytes
from myobridge.model.check import MAX_MODEL_BYTES, check_model

MOST: Final = 20
MOST_BYTES: Final = 64_000_000
"""Bounds of the generations of one model; the oldest ones go first."""
MOST_FACTS_BYTES: Final = 10_000
MOST_LETTERS: Final = 500
NAME: Final = re.compile(r"\d{6,9}\.onnx")
IN_PLACE: Final = "in-place"
"""Holds the number of the generation in place; decides between generations with the same bytes."""
CLOCK_SET_S: Final = 1_767_225_600.0
"""2026-01-01: an earlier date comes from a clock that nobody has set."""
FOUND: Final = "found in place"
UNKNOWN: Final = "score unknown"


class Facts(msgspec.Struct, frozen=True):
    """What is known about a generation.

    made_s: when, in seconds since 1970, by the clock of that moment. score: in words. how: what made the model.
    before: the generation that this one replaced; 0: none. digest: SHA-256 of the model file.
    balanced_accuracy: of the poses; None: unknown.
    """

    made_s: float
    score: str
    how: str
    before: int
    digest: str
    balanced_accuracy: float | None = None


class Generation(msgspec.Struct, frozen=True):
    """A generation: its number, its model file and what is known about it."""

    number: int
    path: Path
    facts: Facts
    in_place: bool = False

    @property
    def date(self) -> str:
        """The date and the minute, in local time, or that the clock was not set."""
        if self.facts.made_s < CLOCK_SET_S:
            return "date unknown"
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(self.facts.made_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
        return "date unknown"

    def __str__(self) -> str:
        return f"{self.number}: {self.date}, {self.facts.how}; {self.facts.score}"


class Generations:
    """The generations of the model file `mine`. Every method reads the disk, so several programs may use them."""

    def __init__(self, mine: Path) -> None:
        self.mine = mine
        self.folder = mine.with_name(f"{mine.stem}.generations")

    def kept(self) -> list[Generation]:
        """All generations, the oldest first; one of them is in place, unless `mine` is missing or foreign.

        Raises:
            UserError: the folder cannot be read.
        """
        found = self._found()
        here = self._in_place(found)
        return [msgspec.structs.replace(one, in_place=one.number == here) for one in found]

    def keep(
        self,
        model: bytes,
        score: str,
        how: str,
        *,
        balanced_accuracy: float | None = None,
        when_s: float | None = None,
        base: Path | None = None,
    ) -> Generation:
        """Puts a checked model in place as a new generation; undo then leads to the model that was in place.

        score: in words. how: what made the model, such as "ten-second calibration". when_s: seconds since 1970; by
        default now. base: the model that an undo leads to if `mine` does not exist yet.

        Raises:
            UserError: a file cannot be written; `mine` is then unchanged.
        """
        with refusals(self.folder):
            self.folder.mkdir(mode=0o700, exist_ok=True)
        with locked(self.folder):
            found = self._found()
            before = self._adopted(found, base)
            facts = Facts(
                time.time() if when_s is None else when_s,
                score[:MOST_LETTERS],
                how[:MOST_LETTERS],
                before,
                sha256(model).hexdigest(),
                balanced_accuracy,
            )
            made = self._add(found, model, facts)
            self._put(made)
            self._prune([*found, made], {made.number, before})
        return msgspec.structs.replace(made, in_place=True)

    def undo(self) -> Generation:
        """Puts the generation in place that the present one replaced, and returns it; damaged ones are skipped.

        If `mine` is missing, the newest generation comes back.

        Raises:
            UserError: there is no earlier generation, or a file cannot be written; `mine` is then unchanged.
        """
        with self._writing() as found:
            here = self._adopted(found, None) if found else 0
            for one in _earlier(found, here):
                if _whole(one):
                    self._put(one)
                    return msgspec.structs.replace(one, in_place=True)
        raise self._nothing()

    def use(self, number: int) -> Generation:
        """Puts the generation with this number in place.

        Raises:
            UserError: there is no such generation, it is damaged, or a file cannot be written.
        """
        with self._writing() as found:
            one = next((one for one in found if one.number == number), None)
            if one is None:
                raise UserError(f"{self.mine} has no generation {number}; choose one of those that are kept.")
            if not _whole(one):
                raise UserError(f"{one.path} is damaged and is not used; choose another generation.")
            self._adopted(found, None)
            self._put(one)
        return msgspec.structs.replace(one, in_place=True)

    @contextmanager
    def _writing(self) -> Iterator[list[Generation]]:
        """The generations, while other programs cannot change them."""
        if not self.folder.is_dir():
            yield []
            return
        with locked(self.folder):
            yield self._found()

    def _nothing(self) -> UserError:
        return UserError(
            f"There is nothing to undo, because no earlier model of {self.mine} is kept; choose the model that you "
            "have calibrated."
        )

    def _found(self) -> list[Generation]:
        try:
            paths = sorted(
                (path for path in self.folder.iterdir() if NAME.fullmatch(path.name)), key=lambda path: int(path.stem)
            )
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(
                f"The earlier models in {self.folder} cannot be read ({error.strerror}); {self.mine} still works, and "
                "undo works again once you can read that folder."
            ) from error
        found: list[Generation] = []
        for path in paths:
            before = found[-1].number if found else 0
            found.append(Generation(int(path.stem), path, _facts_of(path, before)))
        return found

    def _in_place(self, found: Sequence[Generation]) -> int:
        """The number of the generation in place; 0: `mine` is missing or foreign."""
        try:
            digest = _digest(self.mine)
        except OSError:
            return 0
        same = [one.number for one in found if one.facts.digest == digest]
        return self._noted(same)

    def _noted(self, numbers: Sequence[int]) -> int:
        """The one of these numbers that is noted as in place, else the highest; 0: there are none."""
        with suppress(OSError, ValueError):
            if (noted := int((self.folder / IN_PLACE).read_bytes()[:20])) in numbers:
                return noted
        return max(numbers, default=0)

    def _adopted(self, found: list[Generation], base: Path | None) -> int:
        """The number of the generation in place; a model without one becomes a generation. 0: there is no model."""
        if here := self._in_place(found):
            return here
        source = self.mine if self.mine.is_file() else base
        if source is None:
            return 0
        how = FOUND if source is self.mine else f"{source.stem}, before the first calibration"
        before = self._noted([one.number for one in found])
        with refusals(source):
            made_s, data = source.stat().st_mtime, source.read_bytes()
        found.append(self._add(found, data, Facts(made_s, UNKNOWN, how, before, sha256(data).hexdigest())))
        return found[-1].number

    def _add(self, found: Sequence[Generation], model: bytes, facts: Facts) -> Generation:
        """Writes the facts first, so that a generation with a model file has facts, too."""
        number = 1 + (found[-1].number if found else 0)
        path = self.folder / f"{number:06d}.onnx"
        write_bytes(path.with_suffix(".json"), msgspec.json.encode(facts))
        write_bytes(path, model)
        return Generation(number, path, facts)

    def _put(self, one: Generation) -> None:
        model = one.path.read_bytes()
        write_bytes(self.folder / IN_PLACE, f"{one.number}\n".encode())
        write_bytes(self.mine, model)

    def _prune(self, found: Sequence[Generation], needed: set[int]) -> None:
        """Removes the oldest generations beyond the bounds; a removal that fails waits for the next calibration."""
        kept, total = 0, 0
        for one in sorted(found, key=lambda one: (one.number in needed, one.number), reverse=True):
            with suppress(OSError):
                kept, total = kept + 1, total + one.path.stat().st_size
                if (kept > MOST or total > MOST_BYTES) and one.number not in needed:
                    one.path.unlink()
                    one.path.with_suffix(".json").unlink()


def _earlier(found: Sequence[Generation], here: int) -> Iterator[Generation]:
    """The generations that an undo leads to, the best one first; here: the number in place, or 0."""
    if not here:
        yield from reversed(found)
        return
    by_number = {one.number: one for one in found}
    while (one := by_number.get(by_number[here].facts.before)) and one.number < here:
        yield one
        here = one.number


def _facts_of(path: Path, before: int) -> Facts:
    """The facts beside a model file; if they are damaged, what the file itself says."""
    facts = path.with_suffix(".json")
    with suppress(OSError, msgspec.MsgspecError), facts.open("rb") as file:
        return msgspec.json.decode(file.read(MOST_FACTS_BYTES), type=Facts)
    try:
        return Facts(path.stat().st_mtime, UNKNOWN, f"{facts.name} cannot be read", before, _digest(path))
    except OSError:
        return Facts(0.0, UNKNOWN, f"{path.name} cannot be read", before, "")


def _whole(one: Generation) -> bool:
    """Whether the model file is what was kept, and a model."""
    try:
        data = one.path.read_bytes()
        check_model(data, one.path)
    except (OSError, UserError):
        return False
    return sha256(data).hexdigest() == one.facts.digest


def _digest(path: Path) -> str:
    if not path.is_file():  # reading a pipe could block for ever
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        return sha256(file.read(MAX_MODEL_BYTES + 1)).hexdigest()
