"""From an EMG frame to the setpoint on the wire: the part of a turn of which every microsecond counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.board import board_config
from myobridge.daemon.decision_guard import DecisionGuard
from myobridge.daemon.explain import explain_rate, explain_withheld
from myobridge.daemon.snapshot import Stream
from myobridge.daemon.stats import RunStats
from myobridge.decoder.acquisition import EmgGate, Hop
from myobridge.decoder.pipeline import Decision, Pipeline, Withheld
from myobridge.model.load import Model
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.clock import SampleClock
from myobridge.wire.emg import Samples, emg_wire_bytes, sample_bits
from myobridge.wire.link import LinkLost
from myobridge.wire.session import Session

LEAD_OFF: Final = int(m.EmgFlag.LEAD_OFF)
"""A plain number, because IntFlag's arithmetic costs 8 µs a frame."""
MOVABLE: Final = (m.State.ARMED, m.State.HOLD, m.State.RELAX)


class Setpoints:
    """Decides on the EMG of one session with a model, and sends the setpoints."""

    def __init__(self, session: Session, model: Model, config: Settings, stats: RunStats, guard: DecisionGuard) -> None:
        self.deciding = False
        """The model passed its trial, and the pipeline takes EMG."""
        self.newest_emg_s = 0.0
        """When the newest EMG was read."""
        self.decision: Decision | None = None
        """The newest decision."""
        self.acted_cdeg: tuple[int, ...] | None = None
        """What the hand shows while the session may act; None: it stays where it is, and the board ends its pulses."""
        self.heard: Callable[[Hop], None] | None = None
        """Gets each hop after its setpoint is sent."""
        self._session, self._model, self._config = session, model, config
        self._stats, self._guard = stats, guard
        self._channels = len(model.spec.channels)
        self._max_age_s = config.safety.max_age_ms / 1000
        self._valid_4ms = config.safety.max_age_ms // 4
        self._hold_s = config.safety.hold_ms / 1000
        self._stale_s = 0.0
        """Since when every decision has been too late; 0: the newest was in time. The hand holds after `_hold_s`."""
        self._early: list[Samples] = []
        self._failure = ""

    def configure(self, ident: m.Ident) -> m.Config:
        """Prepares everything that depends on the board; returns its CONFIG.

        Raises:
            UserError: the board cannot sample for the model.
        """
        message = board_config(ident, self._model.spec, self._config)
        self._adc_bits = sample_bits(ident, message)
        self._gate = EmgGate(self._channels, message.samples_per_frame, self._adc_bits, self._stats.acquired)
        self._sample_bytes = emg_wire_bytes(message.samples_per_frame, self._channels) / message.samples_per_frame
        self._clock = SampleClock(ident.tick_hz / message.sample_period_ticks)
        self._session.pong = self._clock.pong
        return message

    @property
    def awaited_bytes(self) -> int:
        """Bytes of EMG that the next decision needs: those of a whole hop, or any while part of a hop is there."""
        if self.deciding and self._pipeline.acquisition.between_hops:
            return round(self._model.spec.hop_samples * self._sample_bytes)
        return 1

    def take(self, frame: bytes, emg_left: int, read_s: float) -> None:
        """Takes an EMG frame; `emg_left` more of the same read follow.

        Raises:
            UserError: the model failed its trial.
        """
        taken = self._gate.take(frame)
        if not taken:
            return
        self.newest_emg_s = read_s
        taken = self._for_pipeline(taken, read_s)
        if not taken:
            return
        left = emg_left + len(taken)
        for index, flags, counts in taken:
            left -= 1
            superseded = left * len(counts) >= self._model.spec.hop_samples
            self._decide(index, counts, bool(flags & LEAD_OFF), superseded, read_s)
        self._clock.arrived(self._pipeline.acquisition.newest_index, read_s)

    def _for_pipeline(self, taken: tuple[Samples, ...], read_s: float) -> tuple[Samples, ...]:
        """The samples that the pipeline gets now; during the model's trial they wait.

        Raises:
            UserError: the model failed its trial.
        """
        if self.deciding:
            return taken
        if self._stats.first_emg_s is None:
            self._stats.first_emg_s = read_s
        self._early += taken
        if not self._model.ready():
            return ()
        self._pipeline = Pipeline(self._model, self._config, self._adc_bits, self._stats.acquired)
        self.deciding = True
        early, self._early = tuple(self._early), []
        return early

    def _decide(self, index: int, counts: NDArray[np.int16], lead_off: bool, superseded: bool, read_s: float) -> None:
        """Takes samples through the pipeline. A decision that raises anything is withheld and disarms the hand."""
        pipeline, guard = self._pipeline, self._guard
        guard.begin()
        try:
            for hop in pipeline.acquisition.push(index, counts, lead_off):
                decision = pipeline.decide(hop)
                guard.end()  # a write to the port is no part of a decision
                if superseded and not decision.withheld:
                    self._stats.superseded += 1  # after a stall: the same read brings a newer decision
                else:
                    self._act(decision, read_s)
                guard.begin()
                pipeline.settle()
                if self.heard is not None:
                    self.heard(hop)
        except LinkLost:
            raise
        except Exception as error:  # a network can fail in any way: in onnxruntime, in numpy, for lack of memory
            self._failed(error)
        finally:
            guard.end()

    def _failed(self, error: Exception) -> None:
        self.decision = Decision(self._pipeline.acquisition.newest_index, (), (), Withheld.FAILED)
        self._stats.withheld[Withheld.FAILED] += 1
        self._failure = " ".join(str(error).split()) or type(error).__name__
        self._pipeline.restart()  # the window fills again before the next inference
        if self.may_be_moving:
            self._session.request_disarm()

    def _act(self, decision: Decision, read_s: float) -> None:
        """Sends the setpoint of a decision, if it may be sent, and then measures the delays."""
        stats, session = self._stats, self._session
        if session.acting:
            self._show(decision.sample_index)
        if self._clock.rate_off and not decision.withheld:
            decision = decision._replace(withheld=Withheld.RATE_OFF)
        self.decision = decision
        if decision.withheld:
            stats.withheld[decision.withheld] += 1
            return
        sampled_s = self._clock.sampled_s(decision.sample_index)
        if time.monotonic() - sampled_s > self._max_age_s:
            stats.withheld[Withheld.STALE] += 1
            self._stale_s = self._stale_s or read_s
            if read_s - self._stale_s > self._hold_s:
                self.decision = decision._replace(withheld=Withheld.STALE)
            return
        self._stale_s = 0.0
        written = None
        if session.may_move and not session.acting:
            angle_cdeg = tuple([int(100 * angle + 0.5) for angle in decision.angles_deg])
            written = session.setpoint(angle_cdeg, self._valid_4ms, decision.sample_index)
        done_s = time.monotonic()
        stats.decided(read_s, sampled_s, done_s)
        if written is not None:
            stats.commanded(done_s, written)

    def _show(self, sample_index: int) -> None:
        """Sends a setpoint of the guide; the samples only say that it is not older than they are."""
        fresh = time.monotonic() - self._clock.sampled_s(sample_index) <= self._max_age_s
        if self.acted_cdeg is not None and fresh:
            self._session.setpoint(self.acted_cdeg, self._valid_4ms, sample_index)

    def terminate_decision(self) -> None:
        """Ends a decision that hangs; called from another thread."""
        self._pipeline.terminate()

    def change_model(self, model: Model, pipeline: Pipeline) -> None:
        """Uses another model from the next sample on; its window fills first."""
        pipeline.follow(self._pipeline)
        self._model, self._pipeline, self.decision = model, pipeline, None
        self._stats.spec = model.spec

    @property
    def may_be_moving(self) -> bool:
        """The hand moves, holds a pose, or is about to be armed."""
        session, status = self._session, self._session.status
        return session.may_move or session.busy or (status is not None and status.state in MOVABLE)

    @property
    def stream(self) -> Stream | None:
        """The pipeline and its clock, once EMG flows through them."""
        return Stream(self._pipeline, self._clock) if self.deciding else None

    @property
    def withheld(self) -> Withheld:
        """Why the last decision sent no setpoint; NO while the window fills."""
        decision = self.decision
        return Withheld.NO if decision is None or decision.withheld is Withheld.WARMING_UP else decision.withheld

    def explain_withheld(self) -> str:
        """A sentence about `withheld`; empty while the window fills."""
        if self.decision is None or self.decision.withheld is Withheld.WARMING_UP:
            return ""
        if self.withheld is Withheld.FAILED:
            return f"No setpoints: the network failed ({self._failure}), so the hand is disarmed; use another model."
        if self.withheld is Withheld.RATE_OFF:
            return explain_rate(self._clock.fs_hz, self._clock.nominal_hz)
        return explain_withheld(self.withheld, self._model.spec.channels, self._pipeline.contact.verdicts)
