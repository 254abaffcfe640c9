"""The servo limits in the EEPROM: what they allow, and that no damage and no power cut ever widens them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from c_hand import CONFIG, SERVO_PERIOD_MS, c_struct
from msgspec.structs import replace
from portable import load
from test_c_device import LIMITS, SESSION, Device

from myobridge.simulator.limits import COPIES_AT, DEFAULTS, EEPROM_BYTES, NONE, LimitsStore, eeprom_image
from myobridge.wire import messages as m
from myobridge.wire.messages import Blocker, LimitsState, Result, State

FFI, LIB = load()
RECORD_BYTES = 3 + m.WriteLimits.STRUCT.size + 4
BUSY_MAX_MS = 20
"""After so many milliseconds an EEPROM that is still busy counts as broken."""
NARROW = m.WriteLimits(
    servo_min_cdeg=(1000,) * m.SERVOS,
    servo_max_cdeg=(17000,) * m.SERVOS,
    pulse_0_us=(1200, 1800, 1200, 1200, 1200),
    pulse_180_us=(1800, 1200, 1700, 1600, 1500),
    digital=0b00101,
)
OTHER = replace(NARROW, pulse_180_us=(1750,) * m.SERVOS, pulse_0_us=(1250,) * m.SERVOS)


def five(value: int) -> tuple[int, ...]:
    return (value,) * m.SERVOS


def burn(image: bytes) -> None:
    LIB.fake_reset()
    FFI.memmove(LIB.fake.eeprom, image, len(image))


def burnt() -> bytes:
    return bytes(FFI.buffer(LIB.fake.eeprom))


class Store:
    """`struct limits_store` on the EEPROM as it is, as after a reset."""

    def __init__(self) -> None:
        self.struct = FFI.new("struct limits_store *")
        FFI.memmove(self.struct, b"\xa5" * FFI.sizeof("struct limits_store"), FFI.sizeof("struct limits_store"))
        LIB.limits_load(self.struct)

    @property
    def state(self) -> LimitsState:
        return LimitsState(self.struct.state)

    @property
    def held(self) -> m.WriteLimits:
        return m.WriteLimits.unpack(bytes(FFI.buffer(LIB.limits_payload(self.struct), m.WriteLimits.STRUCT.size)))

    def write(self, limits: m.WriteLimits) -> Result:
        return Result(LIB.limits_write(self.struct, limits.pack()))

    def finish(self) -> bool:
        """Steps until nothing is left to write; whether it said that new limits are written."""
        said = False
        for _ in range(4 * RECORD_BYTES):
            said = bool(LIB.limits_step(self.struct)) or said
        assert self.struct.copies_left == 0
        return said

    def blockers(self, config: m.Config | None) -> Blocker:
        return Blocker(LIB.limits_blockers(self.struct, FFI.NULL if config is None else c_struct("config", config)))


# ---- what is stored ----


def test_a_blank_board_holds_the_narrow_defaults() -> None:
    burn(b"\xff" * EEPROM_BYTES)
    store = Store()
    assert (store.state, store.held) == (LimitsState.DEFAULTS, DEFAULTS)
    assert not store.finish()
    assert LIB.fake.eeprom_writes == 0


def test_what_is_written_is_there_after_a_reset_in_both_copies() -> None:
    burn(b"\xff" * EEPROM_BYTES)
    store = Store()
    assert store.write(NARROW) is Result.OK
    assert (store.state, store.held) == (LimitsState.WRITING, NARROW)
    assert store.finish()
    assert (store.state, LIB.limits_result(store.struct)) == (LimitsState.STORED, Result.OK)
    again = Store()
    assert (again.state, again.held) == (LimitsState.STORED, NARROW)
    assert burnt() == eeprom_image(NARROW)


def test_each_writing_is_newer_than_the_last_even_when_the_count_wraps() -> None:
    burn(eeprom_image(NARROW))
    for k in range(300):
        wanted = replace(NARROW, digital=k % 32)
        store = Store()
        store.write(wanted)
        store.finish()
        assert Store().held == wanted


def test_what_is_stored_already_is_not_written_again() -> None:
    burn(eeprom_image(NARROW))
    store = Store()
    assert store.write(NARROW) is Result.OK
    assert (store.state, store.finish()) == (LimitsState.STORED, False)
    assert LIB.fake.eeprom_writes == 0


def test_the_same_again_while_it_is_written_is_ok_and_others_have_to_wait() -> None:
    burn(eeprom_image(NARROW))
    store = Store()
    store.write(OTHER)
    LIB.limits_step(store.struct)
    assert store.write(OTHER) is Result.OK
    assert store.write(NARROW) is Result.WRONG_STATE
    assert store.finish()
    assert Store().held == OTHER


def test_nothing_is_written_while_the_eeprom_is_busy() -> None:
    burn(eeprom_image(NARROW))
    store = Store()
    store.write(OTHER)
    for _ in range(5):
        LIB.fake.eeprom_busy, before = True, LIB.fake.eeprom_writes
        for _ in range(BUSY_MAX_MS - 1):
            assert not LIB.limits_step(store.struct)
        assert LIB.fake.eeprom_writes == before
        LIB.fake.eeprom_busy = False
        LIB.limits_step(store.struct)
    assert store.finish()


def test_an_eeprom_that_stays_busy_while_limits_are_written_is_told_and_holds_nothing() -> None:
    burn(eeprom_image(NARROW))
    store = Store()
    store.write(OTHER)
    LIB.fake.eeprom_busy = True
    assert [bool(LIB.limits_step(store.struct)) for _ in range(BUSY_MAX_MS + 5)].index(True) == BUSY_MAX_MS - 1
    assert (store.state, LIB.limits_result(store.struct)) == (LimitsState.DAMAGED, Result.WRITE_FAILED)
    assert store.blockers(CONFIG) == Blocker.NO_LIMITS
    LIB.fake.eeprom_busy = False
    assert store.write(NARROW) is Result.OK
    assert store.finish()
    assert store.state is LimitsState.STORED


def test_an_eeprom_that_stays_busy_while_a_copy_is_mended_leaves_the_limits_of_the_other_copy() -> None:
    burn(eeprom_image(NARROW))
    LIB.fake.eeprom[COPIES_AT[0]] ^= 1
    store = Store()
    LIB.fake.eeprom_busy = True
    for _ in range(2 * BUSY_MAX_MS):
        assert not LIB.limits_step(store.struct)
    assert (store.state, store.held, store.struct.copies_left) == (LimitsState.STORED, NARROW, 0)


def test_an_eeprom_that_is_busy_at_the_start_holds_damaged_limits() -> None:
    """What it holds may be narrower than the defaults."""
    burn(b"\xff" * EEPROM_BYTES)
    LIB.fake.eeprom_busy = True
    store = Store()
    assert (store.state, store.blockers(None)) == (LimitsState.DAMAGED, Blocker.NO_LIMITS)
    assert not store.finish()


def test_a_step_writes_one_byte_at_most() -> None:
    burn(eeprom_image(NARROW))
    store = Store()
    store.write(OTHER)
    while store.struct.copies_left:
        before = LIB.fake.eeprom_writes
        LIB.limits_step(store.struct)
        assert LIB.fake.eeprom_writes - before <= 1


@pytest.mark.parametrize("kept", [5, -5])
def test_an_eeprom_that_does_not_keep_what_is_written_is_told_and_holds_nothing(kept: int) -> None:
    """Neither copy, or not the second."""
    burn(b"\xff" * EEPROM_BYTES)
    store = Store()
    store.write(NARROW)
    store.finish()
    total = LIB.fake.eeprom_writes
    burn(b"\xff" * EEPROM_BYTES)
    store = Store()
    store.write(NARROW)
    LIB.fake.eeprom_writes_left = kept % total
    assert store.finish()
    assert (store.state, LIB.limits_result(store.struct)) == (LimitsState.DAMAGED, Result.WRITE_FAILED)
    assert store.blockers(CONFIG) == Blocker.NO_LIMITS


@pytest.mark.parametrize("copy", [0, 1])
def test_each_copy_has_to_read_back(copy: int) -> None:
    burn(eeprom_image(NARROW))
    store = Store()
    store.write(OTHER)
    while store.struct.copies_left != 1 or store.struct.at < RECORD_BYTES:
        LIB.limits_step(store.struct)
    LIB.fake.eeprom[COPIES_AT[copy] + 10] ^= 1
    assert store.finish()
    assert (store.state, LIB.limits_result(store.struct)) == (LimitsState.DAMAGED, Result.WRITE_FAILED)


BAD: list[dict[str, Any]] = [
    {"servo_max_cdeg": five(m.ANGLE_MAX_CDEG + 1)},
    {"servo_min_cdeg": five(17001)},
    {"pulse_0_us": five(m.PULSE_MIN_US - 1)},
    {"pulse_180_us": five(m.PULSE_MAX_US + 1)},
    {"pulse_0_us": five(1500), "pulse_180_us": five(1500)},
    {"digital": 32},
]


@pytest.mark.parametrize("change", BAD, ids=" ".join)
@pytest.mark.parametrize("servo", range(m.SERVOS))
def test_limits_that_make_no_sense_are_refused(servo: int, change: dict[str, Any]) -> None:
    burn(eeprom_image(NARROW))
    store = Store()
    values = {
        name: value
        if isinstance(value, int)
        else tuple(v if i == servo else getattr(NARROW, name)[i] for i, v in enumerate(value))
        for name, value in change.items()
    }
    assert store.write(replace(NARROW, **values)) is Result.BAD_SERVO_RANGE
    assert LimitsStore(NARROW).write(replace(NARROW, **values), 0.0) is Result.BAD_SERVO_RANGE
    assert (store.state, store.held, store.finish()) == (LimitsState.STORED, NARROW, False)


# ---- power cuts, damage, foreign content ----


def starts() -> Iterator[tuple[str, bytes, m.WriteLimits]]:
    """An EEPROM, and the limits that hold with it."""
    yield "blank", b"\xff" * EEPROM_BYTES, DEFAULTS
    yield "stored", eeprom_image(NARROW), NARROW
    torn = bytearray(eeprom_image(NARROW))
    torn[COPIES_AT[0]] = 0xFF
    yield "first copy torn", bytes(torn), NARROW


@pytest.mark.parametrize(("image", "old"), [pytest.param(i, o, id=name) for name, i, o in starts()])
@pytest.mark.parametrize("cut_byte", [0x00, 0xFF, 0x4C, 0x5A])
def test_a_power_cut_at_each_byte_leaves_the_old_limits_or_the_new(
    image: bytes, old: m.WriteLimits, cut_byte: int
) -> None:
    """`cut_byte` is what the byte holds that was being written."""
    burn(image)
    store = Store()
    store.finish()
    store.write(OTHER)
    store.finish()
    total = LIB.fake.eeprom_writes
    assert total > 20
    for cut in range(1, total + 1):
        burn(image)
        LIB.fake.eeprom_writes_left, LIB.fake.eeprom_cut_byte = cut, cut_byte
        store = Store()
        store.finish()
        store.write(OTHER)
        store.finish()
        LIB.fake.eeprom_writes_left = 0xFFFF
        after = Store()
        assert after.held in (old, OTHER), cut
        assert after.state in (LimitsState.STORED, LimitsState.DEFAULTS), cut
        held = after.held
        after.finish()
        assert Store().held == held, cut


def damaged(image: bytes, random: Random) -> bytes:
    """Bits, bytes or a stretch of the records gone, as often as not with both copies hit."""
    first, last = COPIES_AT[0], COPIES_AT[-1] + RECORD_BYTES
    bad = bytearray(image)
    kind = random.randrange(5)
    if kind == 0:
        for _ in range(random.randint(1, 40)):
            bad[random.randrange(first, last)] ^= 1 << random.randrange(8)
    elif kind == 1:
        for _ in range(random.randint(1, 60)):
            bad[random.randrange(first, last)] = random.randrange(256)
    elif kind == 2:
        for at in COPIES_AT:
            start, length = at + random.randrange(RECORD_BYTES), random.randint(1, RECORD_BYTES - 1)
            bad[start : min(start + length, at + RECORD_BYTES)] = random.choice([b"\x00", b"\xff"]) * (
                min(start + length, at + RECORD_BYTES) - start
            )
            bad[at + RECORD_BYTES // 2] ^= random.choice([0, 1])
    elif kind == 3:
        at = random.choice(COPIES_AT)
        bad[at : at + RECORD_BYTES] = random.randbytes(RECORD_BYTES)
    else:
        bad[first:last] = random.randbytes(last - first)
    return bytes(bad)


def test_an_eeprom_damaged_at_random_never_gives_wider_limits() -> None:
    random = Random(15)
    image = eeprom_image(NARROW)
    seen = dict.fromkeys(LimitsState, 0)
    for _ in range(10_000):
        burn(damaged(image, random))
        store = Store()
        seen[store.state] += 1
        if store.state is LimitsState.STORED:
            assert store.held == NARROW
        else:
            assert (store.state, store.held) == (LimitsState.DAMAGED, NONE)
            assert store.blockers(CONFIG) == store.blockers(None) == Blocker.NO_LIMITS
    print(seen)
    assert seen[LimitsState.STORED] > 500 and seen[LimitsState.DAMAGED] > 500


def test_limits_that_are_damaged_in_both_copies_hold_nothing_until_they_are_stored_again() -> None:
    image = bytearray(eeprom_image(NARROW))
    for at in COPIES_AT:
        image[at + 20] ^= 1
    burn(bytes(image))
    store = Store()
    assert (store.state, store.held) == (LimitsState.DAMAGED, NONE)
    assert store.write(NARROW) is Result.OK
    assert store.finish()
    assert Store().held == NARROW


def test_a_copy_that_is_damaged_is_mended_from_the_other_one() -> None:
    for at in COPIES_AT:
        image = bytearray(eeprom_image(NARROW))
        image[at : at + RECORD_BYTES] = bytes(RECORD_BYTES)
        burn(bytes(image))
        store = Store()
        assert (store.state, store.held) == (LimitsState.STORED, NARROW)
        assert not store.finish()
        assert burnt() == eeprom_image(NARROW)


def test_a_copy_with_any_one_byte_wrong_is_mended() -> None:
    for at in COPIES_AT:
        for byte in range(RECORD_BYTES):
            image = bytearray(eeprom_image(NARROW))
            image[at + byte] ^= 0x10
            burn(bytes(image))
            store = Store()
            assert (store.state, store.held) == (LimitsState.STORED, NARROW)
            store.finish()
            assert burnt() == eeprom_image(NARROW)


@pytest.mark.parametrize("byte", [0x00, 0x4C, 0xA5])
def test_what_another_program_left_in_the_eeprom_is_no_limits(byte: int) -> None:
    burn(bytes([byte]) * EEPROM_BYTES)
    store = Store()
    assert (store.state, store.blockers(CONFIG)) == (LimitsState.DAMAGED, Blocker.NO_LIMITS)


@pytest.mark.parametrize("copy", [0, 1])
def test_where_one_copy_is_blank_and_the_other_never_whole_the_defaults_hold(copy: int) -> None:
    """As after a first writing that was cut off."""
    image = bytearray(b"\xff" * EEPROM_BYTES)
    image[COPIES_AT[copy] + 1] = 1
    burn(bytes(image))
    store = Store()
    assert (store.state, store.held) == (LimitsState.DEFAULTS, DEFAULTS)


def test_a_copy_with_any_one_byte_written_is_not_blank() -> None:
    for byte in range(RECORD_BYTES):
        image = bytearray(b"\xff" * EEPROM_BYTES)
        for at in COPIES_AT:
            image[at + byte] = 0
        burn(bytes(image))
        assert Store().state is LimitsState.DAMAGED


@pytest.mark.parametrize("place", [1, 2])
def test_a_record_of_another_version_or_with_senseless_limits_is_not_taken(place: int) -> None:
    wrong = replace(NARROW, digital=32) if place == 2 else NARROW
    image = bytearray(eeprom_image(wrong))
    if place == 1:
        for at in COPIES_AT:
            image[at + 1] += 1
            body = bytes(image[at : at + RECORD_BYTES - 4])
            image[at + RECORD_BYTES - 4 : at + RECORD_BYTES] = LIB.crc32(body, len(body)).to_bytes(4, "little")
    burn(bytes(image))
    assert Store().state is LimitsState.DAMAGED


# ---- what they allow ----


def test_the_defaults_allow_pulses_of_1_to_2_ms_in_either_direction_and_no_more() -> None:
    burn(b"\xff" * EEPROM_BYTES)
    store = Store()
    straight = replace(CONFIG, pulse_0_us=five(1000), pulse_180_us=five(2000), servo_min_cdeg=five(0))
    straight = replace(straight, servo_max_cdeg=five(m.ANGLE_MAX_CDEG))
    turned = replace(straight, pulse_0_us=five(2000), pulse_180_us=five(1000))
    assert store.blockers(None) == store.blockers(straight) == store.blockers(turned) == Blocker(0)
    for change in ({"pulse_0_us": five(999)}, {"pulse_180_us": five(2001)}, {"servo_period_us": 19_999}):
        assert store.blockers(replace(straight, **change)) == Blocker.BEYOND_LIMITS
    wide_but_held_in = replace(straight, pulse_0_us=five(500), pulse_180_us=five(2500))
    assert store.blockers(wide_but_held_in) == Blocker.BEYOND_LIMITS
    held_in = replace(wide_but_held_in, servo_min_cdeg=five(4500), servo_max_cdeg=five(13500))
    assert store.blockers(held_in) == Blocker(0)


@pytest.mark.parametrize("servo", range(m.SERVOS))
def test_a_config_may_tighten_each_stored_limit_and_widen_none(servo: int) -> None:
    burn(eeprom_image(NARROW))
    store = Store()
    same = replace(
        CONFIG,
        servo_min_cdeg=NARROW.servo_min_cdeg,
        servo_max_cdeg=NARROW.servo_max_cdeg,
        pulse_0_us=NARROW.pulse_0_us,
        pulse_180_us=NARROW.pulse_180_us,
    )
    assert store.blockers(same) == Blocker(0)
    for name, inward in (("servo_min_cdeg", 100), ("servo_max_cdeg", -100)):
        for sign, allowed in ((1, True), (-1, False)):
            values = list(getattr(same, name))
            values[servo] += sign * inward
            blockers = store.blockers(replace(same, **{name: tuple(values)}))
            assert blockers == (Blocker(0) if allowed else Blocker.BEYOND_LIMITS)
    turned = [list(same.pulse_0_us), list(same.pulse_180_us)]
    turned[0][servo], turned[1][servo] = turned[1][servo], turned[0][servo]
    both_ways = replace(same, pulse_0_us=tuple(turned[0]), pulse_180_us=tuple(turned[1]))
    assert store.blockers(both_ways) == Blocker.BEYOND_LIMITS


def test_only_digital_servos_may_be_pulsed_above_50_hz() -> None:
    for digital in range(32):
        burn(eeprom_image(replace(LIMITS, digital=digital)))
        blockers = Store().blockers(replace(SESSION, servo_period_us=m.SERVO_PERIOD_MAX_US - 1))
        assert blockers == (Blocker(0) if digital == 31 else Blocker.BEYOND_LIMITS)


def test_both_implementations_allow_the_same_configs() -> None:
    random = Random(7)
    seen = set()
    for _ in range(2000):
        limits = None
        if random.random() < 0.8:
            pulses = [random.sample(range(m.PULSE_MIN_US, m.PULSE_MAX_US + 1), 2) for _ in range(m.SERVOS)]
            ends = [sorted(random.sample(range(m.ANGLE_MAX_CDEG + 1), 2)) for _ in range(m.SERVOS)]
            limits = m.WriteLimits(
                *map(tuple, zip(*ends, strict=True)),
                *map(tuple, zip(*pulses, strict=True)),
                random.choice([0, 31, random.randrange(32)]),
            )
        burn(b"\xff" * EEPROM_BYTES if limits is None else eeprom_image(limits))
        held = limits or DEFAULTS
        config = replace(
            CONFIG,
            servo_min_cdeg=held.servo_min_cdeg,
            servo_max_cdeg=held.servo_max_cdeg,
            pulse_0_us=held.pulse_0_us,
            pulse_180_us=held.pulse_180_us,
            servo_period_us=random.choice([m.SERVO_PERIOD_MAX_US, m.SERVO_PERIOD_MAX_US, 10_000]),
        )
        for name in random.sample(["servo_min_cdeg", "servo_max_cdeg", "pulse_0_us", "pulse_180_us"], 2):
            values = list(getattr(config, name))
            values[random.randrange(m.SERVOS)] += random.choice([0, 1, -1, 2, -2, 50, -50])
            config = replace(config, **{name: tuple(max(0, v) for v in values)})
        expected = LimitsStore(limits).blockers(config)
        assert Store().blockers(config) == expected, (limits, config)
        seen.add(expected)
    assert seen == {Blocker(0), Blocker.BEYOND_LIMITS}


# ---- on the whole board ----


def test_a_board_without_stored_limits_streams_and_arms_only_within_the_defaults() -> None:
    device = Device(limits=None)
    status = device.stream()
    assert (status.limits_state, status.blockers) == (LimitsState.DEFAULTS, Blocker.BEYOND_LIMITS)
    device.run(5)
    assert device.arm().ack_result == Result.BLOCKED
    device.send(m.Stop())
    crc = device.configure(pulse_0_us=five(1000), pulse_180_us=five(2000)).config_crc
    device.ask(m.Start(crc))
    device.run(5)
    assert device.arm().state == State.ARMED


def test_limits_are_written_while_the_board_goes_on_and_then_told() -> None:
    device = Device(limits=None)
    device.stream()
    device.run(5)
    before = device.ask(m.ReadLimits())
    assert (before.result, before.state, before.pulse_0_us) == (Result.OK, LimitsState.DEFAULTS, five(1000))
    device.ask(LIMITS)
    (at_once,) = device.all_of(m.Limits)
    assert (at_once.result, at_once.state) == (Result.OK, LimitsState.WRITING)
    assert device.arm().blockers & Blocker.NO_LIMITS
    device.frames.clear()
    device.run(400)
    (told,) = device.all_of(m.Limits)
    assert (told.result, told.state, told.pulse_0_us) == (Result.OK, LimitsState.STORED, LIMITS.pulse_0_us)
    assert device.all_of(m.Status)[-1].limits_state == LimitsState.STORED
    assert device.arm().state == State.ARMED


def test_limits_are_written_only_while_disarmed() -> None:
    device = Device()
    device.stream()
    device.run(5)
    device.arm()
    refused = device.ask(NARROW)
    assert (refused.result, refused.state, refused.pulse_0_us) == (
        Result.WRONG_STATE,
        LimitsState.STORED,
        LIMITS.pulse_0_us,
    )
    device.run(300)
    assert LIB.fake.eeprom_writes == 0


def test_new_limits_hold_for_the_config_that_is_already_in_force() -> None:
    device = Device()
    device.stream()
    device.ask(NARROW)
    device.run(400)
    assert device.arm().blockers == Blocker.BEYOND_LIMITS


# ---- the search for the ends ----

SEARCH = {"pulse_0_us": five(500), "pulse_180_us": five(2500)}


def at_us(pulse_us: int) -> tuple[int, ...]:
    """The angles of SEARCH for a pulse."""
    return five((pulse_us - 500) * 9)


def searching(device: Device, start_us: int) -> m.Status:
    """ARM for a jog that begins at this pulse."""
    device.hello()
    safe = at_us(start_us)
    crc = device.configure(
        **SEARCH, servo_safe_cdeg=safe, servo_min_cdeg=five(0), servo_max_cdeg=five(18000)
    ).config_crc
    device.ask(m.Start(crc))
    device.run(5)
    return device.arm(m.Permission.JOG)


@pytest.mark.parametrize(
    ("start_us", "state"),
    [(999, State.DISARMED), (1000, State.ARMED), (2000, State.ARMED), (2001, State.DISARMED)],
)
def test_a_search_begins_within_the_limits_that_hold_because_arming_jumps_there(start_us: int, state: State) -> None:
    for limits in (None, replace(LIMITS, pulse_0_us=five(1000), pulse_180_us=five(2000))):
        status = searching(Device(limits), start_us)
        assert (status.state, status.blockers & Blocker.BEYOND_LIMITS) == (state, Blocker.BEYOND_LIMITS)


def test_where_the_stored_limits_are_damaged_a_search_begins_within_the_defaults() -> None:
    for start_us, state in ((999, State.DISARMED), (1500, State.ARMED), (2001, State.DISARMED)):
        device = Device()
        device.struct.limits.state = LimitsState.DAMAGED
        assert searching(device, start_us).state == state


def test_a_servo_that_a_search_has_left_beyond_the_limits_starts_from_the_safe_pose_of_the_next_config() -> None:
    device = Device(None)
    assert searching(device, 1990).state == State.ARMED
    for _ in range(20):
        device.setpoint((at_us(2100)[0], *at_us(1990)[1:]))
        device.run(SERVO_PERIOD_MS)
    assert device.struct.safety.applied_cdeg[0] > at_us(2000)[0]
    device.send(m.Stop())
    assert searching(device, 1500).state == State.ARMED
    assert tuple(device.struct.safety.applied_cdeg) == (at_us(1500)[0], *at_us(1990)[1:])
