"""The safety rules of firmware/PROTOCOL.md in Python: takes messages and the time, gives state and servo angles.

Pure: it has no clock and no port. The firmware's safety.c follows the same table; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from myobridge.wire import messages as m
from myobridge.wire.emg import index_step
from myobridge.wire.messages import Blocker, Config, Permission, Reason, Result, Setpoint, State

PULSING: Final = (State.ARMED, State.HOLD)
NO_BLOCKER: Final = Blocker(0)
PERMISSIONS: Final = (Permission.DECODER, Permission.GUIDE, Permission.JOG)
MOVABLE: Final = (State.ARMED, State.HOLD, State.RELAX)
BEYOND: Final = Blocker.BEYOND_LIMITS | Blocker.NO_LIMITS


def towards(applied: int, target: int, step: int) -> int:
    """The angle after one servo period's move, in cdeg."""
    return applied + max(-step, min(step, target - applied))


@dataclass
class Safety:
    """The hand's permission to move. Times are milliseconds since the start; angles are cdeg."""

    boot_id: int
    tick_hz: int
    state: State = State.BOOT
    reason: Reason = Reason.NONE
    challenge: int = 0
    applied: list[int] = field(default_factory=lambda: [0] * m.SERVOS)
    pulses_on: bool = False
    config: Config | None = None
    config_crc: int = 0
    streaming: bool = False
    host_speaks_ours: bool = False
    supply_low: bool = False
    permission: Permission = Permission.NONE
    """Of the ARM in force."""
    button_pressed: bool = False
    """Debounced."""
    starts_within: bool = False
    """At CONFIG, the angles were within the board's servo limits."""
    limits_blockers: Blocker = NO_BLOCKER
    """What the board's servo limits say to the CONFIG in force."""
    range_rejects: int = 0
    stale_rejects: int = 0
    setpoint_seq: int = 0
    _target: tuple[int, ...] = ()
    _armed_ms: int = 0
    _acted_ms: int = 0
    """Time at which a setpoint last took effect, or the hand was armed."""
    _rejects_in_row: int = 0
    _newest_sample: int | None = None
    _unreached: set[int] = field(default_factory=set)
    """Servos that have not come near their setpoint since ARM."""
    _clean_since_ms: int | None = None
    _clean_ms: int = 0
    _sampled_ms: int = 0
    _armed_by: int = -1

    def _enter(self, state: State, reason: Reason) -> None:
        self.state, self.reason = state, reason
        self.challenge = (self.challenge * 25173 + 13849) & 0xFFFF
        self.pulses_on = state in MOVABLE
        if not self.pulses_on:
            self.permission = Permission.NONE
        self._clean_since_ms = None
        self._rejects_in_row = 0

    # --- messages -----------------------------------------------------------------------------------------

    def started_up(self) -> None:
        """Ends the start-up."""
        self._enter(State.DISARMED, Reason.POWER_ON)

    def configure(self, config: Config, crc: int) -> None:
        """Takes a CONFIG; the caller has checked the CONFIG and the state."""
        was, safe = self.config, config.servo_safe_cdeg
        self.config, self.config_crc = config, crc
        pulses = zip(config.pulse_0_us, config.pulse_180_us, strict=True)
        known = [] if was is None else zip(was.pulse_0_us, was.pulse_180_us, strict=True)
        same = [new == old for new, old in zip_longest(pulses, known)]  # otherwise the old angle is another pulse
        applied = [a if kept else s for a, kept, s in zip(self.applied, same, safe, strict=True)]
        ends = zip(applied, config.servo_min_cdeg, config.servo_max_cdeg, strict=True)
        self.applied = [min(max(angle, low), high) for angle, low, high in ends]

    def start(self, now_ms: int) -> None:
        """Begins to stream."""
        self.streaming, self._sampled_ms = True, now_ms

    def stop(self) -> None:
        """Ends streaming, and disarms a hand whose pulses are on."""
        self.streaming = False
        if self.state in MOVABLE:
            self._enter(State.DISARMED, Reason.STOPPED_STREAMING)

    def estop(self) -> None:
        """Cuts the pulses until a reset."""
        if self.state is not State.ESTOP:
            self._enter(State.ESTOP, Reason.HOST_ESTOP)

    def disarm(self) -> Result:
        """Cuts the pulses."""
        if self.state is State.ESTOP:
            return Result.WRONG_STATE
        if self.state is not State.DISARMED:
            self._enter(State.DISARMED, Reason.HOST_DISARMED)
        return Result.OK

    def button(self, pressed: bool) -> bool:
        """Takes the level of the debounced button; whether this press has ended a motion."""
        edge, self.button_pressed = pressed and not self.button_pressed, pressed
        if not (edge and self.pulses_on):
            return False
        self._enter(State.DISARMED, Reason.BUTTON_PRESSED)
        return True

    def arm(self, request: m.Arm, now_ms: int) -> Result:
        """Permits the hand to move; the result says why not."""
        if (result := self._fits(request)) is not Result.OK:
            return result
        repeated = (request.challenge, request.permission) == (self._armed_by, self.permission)
        if self.state is State.ARMED and repeated:
            return Result.OK
        if self._blocked(request.permission, self.blockers(now_ms)):
            return Result.BLOCKED
        if request.challenge != self.challenge:
            return Result.WRONG_CHALLENGE
        self._enter(State.ARMED, Reason.HOST_ARMED)
        self._armed_by = request.challenge
        self.permission = Permission(request.permission)
        self._target = tuple(self.applied)
        self._armed_ms = self._acted_ms = now_ms
        self._newest_sample = None
        self._unreached = set(range(m.SERVOS))
        return Result.OK

    @property
    def acting(self) -> bool:
        """The hand shows poses of a guide."""
        return self.state is State.ARMED and self.permission is Permission.GUIDE

    @property
    def target_deg(self) -> tuple[float, float, float, float, float]:
        """Where the servos go, in degrees."""
        thumb, index, middle, ring, little = [angle / 100 for angle in self._target]
        return thumb, index, middle, ring, little

    def _blocked(self, permission: int, blockers: Blocker) -> bool:
        """Whether these blockers refuse this permission: jog may go beyond the limits, at 50 Hz."""
        slow = self.config is not None and self.config.servo_period_us == m.SERVO_PERIOD_MAX_US
        beyond = permission == Permission.JOG and self.starts_within and slow
        return bool(blockers & ~BEYOND if beyond else blockers)

    def _fits(self, request: m.Arm) -> Result:
        """It names this boot, the CONFIG in force, and a permission that exists."""
        if request.boot_id != self.boot_id:
            return Result.WRONG_BOOT
        if self.config is None or request.config_crc != self.config_crc:
            return Result.WRONG_CONFIG
        return Result.OK if request.permission in PERMISSIONS else Result.BAD_PERMISSION

    def blockers(self, now_ms: int) -> Blocker:
        """The reasons for which ARM would be refused now."""
        stalled = self.streaming and now_ms - self._sampled_ms > m.STALL_MS
        conditions = {
            Blocker.PROTOCOL_DIFFERS: not self.host_speaks_ours,
            Blocker.NOT_CONFIGURED: self.config is None,
            Blocker.NOT_STREAMING: not self.streaming,
            Blocker.NOT_DISARMED: self.state not in (State.DISARMED, State.ESTOP),
            Blocker.ESTOP_LATCHED: self.state is State.ESTOP,
            Blocker.SAMPLING_STALLED: stalled,
            Blocker.SUPPLY_LOW: self.supply_low,
            Blocker.BUTTON_PRESSED: self.button_pressed,
        }
        blockers = self.limits_blockers
        for blocker, holds in conditions.items():
            if holds:
                blockers |= blocker
        return blockers

    def setpoint(self, setpoint: Setpoint, seq: int, next_sample: int, now_ms: int) -> None:
        """Takes a SETPOINT; next_sample: index of the next sample."""
        self.tick(now_ms)  # a late setpoint finds the state that its lateness has caused
        if self.state not in PULSING or self.config is None:
            return
        if not self._in_range(setpoint.angle_cdeg, self.config):
            self.range_rejects += 1
            self._rejected()
        elif self._stale(setpoint, next_sample, self.config):
            self.stale_rejects += 1
            self._rejected()
        else:
            self._accepted(setpoint, seq, now_ms, self.config)

    @staticmethod
    def _in_range(angle_cdeg: Sequence[int], config: Config) -> bool:
        limits = zip(angle_cdeg, config.servo_min_cdeg, config.servo_max_cdeg, strict=True)
        return all(low <= angle <= high for angle, low, high in limits)

    def _stale(self, setpoint: Setpoint, next_sample: int, config: Config) -> bool:
        age = index_step(next_sample, setpoint.based_on_sample) - 1
        valid = setpoint.valid_4ms * 4 * self.tick_hz // (1000 * config.sample_period_ticks)
        if age < 0 or age > valid:
            return True
        return self._newest_sample is not None and index_step(setpoint.based_on_sample, self._newest_sample) < 0

    def _rejected(self) -> None:
        self._clean_since_ms = None
        self._rejects_in_row += 1
        if self.state is State.ARMED and self._rejects_in_row >= m.MAX_REJECTS_IN_ROW:
            self._enter(State.HOLD, Reason.SETPOINTS_REJECTED)

    def _accepted(self, setpoint: Setpoint, seq: int, now_ms: int, config: Config) -> None:
        self._rejects_in_row = 0
        self._newest_sample = setpoint.based_on_sample
        self.setpoint_seq = seq
        if self.state is State.HOLD:
            self._consider_resuming(setpoint, now_ms, config)
        if self.state is State.ARMED:
            self._target = setpoint.angle_cdeg
            self._acted_ms = now_ms

    def _consider_resuming(self, setpoint: Setpoint, now_ms: int, config: Config) -> None:
        near = all(
            abs(angle - held) <= m.RESUME_WINDOW_CDEG
            for angle, held in zip(setpoint.angle_cdeg, self.applied, strict=True)
        )
        if not near:
            self._clean_since_ms = None
            return
        if self._clean_since_ms is None or now_ms - self._clean_ms >= config.hold_ms:
            self._clean_since_ms = now_ms
        self._clean_ms = now_ms
        if now_ms - self._clean_since_ms >= m.RESUME_CLEAN_MS:
            self._enter(State.ARMED, Reason.SETPOINTS_RESUMED)

    # --- time ---------------------------------------------------------------------------------------------

    def sampled(self, now_ms: int) -> None:
        """Notes that a sample was taken."""
        self._sampled_ms = now_ms

    def tick(self, now_ms: int) -> None:
        """Changes the state as time passes; call it about every millisecond."""
        if self.state in (State.BOOT, State.ESTOP):
            return
        if self.streaming and now_ms - self._sampled_ms > m.STALL_MS:
            self._fault(Reason.SAMPLING_STALLED)
        elif self.supply_low:
            self._fault(Reason.SUPPLY_LOW)
        elif self.config is not None:
            silent_ms = now_ms - self._acted_ms
            guides = self.permission is Permission.GUIDE and self.state in PULSING
            if guides and now_ms - self._armed_ms >= m.GUIDE_MAX_MS:
                self._enter(State.RELAX, Reason.GUIDE_OVER)
            elif self.state is State.ARMED and silent_ms >= self.config.hold_ms:
                self._enter(State.HOLD, Reason.SETPOINTS_STOPPED)
            elif self.state is State.HOLD and silent_ms >= self.config.relax_ms:
                self._enter(State.RELAX, Reason.SILENT_TOO_LONG)

    def _fault(self, reason: Reason) -> None:
        if self.state is not State.FAULT:
            self._enter(State.FAULT, reason)

    def servo_period(self) -> None:
        """Moves the applied angles by at most the slew; call it in each servo period."""
        config = self.config
        if config is None or not self.pulses_on:
            return
        if self.state is State.ARMED:
            slew = config.slew_cdeg_per_s
            if self.permission is Permission.JOG:
                slew = min(slew, m.JOG_SLEW_CDEG_PER_S)
            elif self._unreached:
                slew = min(slew, m.FIRST_MOVE_SLEW_CDEG_PER_S)
            elif self.permission is Permission.GUIDE:
                slew = min(slew, m.RELAX_SLEW_CDEG_PER_S)
            self._move(self._target, slew, config.servo_period_us)
            if self._newest_sample is not None:
                self._unreached = {i for i in self._unreached if self._off_target(i) > m.FIRST_MOVE_DONE_CDEG}
        elif self.state is State.RELAX:
            jogs = self.permission is Permission.JOG  # a jog moves nothing without a key
            slew = min(config.slew_cdeg_per_s, m.RELAX_SLEW_CDEG_PER_S)
            self._move(self.applied if jogs else config.servo_safe_cdeg, slew, config.servo_period_us)
            if jogs or tuple(self.applied) == config.servo_safe_cdeg:
                self.reason = Reason.RELAXED
                self.pulses_on = False

    def _off_target(self, servo: int) -> int:
        return abs(self.applied[servo] - self._target[servo])

    def _move(self, target: Sequence[int], slew_cdeg_per_s: int, servo_period_us: int) -> None:
        step = slew_cdeg_per_s * servo_period_us // 1_000_000
        self.applied = [towards(a, t, step) for a, t in zip(self.applied, target, strict=True)]
