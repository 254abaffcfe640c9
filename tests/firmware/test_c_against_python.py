"""safety.c and configure.c against the simulated hand's Python, which follows the same pages of PROTOCOL.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from c_hand import BOOT_ID, CONFIG, CONFIG_CRC, SAFE, TICK_HZ, Hand, c_struct
from msgspec.structs import asdict, replace
from portable import load

from myobridge.simulator.configure import check_config
from myobridge.simulator.safety import Safety
from myobridge.wire import messages as m
from myobridge.wire.messages import Result, State

FFI, LIB = load()
STEPS = 4000


@dataclass
class Both:
    """One hand in C and one in Python that live through the same events."""

    random: Random
    c: Hand = field(default_factory=Hand)
    python: Safety = field(default_factory=lambda: Safety(boot_id=BOOT_ID, tick_hz=TICK_HZ, challenge=BOOT_ID))

    def compare(self, event: str) -> None:
        model = self.python
        assert (self.c.state, self.c.reason, self.c.pulses_on) == (model.state, model.reason, model.pulses_on), event
        assert self.c.challenge == model.challenge, event
        assert self.c.applied == tuple(model.applied), event
        assert self.c.blockers == model.blockers(self.c.now_ms), event
        assert self.c.rejects == (model.range_rejects, model.stale_rejects), event
        assert self.c.struct.setpoint_seq == model.setpoint_seq, event
        assert self.c.struct.permission == model.permission, event

    # ---- events ----

    def begin(self) -> None:
        self.c.started()
        self.python.started_up()
        self.hello(m.PROTO_HASH)

    def hello(self, proto_hash: int) -> None:
        self.c.hello(proto_hash)
        self.python.host_speaks_ours = proto_hash == m.PROTO_HASH

    def configure(self, **changes: Any) -> None:
        if self.c.may_configure():
            self.c.configure(**changes)
            self.python.configure(replace(CONFIG, **changes), CONFIG_CRC)
            self.python.starts_within = True

    def start(self) -> None:
        was_streaming = self.python.streaming
        if self.c.start() is Result.OK and not was_streaming:
            self.python.start(self.c.now_ms)

    def stop(self) -> None:
        self.c.stop()
        self.python.stop()

    def arm(
        self,
        boot_id: int = BOOT_ID,
        config_crc: int = CONFIG_CRC,
        wrong: int = 0,
        permission: int = m.Permission.DECODER,
    ) -> None:
        challenge = self.python.challenge ^ wrong
        expected = self.python.arm(m.Arm(permission, boot_id, config_crc, challenge), self.c.now_ms)
        got = self.c.arm(permission=permission, boot_id=boot_id, config_crc=config_crc, challenge=challenge)
        assert got is expected

    def button(self) -> None:
        pressed = not self.python.button_pressed
        assert bool(LIB.safety_button(self.c.struct, pressed)) is self.python.button(pressed)

    def guide(self) -> None:
        """A guide that acts for longer than it may, or falls silent."""
        self.arm(permission=m.Permission.GUIDE)
        while self.python.permission is m.Permission.GUIDE and self.python.state is not State.RELAX:
            if self.random.random() < 0.001:
                return
            self.setpoint(tuple(min(a + 100, 17000) for a in self.c.applied))
            self.c.now_ms += 79
            self.wait(1)
            self.period()
            self.compare("guide")

    def disarm(self) -> None:
        self.c.disarm()
        self.python.disarm()

    def estop(self) -> None:
        self.c.estop()
        self.python.estop()

    def wait(self, ms: int) -> None:
        for _ in range(ms):
            self.c.wait(1)
            if self.c.sampling and self.python.streaming:
                self.python.sampled(self.c.now_ms)
            self.look_at_supply()
            self.python.tick(self.c.now_ms)

    def look_at_supply(self) -> None:
        """As safety_tick does, which a setpoint begins with."""
        self.python.supply_low = 0 < self.c.supply_mv < m.SUPPLY_MIN_MV

    def setpoint(self, angles: tuple[int, ...], age: int = 0, valid_4ms: int = 10) -> None:
        based_on = (self.c.sample_index - 1 - age) & 0xFFFFFFFF
        self.c.setpoint(angles, based_on=based_on, valid_4ms=valid_4ms)
        message = m.Setpoint(angles, valid_4ms, based_on)
        self.look_at_supply()
        self.python.setpoint(message, self.c.seq, self.c.sample_index, self.c.now_ms)

    def period(self) -> None:
        self.c.period()
        self.python.servo_period()

    # ---- at random ----

    def configure_at_random(self) -> None:
        slew = self.random.choice([m.SLEW_MIN_CDEG_PER_S, 5000, 40000, m.SLEW_MAX_CDEG_PER_S])
        period_us = self.random.choice([m.SERVO_PERIOD_MIN_US, 7001, m.SERVO_PERIOD_MAX_US])
        pulse_0_us = (500, 2500, self.random.choice([600, 601]), 700, 1000)
        self.configure(slew_cdeg_per_s=slew, servo_period_us=period_us, pulse_0_us=pulse_0_us)

    def arm_beyond_the_limits(self) -> None:
        blockers = self.random.choice([m.Blocker.BEYOND_LIMITS, m.Blocker.NO_LIMITS])
        for now in (blockers, m.Blocker(0)):
            self.c.struct.limits_blockers = self.python.limits_blockers = now
            self.compare("limits")
            if now:
                self.arm(permission=self.random.choice([m.Permission.DECODER, m.Permission.JOG]))

    def random_setpoint(self) -> None:
        held = self.c.applied
        shift = self.random.choice([0, 50, 499, 500, 501, 3000])
        near = tuple(min(max(a + self.random.randint(-shift, shift), 0), 18000) for a in held)
        anywhere = tuple(self.random.randint(500, 17500) for _ in held)
        angles = near if self.random.random() < 0.8 else anywhere
        age = self.random.choice([0, 0, 0, 1, 5, 39, 40, 41, -1])
        self.setpoint(angles, age)

    def bad_setpoints(self) -> None:
        for _ in range(self.random.randint(1, 7)):
            self.setpoint((self.random.choice([0, 9000, 18000, 65535]),) * m.SERVOS)

    def steady_host(self) -> None:
        """What a healthy host does for a while: from HOLD it takes the hand back."""
        for _ in range(self.random.randint(1, 150)):
            self.setpoint(tuple(min(a + 100, 17000) for a in self.c.applied))
            self.wait(self.random.choice([5, 10, 20]))
            if self.random.random() < 0.4:
                self.period()

    def random_event(self) -> str:
        events: list[tuple[int, str, Any]] = [
            (30, "setpoint", self.random_setpoint),
            (20, "wait", lambda: self.wait(self.random.choice([1, 5, 20, 99, 100, 300]))),
            (6, "bad setpoints", self.bad_setpoints),
            (6, "long wait", lambda: self.wait(self.random.choice([500, 1000]))),
            (30, "period", self.period),
            (6, "steady host", self.steady_host),
            (8, "arm", self.arm),
            (2, "arm to jog", lambda: self.arm(permission=m.Permission.JOG)),
            (2, "guide", self.guide),
            (3, "button", self.button),
            (1, "arm for anything", lambda: self.arm(permission=self.random.randrange(256))),
            (1, "arm beyond the limits", self.arm_beyond_the_limits),
            (1, "arm for another boot", lambda: self.arm(boot_id=1)),
            (1, "arm for another config", lambda: self.arm(config_crc=1)),
            (1, "arm with a wrong challenge", lambda: self.arm(wrong=1)),
            (3, "disarm", self.disarm),
            (1, "stop", self.stop),
            (4, "start", self.start),
            (2, "configure", self.configure_at_random),
            (1, "hello", lambda: self.hello(m.PROTO_HASH ^ (self.random.random() < 0.3))),
            (1, "sampling", lambda: setattr(self.c, "sampling", self.random.random() < 0.8)),
            (1, "supply", lambda: setattr(self.c, "supply_mv", self.random.choice([0, 6000, 6000, 6000, 4499]))),
        ]
        _, name, act = self.random.choices(events, [weight for weight, _, _ in events])[0]
        act()
        return name


@pytest.mark.parametrize("seed", range(8))
def test_both_live_through_the_same_events_alike(seed: int) -> None:
    both = Both(Random(seed))
    both.begin()
    both.configure()
    both.start()
    seen = set()
    trace: list[str] = []
    for _ in range(STEPS // 8):
        trace.append(both.random_event())
        both.compare(" · ".join(trace[-5:]))
        seen.add(both.c.state)
        both.wait(1)
        both.compare("tick")
    both.estop()
    both.compare("estop")
    for _ in range(50):
        both.compare(both.random_event())
    assert seen >= {State.DISARMED, State.ARMED, State.HOLD}


def test_the_random_events_lead_through_every_state_and_back_from_hold() -> None:
    reasons: set[m.Reason] = set()
    for seed in range(8):
        both = Both(Random(seed))
        both.begin()
        both.configure()
        both.start()
        for _ in range(STEPS // 8):
            both.random_event()
            reasons.add(both.c.reason)
    assert reasons >= set(m.Reason) - {m.Reason.NONE, m.Reason.HOST_ESTOP}


# ---- CONFIG ----


@dataclass
class Source:
    """What check_config asks of an EMG source."""

    channels: int = 8
    fs_hz: float = 1000.0
    adc_bits: int = 10


def random_config(random: Random) -> m.Config:
    """A good CONFIG with up to two fields spoilt; the period stays what the source has."""
    config = replace(CONFIG, channel_mask=random.choice([1, 0xF, 0x81, 0xFF]), sample_period_ticks=2000)
    corners = (
        0,
        1,
        19,
        20,
        49,
        50,
        121,
        122,
        150,
        151,
        500,
        2000,
        2001,
        2500,
        2501,
        3002,
        3003,
        4000,
        18000,
        18001,
        20000,
        20001,
        60000,
        60001,
        65535,
    )
    for _ in range(random.randrange(3)):
        name, value = random.choice(list(asdict(config).items()))
        if name == "sample_period_ticks":
            continue
        if isinstance(value, tuple):
            spoilt: Any = list(value)
            spoilt[random.randrange(m.SERVOS)] = random.choice(corners)
            config = replace(config, **{name: tuple(spoilt)})
        else:
            most = 255 if name in ("samples_per_frame", "sample_format", "oversampling") else 65535
            config = replace(config, **{name: min(random.choice(corners), most)})
    return config


def test_both_take_and_refuse_the_same_configs_for_the_same_reason() -> None:
    random = Random(6)
    results = set()
    for _ in range(5000):
        config = random_config(random)
        expected = check_config(config, Source(), m.BAUD)  # type: ignore[arg-type]
        assert Result(LIB.fake_configure_check(c_struct("config", config))) is expected, config
        results.add(expected)
    assert len(results) >= 7


def test_the_safe_pose_of_the_first_config_is_where_both_begin() -> None:
    both = Both(Random(0))
    both.begin()
    both.configure()
    both.compare("first config")
    assert both.c.applied == SAFE
    both.configure(servo_min_cdeg=(5000,) * 5, servo_safe_cdeg=(5000,) * 5)
    both.compare("second config")
