"""Builds the snapshots of a running daemon, which views, recorders and commands subscribe to."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.daemon.explain import explain_state
from myobridge.daemon.permission.rules import LOST as LOST_TEXT
from myobridge.daemon.permission.rules import POWER_CYCLE
from myobridge.daemon.stats import RunStats
from myobridge.decoder.pipeline import Decision, Pipeline, Withheld
from myobridge.feed import Snapshot
from myobridge.feed.messages import LOST
from myobridge.wire import messages as m
from myobridge.wire.clock import SampleClock
from myobridge.wire.refusals import refusal
from myobridge.wire.session import Session


class Stream(NamedTuple):
    """The pipeline and the clock of a running stream."""

    pipeline: Pipeline
    clock: SampleClock


def take_snapshot(
    stats: RunStats,
    session: Session | None,
    stream: Stream | None,
    decision: Decision | None,
    *,
    note: str,
    estop: bool,
) -> Snapshot:
    """A snapshot of the running daemon. session: None without a hand; stream: None before the first EMG."""
    now_s = time.monotonic()
    status = session.status if session else None
    may_move = session is not None and session.may_move
    acting = session is not None and session.acting
    channels = stats.spec.channels
    return Snapshot(
        t_s=now_s - (stats.first_emg_s or now_s),
        at_s=now_s,
        state=m.State(status.state).name if status else LOST,
        reason=m.Reason(status.reason).name.lower() if status else "",
        explained=_explained(status, may_move=may_move, acting=acting, estop=estop),
        estop=estop,
        blocked=refusal(m.Result.BLOCKED, status.blockers) if status and status.blockers else "",
        may_move=may_move,
        withheld=(decision.withheld if decision else Withheld.WARMING_UP).name.lower(),
        model=stats.spec.name,
        channels=channels,
        servos=SERVOS,
        level=level(stream.pipeline.newest) if stream else [0.0] * len(channels),
        contact=_contact(stream, len(channels)),
        predicted_deg=list(decision.angles_deg) if decision else [],
        applied_deg=[angle / 100 for angle in status.applied_cdeg] if status else [],
        supply_mv=status.supply_mv if status else 0,
        samples_received=stats.acquired.samples_received,
        frames_lost=stats.acquired.frames_lost,
        samples_lost=stats.acquired.samples_lost,
        crc_errors=stats.frames.crc_errors,
        unexpected_frames=stats.unexpected_frames,
        reconnects=stats.reconnects,
        commands_sent=stats.commands,
        write_drops=stats.write_drops,
        feed_drops=stats.feed_drops,
        latency_ms=stats.latency_ms(now_s),
        fs_hz=stream.clock.fs_hz if stream else stats.spec.fs_hz,
        note=note,
        acting=acting,
    )


def _explained(status: m.Status | None, *, may_move: bool, acting: bool, estop: bool) -> str:
    if status is None:
        return LOST_TEXT
    state = m.State(status.state)
    if state is m.State.ESTOP and not estop:
        return POWER_CYCLE
    return explain_state(state, m.Reason(status.reason), may_move=may_move, acting=acting)


def _contact(stream: Stream | None, channels: int) -> list[str]:
    if stream is None:
        return ["unknown"] * channels
    return [verdict.name.lower() for verdict in stream.pipeline.contact.verdicts]


def level(newest: NDArray[np.float32]) -> list[float]:
    """Root mean square of each channel of `newest` (channels, samples); 0 before the first sample."""
    level: list[float] = np.sqrt(np.square(newest).sum(axis=1) / max(1, newest.shape[1])).tolist()
    return level
