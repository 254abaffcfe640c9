"""One turn of the daemon's loop: wake on data, read, decode frames, decide, write (`setpoints.py`)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from myobridge.daemon.decision_guard import DecisionGuard
from myobridge.daemon.explain import explain_state
from myobridge.daemon.setpoints import Setpoints
from myobridge.daemon.snapshot import take_snapshot
from myobridge.daemon.stats import RunStats
from myobridge.decoder.pipeline import Pipeline, Withheld
from myobridge.feed import Snapshot
from myobridge.model.load import Model
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.handshake import Phase
from myobridge.wire.link import LinkLost, SerialLink
from myobridge.wire.session import Session

IDLE_S: Final = 0.02
"""Longest sleep without data: the loop may notice a repetition, a signal or the end this late."""
GOODBYE_S: Final = 0.3
EMG: Final = m.Emg.TYPE
STREAMS: Final = (Phase.STARTING, Phase.STREAMING)
"""Phases whose EMG belongs to this session."""
SILENT_S: Final = 1.0
"""A stream that is silent this long is a lost link, although the port still exists."""


class Connection:
    """One open port with its link, session and setpoints, from HELLO until the link is lost or the run ends."""

    def __init__(
        self,
        link: SerialLink,
        model: Model,
        config: Settings,
        frames: FrameDecoder,
        stats: RunStats,
        guard: DecisionGuard | None = None,
    ) -> None:
        frames.reset()
        self._link = link
        self._model = model
        self._frames = frames
        self._stats = stats
        self._alive_s = 0.0
        self.session = Session(
            link.write, self._configure, unexpected_frames=stats.unexpected_frames, waits_in_estop=True
        )
        self.setpoints = Setpoints(self.session, model, config, stats, guard or DecisionGuard.idle())
        self.on_bytes: Callable[[float, bytes], None] = lambda _read_s, _data: None
        """Gets each read, after its setpoints are written."""

    def _configure(self, ident: m.Ident) -> m.Config:
        """The CONFIG for the board; `setpoints` exists by the time the session asks."""
        return self.setpoints.configure(ident)

    def turn(self, deaf_until_s: float = math.inf) -> bool:
        """One turn of the loop: sends what is due, sleeps until bytes arrive (or IDLE_S), turns them into setpoints.

        From `deaf_until_s` on, the link's other file descriptor also ends the sleep. Returns whether it did.

        Raises:
            LinkLost: the port is gone, or the stream is silent.
            UserError: the board cannot be used.
        """
        now_s = time.monotonic()
        self.session.poll(now_s)
        self._link.wake_at(self._awaited_bytes)
        deaf_s = deaf_until_s - now_s
        self._link.wait(min(IDLE_S, deaf_s) if deaf_s > 0 else IDLE_S, deaf=deaf_s > 0)
        looked_s = time.monotonic()  # before the read: a pause of this process must not look like a silent stream
        if data := self._link.read():
            read_s = time.monotonic()
            frames = self._frames.feed(data)
            emg_left = sum([frame[0] == EMG for frame in frames])
            for frame in frames:
                if frame[0] == EMG:
                    emg_left -= 1
                    if self.session.phase in STREAMS:
                        self.setpoints.take(frame, emg_left, read_s)
                    else:
                        self.session.hear(read_s)  # the stream of an earlier session
                else:
                    self.session.on_frame(frame, read_s)
            self.on_bytes(read_s, data)
        if self.session.phase is not Phase.STREAMING:
            self._alive_s = looked_s
        elif looked_s - max(self._alive_s, self.setpoints.newest_emg_s) > SILENT_S:
            raise LinkLost(f"no samples for {SILENT_S:g} s")
        return self._link.called

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels of the model."""
        return self._model.spec.channels

    @property
    def _awaited_bytes(self) -> int:
        """How many bytes end the sleep: a whole hop; a single byte while part of a hop or an answer is due."""
        if self._frames.between_frames and not self.session.awaits_answer:
            return self.setpoints.awaited_bytes
        return 1

    @property
    def streaming(self) -> bool:
        """The session is up, and EMG arrives and leads to decisions."""
        return self.setpoints.deciding and self.session.phase is Phase.STREAMING

    # --- the protocol permission.rules.Hand -------------------------------------------------------------------

    @property
    def state(self) -> m.State | None:
        """The state in the board's last STATUS; None if that STATUS is old."""
        status = self.session.status
        if status is None or time.monotonic() - self.session.status_s > SILENT_S:
            return None
        return m.State(status.state)

    @property
    def may_move(self) -> bool:
        """The board granted an ARM and has not withdrawn it."""
        return self.session.may_move

    @property
    def acting(self) -> bool:
        """The board granted the permission to show poses, and has not withdrawn it."""
        return self.session.acting

    @property
    def busy(self) -> bool:
        """A request awaits the board's answer."""
        return self.session.busy

    @property
    def decided(self) -> bool:
        """The newest decision may move the hand."""
        decision = self.setpoints.decision
        return decision is not None and not decision.withheld

    @property
    def refusal(self) -> str:
        """Why the newest ARM failed."""
        return self.session.arm_refusal

    def introduce(self) -> str:
        """A sentence about the board."""
        ident, spec = self.session.ident, self._model.spec
        if ident is None:
            return ""
        board = m.Board(ident.board).name.lower() if ident.board in set(m.Board) else f"board {ident.board}"
        version = ".".join(map(str, ident.firmware_version))
        return (
            f"Connected to {board} with firmware {version}: {len(spec.channels)} channels at {spec.fs_hz:g} Hz, "
            f"decoded by the model {spec.name}."
        )

    def explain(self) -> str:
        """A sentence about the state of the hand."""
        status = self.session.status
        if status is None:
            return ""
        state, reason = m.State(status.state), m.Reason(status.reason)
        return explain_state(state, reason, may_move=self.session.may_move, acting=self.acting)

    @property
    def withheld(self) -> Withheld:
        """Why the last decision sent no setpoint; NO while the window fills."""
        return self.setpoints.withheld

    def explain_withheld(self) -> str:
        """A sentence about `withheld`; empty while the window fills."""
        return self.setpoints.explain_withheld()

    @property
    def may_be_moving(self) -> bool:
        """The hand moves, holds a pose, or is about to be armed."""
        return self.setpoints.may_be_moving

    def reset_board(self) -> bool:
        """Resets the board; False if this port cannot do so."""
        return self._link.reset_board()

    def change_model(self, model: Model, pipeline: Pipeline) -> None:
        """Uses another model from the next sample on; its window fills first."""
        self._model = model
        self.setpoints.change_model(model, pipeline)

    def say_goodbye(self) -> None:
        """Sends DISARM and STOP until the board confirms or is gone."""
        until_s = time.monotonic() + GOODBYE_S
        self._link.wake_at(1)
        with suppress(LinkLost):
            while time.monotonic() < until_s:
                self.session.stop()
                if self._link.wait(IDLE_S):
                    for frame in self._frames.feed(self._link.read()):
                        if frame[0] != EMG:
                            self.session.on_frame(frame, time.monotonic())
                status = self.session.status
                if status is None or status.state in (m.State.DISARMED, m.State.ESTOP):
                    return

    def look(self, note: str, *, estop: bool) -> Snapshot:
        """A snapshot for the feed."""
        setpoints = self.setpoints
        return take_snapshot(self._stats, self.session, setpoints.stream, setpoints.decision, note=note, estop=estop)
