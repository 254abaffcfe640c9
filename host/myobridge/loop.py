"""The daemon's one loop: wake on data, read, decode frames, decide, write, then everything that can wait."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import numpy as np

from myobridge.acquire import parse_emg
from myobridge.config import Config
from myobridge.configure import check_rate, device_config
from myobridge.decode import Model
from myobridge.metrics import Distribution, ProcessCost
from myobridge.pipeline import Decision, Pipeline, Withheld
from myobridge.tap import PERIOD_S as TAP_PERIOD_S
from myobridge.tap import Snapshot, Tap
from myobridge.wire.clock import SampleClock
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.link import LinkLost, SerialLink
from myobridge.wire.messages import Config as DeviceConfig
from myobridge.wire.messages import Emg, EmgFlag, Ident, Reason, State
from myobridge.wire.session import Phase, Session, SessionFailed

IDLE_S: Final = 0.02
"""Longest sleep without data: how late a repetition, a signal or an end may be noticed."""
RECONNECT_S: Final = 0.2
GOODBYE_S: Final = 0.3
SILENT_S: Final = 1.0
"""A stream that is silent this long is a lost link, although the port still stands."""


class Daemon:
    """One device, one model, one loop; counts live for the whole run, stream and session for one connection."""

    def __init__(self, port: str, model: Model, config: Config, *, arm: bool, started_s: float) -> None:
        check_rate(config, model.spec)
        self._port = port
        self._model = model
        self._config = config
        self._arm_wanted = arm
        self._started_s = started_s
        self._stopping = False
        self.say: Callable[[str], None] = lambda _text: None
        """Gets a sentence for the person at the terminal."""
        self.tap: Tap | None = None
        self.latency = Distribution()
        self.sample_delay = Distribution()
        self._frames = FrameDecoder()
        self._counted: dict[str, int] = {}
        self._commands = 0
        self._stale = 0
        self._deadline_misses = 0
        self._withheld = [0] * len(Withheld)
        self._first_command_s: float | None = None
        self._first_emg_s: float | None = None
        self._state = State.BOOT
        self._was_streaming = False
        self._reconnects = 0
        self._note = ""

    # --- a run --------------------------------------------------------------------------------------------

    def install_signals(self) -> None:
        """SIGINT and SIGTERM end the run, SIGUSR1 asks for ARM, SIGUSR2 disarms."""

        def stop(_signal: int, _frame: FrameType | None) -> None:
            self._stopping = True

        def arm(_signal: int, _frame: FrameType | None) -> None:
            self._arm_wanted = True

        def disarm(_signal: int, _frame: FrameType | None) -> None:
            self._arm_wanted = False
            self._session.request_disarm()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGUSR1, arm)
        signal.signal(signal.SIGUSR2, disarm)

    def run(self, seconds: float | None) -> dict[str, Any]:
        """Runs until stopped, or for `seconds` from the first sample; returns the summary.

        Raises:
            UserError: the first connection failed, or a device refused the configuration.
        """
        self._cost = ProcessCost()
        while not self._over(seconds):
            try:
                link = SerialLink(self._port, self._config.link.baud)
            except Exception:
                if not self._was_streaming:
                    raise
                time.sleep(RECONNECT_S)
                continue
            try:
                self._converse(link, seconds)
            except (LinkLost, SessionFailed) as lost:
                if isinstance(lost, SessionFailed) and not self._was_streaming:
                    raise
                self._lost(lost)
            finally:
                self._close_books()
                link.close()
        return self.summary()

    def _over(self, seconds: float | None) -> bool:
        since = self._first_emg_s
        return self._stopping or (seconds is not None and since is not None and time.monotonic() - since >= seconds)

    def _lost(self, why: Exception) -> None:
        self._arm_wanted = False
        self._reconnects += 1
        self._note = "The hand was lost; connecting again, disarmed. Arm it with SIGUSR1."
        self.say(f"Lost the hand on {self._port} ({why}); connecting again, and it stays disarmed.")
        time.sleep(RECONNECT_S)

    # --- a connection -------------------------------------------------------------------------------------

    def _converse(self, link: SerialLink, seconds: float | None) -> None:
        self._link = link
        self._frames.reset()
        self._session = Session(link.write, self._configure)
        self._tap_s = 0.0
        self._emg_s = time.monotonic()
        try:
            while not self._over(seconds):
                now_s = time.monotonic()
                self._session.poll(now_s)
                self._arm_if_wanted()
                self._watch_silence(now_s)
                if self.tap is not None and now_s >= self._tap_s and self._session.phase is Phase.STREAMING:
                    self._tap_s = now_s + TAP_PERIOD_S
                    self.tap.send(self._snapshot(now_s))
                if link.wait(IDLE_S):
                    self._receive(link.read())
        finally:
            self._state = State(self._session.status.state) if self._session.status else State.BOOT
        self._say_goodbye(link)

    def _configure(self, ident: Ident) -> DeviceConfig:
        """Called when the device has introduced itself: everything that depends on it begins here."""
        message = device_config(ident, self._model.spec, self._config)
        self._pipeline = Pipeline(self._model, self._config, ident.adc_bits)
        self._clock = SampleClock(ident.tick_hz / message.sample_period_ticks)
        self._session.pong = self._clock.pong
        self._last_decision: Decision | None = None
        return message

    def _receive(self, data: bytes) -> None:
        read_s = time.monotonic()
        for frame in self._frames.feed(data):
            if frame[0] == Emg.TYPE:
                if self._session.phase in (Phase.STARTING, Phase.STREAMING):
                    self._on_emg(frame, read_s)
            else:
                self._session.on_frame(frame, read_s)

    def _on_emg(self, frame: bytes, read_s: float) -> None:
        parsed = parse_emg(frame, len(self._model.spec.channels))
        if parsed is None:
            self._pipeline.acquisition.counters.malformed += 1
            return
        index, flags, counts = parsed
        for decision in self._pipeline.push(index, counts, bool(flags & EmgFlag.LEAD_OFF)):
            self._act(decision, read_s)
        self._emg_s = read_s
        if self._first_emg_s is None:
            self._first_emg_s, self._was_streaming = read_s, True
        self._clock.arrived(index + len(counts) - 1, read_s)

    def _act(self, decision: Decision, read_s: float) -> None:
        """Sends the setpoint of a decision, if it may be sent; what is measured is measured afterwards."""
        self._last_decision = decision
        if decision.withheld:
            self._withheld[decision.withheld] += 1
            return
        session = self._session
        sampled_s = self._clock.sampled_s(decision.sample_index)
        if time.monotonic() - sampled_s > self._config.safety.max_age_ms / 1000:
            self._stale += 1
            return
        if session.may_move:
            angle_cdeg = tuple([int(100 * angle + 0.5) for angle in decision.angles_deg])
            session.setpoint(angle_cdeg, self._config.safety.max_age_ms // 4, decision.sample_index)
            self._commands += 1
        done_s = time.monotonic()
        self.latency.add(done_s - read_s)
        self.sample_delay.add(done_s - sampled_s)
        if done_s - read_s > self._model.spec.hop_ms / 1000:
            self._deadline_misses += 1
        if self._first_command_s is None and session.may_move:
            self._first_command_s = done_s

    # --- what can wait ------------------------------------------------------------------------------------

    def _arm_if_wanted(self) -> None:
        """ARM once the pipeline has something to say; a hand that relaxed or faulted is disarmed first."""
        session = self._session
        decision = self._last_decision if session.phase is Phase.STREAMING else None
        if not self._arm_wanted or session.busy or decision is None or decision.withheld or session.status is None:
            return
        if session.status.state in (State.RELAX, State.FAULT):
            session.request_disarm()
        elif session.status.state == State.DISARMED:
            self._arm_wanted = False
            session.request_arm()
            self._note = ""

    def _watch_silence(self, now_s: float) -> None:
        if self._session.phase is Phase.STREAMING:
            if self._session.arm_refusal:
                self._note = f"The hand refused to arm: {self._session.arm_refusal}."
                self.say(self._note)
                self._session.arm_refusal = ""
            if now_s - self._emg_s > SILENT_S:
                raise LinkLost("no samples for a second")

    def _say_goodbye(self, link: SerialLink) -> None:
        """DISARM and STOP, until the device says that it did."""
        until_s = time.monotonic() + GOODBYE_S
        while time.monotonic() < until_s:
            self._session.stop()
            if link.wait(IDLE_S):
                for frame in self._frames.feed(link.read()):
                    if frame[0] != Emg.TYPE:
                        self._session.on_frame(frame, time.monotonic())
            status = self._session.status
            if status is None or status.state in (State.DISARMED, State.ESTOP):
                return

    def _close_books(self) -> None:
        """Adds what this connection counted to what the run counted."""
        pipeline = getattr(self, "_pipeline", None)
        if pipeline is not None:
            for name, value in vars(pipeline.acquisition.counters).items():
                self._counted[name] = self._counted.get(name, 0) + value
            del self._pipeline

    def _count(self, name: str) -> int:
        pipeline = getattr(self, "_pipeline", None)
        return self._counted.get(name, 0) + (getattr(pipeline.acquisition.counters, name) if pipeline else 0)

    def _snapshot(self, now_s: float) -> Snapshot:
        status, decision = self._session.status, self._last_decision
        assert status is not None
        return Snapshot(
            t_s=now_s - (self._first_emg_s or now_s),
            state=State(status.state).name,
            reason=Reason(status.reason).name.lower(),
            may_move=self._session.may_move,
            withheld=decision.withheld.name.lower() if decision else "warming_up",
            level=np.sqrt(np.mean(np.square(self._pipeline.newest), axis=1)).tolist(),
            contact=[verdict.name.lower() for verdict in self._pipeline.contact.verdicts],
            predicted_deg=list(decision.angles_deg) if decision else [],
            applied_deg=[angle / 100 for angle in status.applied_cdeg],
            frames_lost=self._count("frames_lost"),
            samples_lost=self._count("samples_lost"),
            crc_errors=self._frames.counters.crc_errors,
            commands_sent=self._commands,
            latency_ms=self.latency.summary_ms(),
            fs_hz=self._clock.fs_hz,
            note=self._note,
        )

    def summary(self) -> dict[str, Any]:
        """The object that `--json` writes."""
        spec = self._model.spec
        seconds = time.monotonic() - self._first_emg_s if self._first_emg_s else 0.0
        first = self._first_command_s
        hop_s = [i / spec.fs_hz for i in range(spec.hop_samples)]
        return {
            "seconds": round(seconds, 3),
            "fs_hz": spec.fs_hz,
            "channels": len(spec.channels),
            "hop_samples": spec.hop_samples,
            "window_samples": spec.window_samples,
            "frames_received": self._count("frames_received"),
            "frames_lost": self._count("frames_lost"),
            "samples_received": self._count("samples_received"),
            "samples_lost": self._count("samples_lost"),
            "crc_errors": self._frames.counters.crc_errors,
            "length_errors": self._frames.counters.length_errors,
            "reconnects": self._reconnects,
            "decisions": self.latency.total,
            "commands_sent": self._commands,
            "commands_per_second": round(self._commands / seconds, 2) if seconds else 0.0,
            "withheld": {w.name.lower(): self._withheld[w] for w in Withheld if w},
            "stale": self._stale,
            "latency_ms": self.latency.summary_ms(),
            "sample_to_command_ms": self.sample_delay.spread(hop_s).summary_ms(),
            "cpu_seconds_per_second": round(self._cost.cpu_seconds_per_second(), 4),
            "rss_mb": round(self._cost.rss_mb(), 1),
            "deadline_misses": self._deadline_misses,
            "start_to_first_command_s": None if first is None else round(first - self._started_s, 3),
            "state": self._state.name,
            "mae_deg": None,
        }
