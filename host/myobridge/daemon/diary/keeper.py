"""Keeps the diary of a run: the loop counts, and a thread writes. The loop waits for no disk.

The thread drops the lines that it cannot write, and says so once.
"""

from __future__ import annotations

import os
import time
from _queue import SimpleQueue
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

from myobridge.daemon.realtime import leave_realtime
from myobridge.decoder.contact import Contact
from myobridge.wire import messages as m

if TYPE_CHECKING:
    from myobridge.daemon.connection import Connection
    from myobridge.daemon.diary.store import Line, Store

PERIOD_S: Final = 120.0
"""Time between two lines; a kill loses at most this much."""
LOOK_S: Final = 1.0
MAX_WAITING: Final = 64
CLOSE_S: Final = 0.5
"""How long a run waits for the disk when it ends."""
MOST_KEYS: Final = 16
MOST_LETTERS: Final = 500
GONE: Final = (-1, -1, False)


@dataclass
class _Tally:
    """What has happened since the last line; the fields of `Line`."""

    on_s: float = 0.0
    armed_s: float = 0.0
    holds: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    opened: int = 0
    lost: int = 0
    stops: int = 0
    bad_s: dict[str, dict[str, float]] = field(default_factory=dict)
    port: str = ""
    model: str = ""
    note: str = ""


class Diary:
    """The diary of one run. Only `close` waits, and not for long."""

    def __init__(self, port: str, model: Path, tell: Callable[[str], None], *, keep: bool = True) -> None:
        """tell: gets the sentence about a disk that refuses the diary. keep: False: nothing is written."""
        self._keep, self._port, self._tell = keep, port, tell
        self._run = int.from_bytes(os.urandom(6), "big")
        self._queue: SimpleQueue[tuple[_Tally, float, float] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._told = False
        self._tally = _Tally(port=port, model=str(model))
        self._status: m.Status | None = None
        self._seen = GONE
        self._bad: Sequence[tuple[str, str]] = ()
        self._estop = True
        """In force at the last look; a stop of an earlier run is not counted again."""
        self._at_s = self._look_s = self._line_s = 0.0

    def look(self, connection: Connection, now_s: float, *, estop: bool) -> None:
        """Counts what is new; called on each turn of the loop, so it usually returns at once."""
        status = connection.session.status
        if status is self._status and now_s < self._look_s:
            return
        self._count_time(now_s)
        if status is not None and status is not self._status:
            self._status = status
            self._count_state((status.state, status.reason, connection.may_move and not connection.acting))
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._bad = _bad_channels(connection)
            self._tally.stops += estop and not self._estop
            self._estop = estop
        if not self._line_s or now_s - self._line_s >= PERIOD_S:
            self._write(now_s)

    def lost(self, now_s: float) -> None:
        """Counts a lost connection, if there was one."""
        if self._status is not None:
            self._count_time(now_s)
            self._tally.lost += 1
        self._status, self._seen, self._bad, self._at_s = None, GONE, (), 0.0

    def model(self, path: Path) -> None:
        """Notes the model that runs from now on."""
        self._write(time.monotonic())
        self._tally.model = str(path)

    def note(self, sentence: str) -> None:
        """Notes a sentence for people, such as why a calibration kept the old model."""
        self._tally.note = sentence[:MOST_LETTERS]
        self._write(time.monotonic())

    def close(self) -> None:
        """Writes what is left, and ends the thread."""
        if self._status is not None or self._thread is not None:
            self._count_time(time.monotonic())
            self._write(time.monotonic())
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(CLOSE_S)

    def _count_time(self, now_s: float) -> None:
        """Adds the time since the last look to what was true at that look."""
        since_s, self._at_s = (now_s - self._at_s if self._at_s else 0.0), now_s
        tally, (state, _, follows) = self._tally, self._seen
        tally.on_s += since_s
        if follows and state == m.State.ARMED:
            tally.armed_s += since_s
        for channel, verdict in self._bad:
            if channel in tally.bad_s or len(tally.bad_s) < MOST_KEYS:
                verdicts = tally.bad_s.setdefault(channel, {})
                verdicts[verdict] = verdicts.get(verdict, 0.0) + since_s

    def _count_state(self, seen: tuple[int, int, bool]) -> None:
        before, self._seen = self._seen, seen
        if seen[0] == before[0]:
            return
        name = m.Reason(seen[1]).name.lower()
        if seen[0] == m.State.HOLD:
            self._tally.holds[name] = self._tally.holds.get(name, 0) + 1
        elif seen[0] == m.State.FAULT:
            self._tally.faults[name] = self._tally.faults.get(name, 0) + 1
        elif seen[0] == m.State.RELAX:
            self._tally.opened += 1

    def _write(self, now_s: float) -> None:
        """Hands the tally to the thread."""
        tally, self._tally, self._line_s = self._tally, _Tally(), now_s
        if not self._keep or self._queue.qsize() >= MAX_WAITING:
            return
        if self._thread is None:
            self._thread = Thread(target=self._work, name="diary", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the system has no thread left: the run goes on without a diary
                self._thread, self._keep = None, False
                return
        self._queue.put((tally, time.time(), now_s))

    def _work(self) -> None:
        leave_realtime()
        from myobridge.daemon.diary.store import diary_of  # noqa: PLC0415 - off the loop's thread
        from myobridge.daemon.permission.estop_memory import state_folder  # noqa: PLC0415

        store: Store | None = None
        while (job := self._queue.get()) is not None:
            try:
                store = store or diary_of(self._port)
                self._append(store, *job)
            except OSError as error:
                if not self._told:
                    self._told = True
                    self._tell(
                        f"The diary is not written ({error.strerror or error}); make room for it in {state_folder()}."
                    )

    def _append(self, store: Store, tally: _Tally, at_s: float, up_s: float) -> None:
        from myobridge.daemon.diary.store import Line  # noqa: PLC0415 - off the loop's thread

        fields = vars(tally) | {"on_s": round(tally.on_s, 1), "armed_s": round(tally.armed_s, 1)}
        fields["bad_s"] = {channel: _rounded(verdicts) for channel, verdicts in tally.bad_s.items()}
        if tally.model:
            path = Path(tally.model)
            fields |= {"model": path.stem, "origin": _origin(path)}
        line: Line = Line(run=self._run, at_s=round(at_s, 1), up_s=round(up_s, 1), **fields)
        store.append(line, tally.port)


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {verdict: round(each, 1) for verdict, each in seconds.items()}


def _bad_channels(connection: Connection) -> list[tuple[str, str]]:
    """The channels with bad contact, each with its verdict."""
    stream = connection.setpoints.stream
    if stream is None or not any(stream.pipeline.contact.verdicts):
        return []
    names = connection.channels
    return [
        (name, verdict.name.lower())
        for name, verdict in zip(names, stream.pipeline.contact.verdicts, strict=True)
        if verdict is not Contact.GOOD
    ]


def _origin(path: Path) -> str:
    """Number, date, origin and score of the generation that the model file is; empty if it is none."""
    from myobridge.errors import UserError  # noqa: PLC0415 - off the loop's thread
    from myobridge.model.generations import Generations  # noqa: PLC0415

    try:
        here = next((one for one in Generations(path).kept() if one.in_place), None)
    except UserError:
        return ""
    return f"generation {here}" if here else ""
