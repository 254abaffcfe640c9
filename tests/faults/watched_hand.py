"""The simulated hand of a scene: it behaves like the firmware, and reports to a `Watch` what the predicates need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Final

import neighbours  # noqa: F401
from predicates import LAUNCH_S, Predicate, Violated, Watch
from wearer import BAD_AFTER_S, FS_HZ, Wearer

from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.wire import messages as m
from myobridge.wire.messages import State

AGE_SLACK_S: Final = 2 / FS_HZ + 0.002
"""The board counts whole samples and milliseconds."""
MAX_AGE_S: Final = 1.0
PULSE_SLACK_S: Final = 0.1


class WatchedHand:
    """A `lockstep.Board`; `reset` starts another boot."""

    def __init__(self, wearer: Wearer, watch: Watch, seed: int) -> None:
        self.max_age_s = 0.0
        """The daemon's bound."""
        self.whole_since = 0
        """First sample since which the line has lost nothing."""
        self.launched_s: float | None = None
        self._unheard: Callable[[], bool] = lambda: False
        self._wearer, self._watch = wearer, watch
        self._boots = count(seed)
        self.seen: Counter[str] = Counter()
        """How often the hand entered each state."""

    def reset(self) -> None:
        """Resets like the button."""
        wearer = self._wearer
        self.firmware = SimulatedFirmware(wearer, next(self._boots), lead_off=lambda: wearer.lead_off)
        self.reset_s = self._acted_s = self._now_s = self._watch.now_s
        self._told: tuple[object, ...] = ()
        self._stream_began = 0
        safety = self.firmware.safety
        move, accept, start, enter = safety.servo_period, safety._accepted, safety.start, safety._enter

        def moved() -> None:
            before, config = safety.applied, safety.config
            move()
            if config is not None:
                step = max(abs(a - b) for a, b in zip(safety.applied, before, strict=True))
                self._step(step, config.slew_cdeg_per_s * config.servo_period_us / 1e6)

        def accepted(setpoint: m.Setpoint, seq: int, now_ms: int, config: m.Config) -> None:
            accept(setpoint, seq, now_ms, config)
            self._accepted(setpoint)
            if safety.state is State.ARMED:
                self._acted_s = self._now_s

        def started(now_ms: int) -> None:
            start(now_ms)
            self._stream_began = self._wearer.taken
            self._streams()

        def entered(state: State, reason: m.Reason) -> None:
            enter(state, reason)
            self._watch.passed_through(state)

        safety.servo_period, safety._accepted, safety.start = moved, accepted, started
        safety._enter = entered
        self.look(True)

    # --- lockstep.Board ---------------------------------------------------------------------------------

    def exchange(self, data: bytes, now_s: float) -> bytes:
        self._now_s = now_s
        self.firmware.receive(data, now_s)
        return self.firmware.outgoing(now_s)

    def next_s(self) -> float:
        return self.firmware.next_event_s()

    # --- what it tells ----------------------------------------------------------------------------------

    @property
    def pulses_on(self) -> bool:
        """The pulses are on."""
        return self.firmware.safety.pulses_on

    def armed_at_launch(self, now_s: float, unheard: Callable[[], bool]) -> None:
        """A daemon was launched with `--arm`; unheard: it has no stream yet."""
        self.launched_s, self._unheard = now_s, unheard

    def _streams(self) -> None:
        if self.launched_s is not None and self._unheard() and self._now_s - self.launched_s <= LAUNCH_S:
            self._watch.command("arm", "--arm")

    def look(self, runs: bool) -> None:
        """Called after each step of time; runs: the hand is not stopped."""
        safety = self.firmware.safety
        told = (safety.state, safety.reason, safety.boot_id)
        if told != self._told:
            self._told = told
            self.seen[f"{safety.state.name} ({safety.reason.name.lower()})"] += 1
            if safety.state is State.ARMED:
                self._acted_s = self._now_s
            self._watch.hand(safety.state, safety.reason)
        if runs and safety.pulses_on and safety.config is not None:
            config = safety.config
            slew = min(config.slew_cdeg_per_s, m.RELAX_SLEW_CDEG_PER_S)
            most_s = config.relax_ms / 1000 + m.ANGLE_MAX_CDEG / slew + PULSE_SLACK_S
            if self._watch.now_s - self._acted_s > most_s:
                how = f"{safety.state.name} {self._watch.now_s - self._acted_s:.2f} s after the last one"
                raise Violated(Predicate.NO_PULSE_WITHOUT_SETPOINT, how)

    def _step(self, cdeg: int, most_cdeg: float) -> None:
        if cdeg > most_cdeg:
            raise Violated(
                Predicate.WITHIN_THE_SLEW, f"{cdeg} cdeg in one servo period, and {most_cdeg:.0f} are allowed"
            )

    def _accepted(self, setpoint: m.Setpoint) -> None:
        firmware = self.firmware
        taken_s = firmware._first_sample_s + setpoint.based_on_sample * firmware._period_s
        age_s, bound_s = self._now_s - taken_s, min(self.max_age_s, 4 * setpoint.valid_4ms / 1000)
        if age_s > bound_s + AGE_SLACK_S:
            how = f"It is {1000 * age_s:.0f} ms old, and may be {1000 * bound_s:.0f} ms"
            raise Violated(Predicate.NO_OLD_SETPOINT, how)
        newest = self._stream_began + setpoint.based_on_sample
        for trouble in self._wearer.troubles:
            if (after_s := BAD_AFTER_S.get(trouble.kind)) is None:
                continue
            since = max(trouble.since, self._stream_began, self.whole_since) + after_s * FS_HZ
            if since <= newest and (trouble.until is None or newest < trouble.until):
                how = f"{trouble}; the setpoint rests on sample {newest}, and the stream began at {self._stream_began}"
                raise Violated(Predicate.NO_BAD_ELECTRODE, how)
