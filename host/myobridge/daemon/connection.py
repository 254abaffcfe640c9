"""One turn of the daemon's loop: wake on data, read, decode frames, decide, write; then the deferred work."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from myobridge.board import board_config
from myobridge.daemon.decision_guard import DecisionGuard
from myobridge.daemon.explain import explain_rate, explain_state, explain_withheld
from myobridge.daemon.snapshot import Stream, take_snapshot
from myobridge.daemon.stats import RunStats
from myobridge.decoder.acquisition import EmgGate
from myobridge.decoder.pipeline import Decision, Pipeline, Withheld
from myobridge.feed import Snapshot
from myobridge.model.load import Model
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.clock import SampleClock
from myobridge.wire.emg import Samples, emg_wire_bytes
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.link import LinkLost, SerialLink
from myobridge.wire.session import Phase, Session

IDLE_S: Final = 0.02
"""Longest sleep without data: the loop may notice a repetition, a signal or the end this late."""
GOODBYE_S: Final = 0.3
LEAD_OFF: Final = int(m.EmgFlag.LEAD_OFF)
"""A plain number, because IntFlag's arithmetic costs 8 µs a frame."""
MOVABLE: Final = (m.State.ARMED, m.State.HOLD, m.State.RELAX)
SILENT_S: Final = 1.0
"""A stream that is silent this long is a lost link, although the port still exists."""


class Connection:
    """One open port: link, session, pipeline and clock, from HELLO until the link is lost or the run ends."""

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
        self._guard = guard or DecisionGuard.idle()
        self._link = link
        self._model = model
        self._config = config
        self._frames = frames
        self._stats = stats
        self._channels = len(model.spec.channels)
        self._max_age_s = config.safety.max_age_ms / 1000
        self._valid_4ms = config.safety.max_age_ms // 4
        self._last_emg_s = 0.0
        self._alive_s = 0.0
        self._hold_s = config.safety.hold_ms / 1000
        self._stale_s = 0.0
        """Since when every decision has been too late; 0: the newest was in time. The hand holds after `_hold_s`."""
        self._decision: Decision | None = None
        self._early: list[Samples] = []
        self._deciding = False
        """The model passed its trial, and the pipeline takes EMG."""
        self._failure = ""
        self.session = Session(
            link.write, self._configure, unexpected_frames=stats.unexpected_frames, waits_in_estop=True
        )
        self.on_bytes: Callable[[float, bytes], None] = lambda _read_s, _data: None
        """Gets each read, after its setpoints are written."""

    def _configure(self, ident: m.Ident) -> m.Config:
        """Prepares everything that depends on the board, whose IDENT has come."""
        message = board_config(ident, self._model.spec, self._config)
        self._adc_bits = ident.adc_bits
        self._gate = EmgGate(self._channels, message.samples_per_frame, ident.adc_bits, self._stats.acquired)
        self._sample_bytes = emg_wire_bytes(message.samples_per_frame, self._channels) / message.samples_per_frame
        self._clock = SampleClock(ident.tick_hz / message.sample_period_ticks)
        self.session.pong = self._clock.pong
        return message

    def _for_pipeline(self, taken: tuple[Samples, ...], read_s: float) -> tuple[Samples, ...]:
        """The samples that the pipeline gets now; during the model's trial they wait.

        Raises:
            UserError: the model failed its trial.
        """
        if self._deciding:
            return taken
        if self._stats.first_emg_s is None:
            self._stats.first_emg_s = read_s
        self._early += taken
        if not self._model.ready():
            return ()
        self._pipeline = Pipeline(self._model, self._config, self._adc_bits, self._stats.acquired)
        self._deciding = True
        early, self._early = tuple(self._early), []
        return early

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
            emg_left = sum(frame[0] == m.Emg.TYPE for frame in frames)
            for frame in frames:
                if frame[0] == m.Emg.TYPE:
                    emg_left -= 1
                    self._on_emg(frame, emg_left, read_s)
                else:
                    self.session.on_frame(frame, read_s)
            self.on_bytes(read_s, data)
        if self.session.phase is not Phase.STREAMING:
            self._alive_s = looked_s
        elif looked_s - max(self._alive_s, self._last_emg_s) > SILENT_S:
            raise LinkLost(f"no samples for {SILENT_S:g} s")
        return self._link.called

    @property
    def _awaited_bytes(self) -> int:
        """How many bytes end the sleep: a whole hop; a single byte while part of a hop or an answer is due."""
        whole = self._frames.between_frames and self._deciding and self._pipeline.acquisition.between_hops
        if whole and not self.session.awaits_answer:
            return round(self._model.spec.hop_samples * self._sample_bytes)
        return 1

    @property
    def streaming(self) -> bool:
        """The session is up, and EMG arrives and leads to decisions."""
        return self._deciding and self.session.phase is Phase.STREAMING

    def _on_emg(self, frame: bytes, emg_left: int, read_s: float) -> None:
        """Takes an EMG frame; `emg_left` more of the same read follow."""
        if self.session.phase not in (Phase.STARTING, Phase.STREAMING):
            self.session.hear(read_s)
            return  # an earlier session's stream
        taken = self._gate.take(frame)
        if not taken:
            return
        self._last_emg_s = read_s
        taken = self._for_pipeline(taken, read_s)
        if not taken:
            return
        left = emg_left + len(taken)
        for samples in taken:
            left -= 1
            self._decide(samples, left * len(samples[2]) >= self._model.spec.hop_samples, read_s)
        self._clock.arrived(self._pipeline.acquisition.newest_index, read_s)

    def _decide(self, samples: Samples, superseded: bool, read_s: float) -> None:
        """Takes samples through the pipeline. A decision that raises anything is withheld and disarms the hand."""
        pipeline, guard = self._pipeline, self._guard
        index, flags, counts = samples
        guard.begin()
        try:
            for decision in pipeline.push(index, counts, bool(flags & LEAD_OFF)):
                guard.end()
                if superseded and not decision.withheld:
                    self._stats.superseded += 1  # after a stall: the same read brings a newer decision
                else:
                    self._act(decision, read_s)
                guard.begin()
        except LinkLost:
            raise
        except Exception as error:  # a network can fail in any way: in onnxruntime, in numpy, for lack of memory
            self._failed(error)
        finally:
            guard.end()

    def _failed(self, error: Exception) -> None:
        self._decision = Decision(self._pipeline.acquisition.newest_index, (), (), Withheld.FAILED)
        self._stats.withheld[Withheld.FAILED] += 1
        self._failure = " ".join(str(error).split()) or type(error).__name__
        self._pipeline.restart()  # the window fills again before the next inference
        if self.may_be_moving:
            self.session.request_disarm()

    def terminate_decision(self) -> None:
        """Ends a decision that hangs; called from another thread."""
        self._pipeline.terminate()

    def _act(self, decision: Decision, read_s: float) -> None:
        """Sends the setpoint of a decision, if it may be sent, and then measures the delays."""
        stats, session = self._stats, self.session
        if self._clock.rate_off and not decision.withheld:
            decision = decision._replace(withheld=Withheld.RATE_OFF)
        self._decision = decision
        if decision.withheld:
            stats.withheld[decision.withheld] += 1
            return
        sampled_s = self._clock.sampled_s(decision.sample_index)
        if time.monotonic() - sampled_s > self._max_age_s:
            stats.withheld[Withheld.STALE] += 1
            self._stale_s = self._stale_s or read_s
            if read_s - self._stale_s > self._hold_s:
                self._decision = decision._replace(withheld=Withheld.STALE)
            return
        self._stale_s = 0.0
        written = None
        if session.may_move:
            angle_cdeg = tuple([int(100 * angle + 0.5) for angle in decision.angles_deg])
            written = session.setpoint(angle_cdeg, self._valid_4ms, decision.sample_index)
        done_s = time.monotonic()
        stats.decided(read_s, sampled_s, done_s)
        if written is not None:
            stats.commanded(done_s, written)

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
    def busy(self) -> bool:
        """A request awaits the board's answer."""
        return self.session.busy

    @property
    def decided(self) -> bool:
        """The newest decision may move the hand."""
        return self._decision is not None and not self._decision.withheld

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
        return explain_state(m.State(status.state), m.Reason(status.reason), may_move=self.session.may_move)

    @property
    def withheld(self) -> Withheld:
        """Why the last decision sent no setpoint; NO while the window fills."""
        decision = self._decision
        return Withheld.NO if decision is None or decision.withheld is Withheld.WARMING_UP else decision.withheld

    def explain_withheld(self) -> str:
        """A sentence about `withheld`; empty while the window fills."""
        if self._decision is None or self._decision.withheld is Withheld.WARMING_UP:
            return ""
        if self.withheld is Withheld.FAILED:
            return f"No setpoints: the network failed ({self._failure}), so the hand is disarmed; use another model."
        if self.withheld is Withheld.RATE_OFF:
            return explain_rate(self._clock.fs_hz, self._clock.nominal_hz)
        return explain_withheld(self.withheld, self._model.spec.channels, self._pipeline.contact.verdicts)

    @property
    def may_be_moving(self) -> bool:
        """The hand moves, holds a pose, or is about to be armed."""
        session, status = self.session, self.session.status
        return session.may_move or session.busy or (status is not None and status.state in MOVABLE)

    def reset_board(self) -> bool:
        """Resets the board; False if this port cannot do so."""
        return self._link.reset_board()

    def change_model(self, model: Model, pipeline: Pipeline) -> None:
        """Uses another model from the next sample on; its window fills first."""
        pipeline.follow(self._pipeline)
        self._model, self._pipeline, self._decision = model, pipeline, None
        self._stats.spec = model.spec

    def say_goodbye(self) -> None:
        """Sends DISARM and STOP until the board confirms or is gone."""
        until_s = time.monotonic() + GOODBYE_S
        self._link.wake_at(1)
        with suppress(LinkLost):
            while time.monotonic() < until_s:
                self.session.stop()
                if self._link.wait(IDLE_S):
                    for frame in self._frames.feed(self._link.read()):
                        if frame[0] != m.Emg.TYPE:
                            self.session.on_frame(frame, time.monotonic())
                status = self.session.status
                if status is None or status.state in (m.State.DISARMED, m.State.ESTOP):
                    return

    def look(self, note: str, *, estop: bool) -> Snapshot:
        """A snapshot for the feed."""
        stream = Stream(self._pipeline, self._clock) if self._deciding else None
        return take_snapshot(self._stats, self.session, stream, self._decision, note=note, estop=estop)
