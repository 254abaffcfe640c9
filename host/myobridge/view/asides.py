"""What a page asks for beside the hand: models that can be used, the week of the diary, and a check by the doctor."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from myobridge.errors import UserError
from myobridge.feed import FeedClient
from myobridge.model.generations import Generations
from myobridge.model.shipped import shipped_models
from myobridge.view import page

DOCTOR_S: Final = 60.0
LISTEN_S: Final = 3
NICE: Final = ("nice", "-n", "10")
SHIPPED: Final = "shipped with myobridge; lasts until the next start"
FINE: Final = "Everything that the check looks at is in order."

NOT_CHECKED: Final = page.Findings(running=False, ok="The check did not end; try again.", findings=[])


class Asides:
    """Answers the pages of a view; every part of an answer comes from a file or from another process."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._check: asyncio.Task[page.Findings] | None = None
        """The check that runs; pages that ask meanwhile wait for its findings."""

    async def answer(self, want: Literal["models", "week", "check"], tell: Callable[[page.Message], None]) -> None:
        """Tells a page what it wants to know; always answers."""
        if want == "models":
            tell(await asyncio.to_thread(self._models))
        elif want == "week":
            tell(await asyncio.to_thread(self._week))
        else:
            tell(page.Findings(running=True, ok="", findings=[]))
            if self._check is None or self._check.done():
                self._check = asyncio.create_task(self._checked())
            tell(await asyncio.shield(self._check))

    def prepared(self, key: str) -> tuple[str, Callable[[], object]]:
        """The name of a model for the daemon, made ready for it, and what undoes that if the daemon refuses the model.

        Raises:
            UserError: there is no such model any more, or a file cannot be written.
            OSError: a file cannot be read.
        """
        kind, _, name = key.partition(":")
        if kind == "shipped" and name in shipped_models():
            return name, lambda: None
        if kind == "generation" and name.isdecimal():
            mine = self._running()
            if mine is not None:
                return str(mine), _used(Generations(mine), int(name))
        raise UserError("This model is gone; choose another model.")

    def _models(self) -> page.Models:
        try:
            return page.Models(choices=self._choices())
        except (UserError, OSError) as error:
            return page.Models(choices=[page.ModelChoice(key="", name="Models", text=str(error), in_place=True)])

    def _choices(self) -> list[page.ModelChoice]:
        """The generations of the wearer's model, the newest first, then the shipped models."""
        running = self._running()
        own = [] if running is None else reversed(Generations(running).kept())
        choices = [
            page.ModelChoice(
                key=f"generation:{one.number}",
                name=one.date,
                text=f"{one.facts.how}; {one.facts.score}",
                in_place=one.in_place,
            )
            for one in own
        ]
        return choices + [
            page.ModelChoice(key=f"shipped:{name}", name=name, text=SHIPPED, in_place=path == running)
            for name, path in shipped_models().items()
        ]

    def _running(self) -> Path | None:
        """The model file that the daemon runs; None without a daemon."""
        try:
            with FeedClient(self._port) as feed:
                about = feed.request("about").about
                return Path(about.model_path) if about else None
        except UserError:
            return None

    def _week(self) -> page.Week:
        from myobridge.daemon.diary.days import WEEK, days_of, sentences  # noqa: PLC0415 - few pages ask for it
        from myobridge.daemon.diary.store import diary_of  # noqa: PLC0415

        try:
            lines, _ = diary_of(self._port).read()
        except UserError as error:
            return page.Week(days=[page.Day(day="The diary cannot be read", lines=[str(error)])])
        days = reversed(days_of(lines)[-WEEK:])
        return page.Week(days=[page.Day(day=day.date, lines=sentences(day)) for day in days])

    async def _checked(self) -> page.Findings:
        """What the doctor finds; the doctor is a process of its own, and listens to the running daemon."""
        command = [*NICE, sys.executable, "-m", "myobridge", "doctor", "--port", self._port, "--no-clench"]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                *("--seconds", str(LISTEN_S), "--json", "-"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, "TERM": "dumb"},
            )
        except OSError:
            return NOT_CHECKED
        try:
            async with asyncio.timeout(DOCTOR_S):
                output, _ = await process.communicate()
            return _plain(msgspec.json.decode(output))
        except (TimeoutError, msgspec.DecodeError, KeyError, TypeError):
            return NOT_CHECKED
        finally:
            with suppress(ProcessLookupError):
                process.kill()


def _used(generations: Generations, number: int) -> Callable[[], None]:
    """Puts a generation in place; the function that it returns puts the generation before back.

    That function changes nothing if another model, such as that of a calibration, has been put in place meanwhile.
    """
    before = _in_place(generations)
    generations.use(number)

    def put_back() -> None:
        if before and _in_place(generations) == number:
            generations.use(before)

    return put_back


def _in_place(generations: Generations) -> int:
    return next((one.number for one in generations.kept() if one.in_place), 0)


def _plain(report: Mapping[str, Any]) -> page.Findings:
    found = [
        page.PlainFinding(what=row["what"], why=row["why"], do=row["do"], bad=row["severity"] == "bad")
        for row in report["findings"]
    ]
    bad = sum(one.bad for one in found)
    ok = FINE
    if found:
        ok = f"{bad} of {len(found)} findings stop the hand." if bad else "The hand works; some things could be better."
    return page.Findings(running=False, ok=ok, findings=found)
