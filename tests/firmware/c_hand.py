"""safety.c with fake time, as a test wants it: one sample each millisecond while streaming, one tick after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec.structs import asdict, replace
from portable import load

from myobridge.wire import messages as m
from myobridge.wire.messages import Blocker, Reason, Result, State

FFI, LIB = load()
BOOT_ID: Final = 0x1234
CONFIG_CRC: Final = 0xC0DE
TICK_HZ: Final = 2_000_000
TICKS_PER_4MS: Final = TICK_HZ // 250
SAFE: Final = (4000,) * m.SERVOS
SERVO_PERIOD_MS: Final = m.SERVO_PERIOD_MAX_US // 1000
FIRST_STEP: Final = m.FIRST_MOVE_SLEW_CDEG_PER_S * SERVO_PERIOD_MS // 1000
JOG_STEP: Final = m.JOG_SLEW_CDEG_PER_S * SERVO_PERIOD_MS // 1000
RELAX_STEP: Final = m.RELAX_SLEW_CDEG_PER_S * SERVO_PERIOD_MS // 1000

CONFIG: Final = m.Config(
    channel_mask=0x000F,
    sample_period_ticks=TICK_HZ // 1000,
    samples_per_frame=4,
    sample_format=m.SampleFormat.INT16,
    oversampling=1,
    servo_min_cdeg=(0, 100, 200, 300, 400),
    servo_max_cdeg=(18000, 17900, 17800, 17700, 17600),
    servo_safe_cdeg=SAFE,
    pulse_0_us=(500, 2500, 600, 700, 1000),
    pulse_180_us=(2500, 500, 2400, 2300, 2000),
    servo_period_us=m.SERVO_PERIOD_MAX_US,
    slew_cdeg_per_s=40000,
    hold_ms=100,
    relax_ms=1000,
)
STEP: Final = CONFIG.slew_cdeg_per_s * SERVO_PERIOD_MS // 1000


def c_struct(kind: str, message: m.Message) -> Any:
    """`struct <kind>` with the fields of a message of the same name."""
    fields = {name: list(value) if isinstance(value, tuple) else int(value) for name, value in asdict(message).items()}
    return FFI.new(f"struct {kind} *", fields)


@dataclass
class Hand:
    """One hand in BOOT. Angles are cdeg."""

    now_ms: int = 1000
    sample_index: int = 0
    supply_mv: int = 6000
    sampling: bool = True
    """The converter works."""
    struct: Any = field(default_factory=lambda: FFI.new("struct safety *"))
    seq: int = 0

    def __post_init__(self) -> None:
        LIB.safety_init(self.struct, BOOT_ID, TICKS_PER_4MS)

    @property
    def inputs(self) -> Any:
        return FFI.new("struct safety_inputs *", [self.now_ms, self.sample_index & 0xFFFFFFFF, self.supply_mv])

    # ---- what it says ----

    @property
    def state(self) -> State:
        return State(self.struct.state)

    @property
    def reason(self) -> Reason:
        return Reason(self.struct.reason)

    @property
    def pulses_on(self) -> bool:
        return bool(self.struct.pulses_on)

    @property
    def challenge(self) -> int:
        return int(self.struct.challenge)

    @property
    def applied(self) -> tuple[int, ...]:
        return tuple(self.struct.applied_cdeg)

    @property
    def blockers(self) -> Blocker:
        return Blocker(LIB.safety_blockers(self.struct))

    @property
    def rejects(self) -> tuple[int, int]:
        """(out of range, stale)."""
        return int(self.struct.range_rejects), int(self.struct.stale_rejects)

    @property
    def next_pose(self) -> tuple[int, ...]:
        pose = FFI.new("uint16_t[]", [0xDEAD] * (m.SERVOS + 1))
        LIB.safety_next_pose(self.struct, pose)
        assert pose[m.SERVOS] == 0xDEAD
        return tuple(pose)[: m.SERVOS]

    # ---- what happens to it ----

    def started(self) -> None:
        LIB.safety_started(self.struct)

    def hello(self, proto_hash: int = m.PROTO_HASH) -> None:
        LIB.safety_hello(self.struct, proto_hash)

    def configure(self, **changes: Any) -> None:
        LIB.safety_configure(self.struct, c_struct("config", replace(CONFIG, **changes)), CONFIG_CRC)
        self.struct.starts_within = True  # as the device finds

    def may_configure(self) -> bool:
        return bool(LIB.safety_may_configure(self.struct))

    def start(self, config_crc: int = CONFIG_CRC) -> Result:
        result = Result(LIB.safety_start(self.struct, config_crc, self.inputs))
        if result is Result.OK:
            self.sample_index = int(self.struct.sample_index)
        return result

    def stop(self) -> None:
        LIB.safety_stop(self.struct)

    def arm(
        self,
        *,
        permission: int = m.Permission.DECODER,
        boot_id: int = BOOT_ID,
        config_crc: int = CONFIG_CRC,
        challenge: int | None = None,
    ) -> Result:
        challenge = self.challenge if challenge is None else challenge
        request = c_struct("arm", m.Arm(permission, boot_id, config_crc, challenge))
        return Result(LIB.safety_arm(self.struct, request, self.inputs))

    def disarm(self) -> None:
        LIB.safety_disarm(self.struct)

    def estop(self) -> None:
        LIB.safety_estop(self.struct)

    def setpoint(
        self, angles: Sequence[int], *, age: int = 0, valid_4ms: int = 10, based_on: int | None = None
    ) -> None:
        """`age`: how many samples older than the newest one the decision is."""
        based_on = self.sample_index - 1 - age if based_on is None else based_on
        message = m.Setpoint(tuple(angles), valid_4ms, based_on & 0xFFFFFFFF)
        self.seq = (self.seq + 1) & 0xFF
        LIB.safety_setpoint(self.struct, c_struct("setpoint", message), self.seq, self.inputs)

    def tick(self) -> None:
        LIB.safety_tick(self.struct, self.inputs)

    def wait(self, ms: int) -> None:
        """Milliseconds, each with its sample and its tick."""
        for _ in range(ms):
            self.now_ms = (self.now_ms + 1) & 0xFFFFFFFF
            if self.sampling and self.struct.streaming:
                self.sample_index = (self.sample_index + 1) & 0xFFFFFFFF
            self.tick()

    def period(self) -> tuple[int, ...]:
        """One servo period: the servos are told the next pose, and their pulses begin."""
        pose = FFI.new("uint16_t[]", self.next_pose)
        LIB.safety_told(self.struct, pose)
        LIB.safety_pulses_begun(self.struct, (1 << m.SERVOS) - 1)
        return self.applied

    def periods(self, count: int) -> list[tuple[int, ...]]:
        return [self.period() for _ in range(count)]


def disarmed(**changes: Any) -> Hand:
    """In DISARMED, streaming, with no blocker. `changes`: of CONFIG."""
    hand = Hand()
    hand.started()
    hand.hello()
    hand.configure(**changes)
    assert hand.start() is Result.OK
    hand.wait(5)
    return hand


def armed(**changes: Any) -> Hand:
    hand = disarmed(**changes)
    assert hand.arm() is Result.OK
    return hand


def at_full_slew(**changes: Any) -> Hand:
    """ARMED at the safe pose, the slow first move done."""
    hand = armed(**changes)
    hand.setpoint(SAFE)
    hand.period()
    return hand


def held() -> Hand:
    """In HOLD, because the host fell silent."""
    hand = armed()
    hand.wait(CONFIG.hold_ms)
    return hand


def relaxing(moved: int = 2000) -> Hand:
    """In RELAX, with the hand `moved` cdeg from its safe pose."""
    hand = at_full_slew()
    hand.setpoint([angle + moved for angle in SAFE])
    hand.periods(100)
    hand.wait(CONFIG.relax_ms)
    return hand


def stalled() -> Hand:
    """In FAULT, because the sampling stopped."""
    hand = disarmed()
    hand.sampling = False
    hand.wait(m.STALL_MS + 1)
    return hand


def estopped() -> Hand:
    hand = disarmed()
    hand.estop()
    return hand


IN_STATE: Final = {
    State.BOOT: Hand,
    State.DISARMED: disarmed,
    State.ARMED: armed,
    State.HOLD: held,
    State.RELAX: relaxing,
    State.FAULT: stalled,
    State.ESTOP: estopped,
}
"""How to get a hand into each state."""
