"""The simulated hand answers on the wire as the flashed ELF does: the same bytes, at the same times, to both."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from sim_hand import BOARDS
from twins import APART_MS, Twins

from myobridge.simulator.limits import WIDE
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from myobridge.wire.messages import LimitsState, Message, Reason, Result, State
from virtual_hand import board_config

HELLO = m.Hello(m.MAJOR, m.MINOR, 7, m.PROTO_HASH)
CONFIG = board_config(samples_per_frame=4, slew_cdeg_per_s=5000)


def armed(twins: Twins) -> None:
    twins.stream(CONFIG)
    twins.ask(twins.arm())
    twins.ask(*[twins.setpoint(4000)])
    assert twins.board.status.state == twins.twin.status.state == State.ARMED


# ---- each thing in which they once differed ----


def test_each_request_is_one_status() -> None:
    with Twins() as twins:
        twins.stream(CONFIG)
        for request in (twins.arm, m.Disarm, m.Disarm, twins.arm, m.Stop, m.Estop, m.Estop, m.Disarm):
            twins.ask(request())
        twins.compare()
        times = [[heard.t_ms for heard in ear.all_of(m.Status)] for ear in (twins.board, twins.twin)]
        assert min(b - a for side in times for a, b in zip(side, side[1:], strict=False)) > 5, "none comes twice"


def test_the_index_after_stop_and_the_next_start() -> None:
    with Twins() as twins:
        twins.stream(CONFIG)
        twins.ask(m.Stop(), m.Disarm(), m.Ping(1), m.Start(twins.firmware.safety.config_crc), m.Disarm())
        twins.compare()
        indices = [heard.message.sample_index for heard in twins.board.all_of(m.Status)]
        assert indices[-4] == indices[-3] > 0, "it stays after STOP"
        assert indices[-2] == 0 < indices[-1]


def test_a_config_that_overloads_the_line_is_refused_last() -> None:
    with Twins() as twins:
        overload = {"channel_mask": 0b11111, "samples_per_frame": 1}
        for changes in (overload, {**overload, "relax_ms": 5}, {**overload, "oversampling": 3}, {}):
            twins.ask(board_config(**changes))
        twins.ask(m.Hello(m.MAJOR, m.MINOR, 1, 1))
        twins.compare()
        results = [heard.message.result for heard in twins.board.all_of(m.ConfigAck)]
        assert results == [Result.LINK_OVERLOAD, Result.BAD_TIMEOUTS, Result.BAD_OVERSAMPLING, Result.OK]


def test_a_sample_of_more_conversions() -> None:
    with Twins() as twins:
        twins.stream(board_config(oversampling=2))
        twins.wait(200)
        twins.ask(m.Disarm())
        twins.compare()
        assert twins.board.emg_frames > 0


def test_frames_that_take_longer_than_the_stall_time() -> None:
    with Twins(fs_hz=100.0) as twins:
        twins.stream(board_config(sample_period_ticks=20000, samples_per_frame=6))
        twins.wait(500)
        twins.ask(m.Disarm())
        twins.compare()
        assert twins.board.status.state == State.DISARMED
        assert abs(twins.board.emg_frames - twins.twin.emg_frames) <= 1


def test_a_restart_refuses_the_arm_of_before() -> None:
    with Twins() as twins:
        twins.stream(CONFIG)
        old = twins.arm()
        twins.reset()
        twins.stream(CONFIG)
        assert twins.arm().challenge != old.challenge
        twins.ask(old, twins.arm(boot_id=old.boot_id), twins.arm(challenge=old.challenge))
        twins.compare()
        results = [heard.message.ack_result for heard in twins.board.news()][-3:]
        assert results == [Result.WRONG_BOOT, Result.WRONG_BOOT, Result.WRONG_CHALLENGE]


def test_a_foreign_hello_leaves_an_armed_hand_moving_and_blocks_the_next_arm() -> None:
    with Twins() as twins:
        armed(twins)
        twins.ask(m.Hello(m.MAJOR, m.MINOR, 9, 1), twins.setpoint(9000))
        twins.ask(twins.setpoint(9000))
        assert twins.board.status.state == State.ARMED
        twins.ask(m.Disarm())
        twins.ask(twins.arm())
        twins.compare()
        assert twins.board.status.ack_result == Result.BLOCKED


def test_silence_ends_in_hold_and_relax_at_the_same_times() -> None:
    with Twins() as twins:
        armed(twins)
        for _ in range(20):
            twins.ask(twins.setpoint(9000))
        twins.wait(3200)
        assert twins.board.status.applied_cdeg == twins.twin.status.applied_cdeg == (4000,) * m.SERVOS
        twins.ask(twins.arm(), m.Disarm())
        twins.compare()
        reasons = [heard.message.reason for heard in twins.board.news()]
        assert {Reason.SETPOINTS_STOPPED, Reason.SILENT_TOO_LONG} <= set(reasons)


@pytest.mark.parametrize(
    "hello", [(), (replace(HELLO, proto_hash=m.PROTO_HASH ^ 1),)], ids=["no hello", "another hash"]
)
def test_a_host_of_another_revision_writes_no_limits(hello: tuple[m.Hello, ...]) -> None:
    with Twins() as twins:
        twins.ask(*hello, replace(WIDE, digital=0), m.ReadLimits(), m.Disarm())
        answers = [
            [(heard.message.result, heard.message.digital) for heard in ear.all_of(m.Limits)]
            for ear in (twins.board, twins.twin)
        ]
        assert answers[0] == answers[1] == [(Result.BLOCKED, WIDE.digital), (Result.OK, WIDE.digital)]
        assert twins.board.status.limits_state == twins.twin.status.limits_state == LimitsState.STORED


def test_limits_are_written_and_told() -> None:
    narrow = replace(WIDE, servo_min_cdeg=(100,) * m.SERVOS)
    with Twins() as twins:
        twins.ask(HELLO, m.ReadLimits(), WIDE, replace(WIDE, digital=32))
        twins.tell(narrow)
        twins.wait(APART_MS)
        assert twins.board.status.limits_state == twins.twin.status.limits_state == LimitsState.WRITING
        twins.ask(narrow, replace(narrow, digital=0), CONFIG)
        before = [len(ear.all_of(m.Limits)) for ear in (twins.board, twins.twin)]
        assert before[0] == before[1]
        twins.wait(400)
        ends = [[heard.message for heard in ear.all_of(m.Limits)[before[0] :]] for ear in (twins.board, twins.twin)]
        assert ends[0] == ends[1] == [m.Limits(Result.OK, LimitsState.STORED, *ends[0][0].__reduce__()[1][2:])]
        twins.ask(m.Start(twins.firmware.safety.config_crc), twins.arm())
        assert twins.board.status.blockers == twins.twin.status.blockers == m.Blocker.BEYOND_LIMITS


def test_a_guide_and_what_ends_it() -> None:
    with Twins() as twins:
        twins.stream(CONFIG)
        twins.ask(twins.arm(permission=m.Permission.GUIDE), twins.setpoint(9000), twins.arm())
        twins.press(True)
        twins.wait(100)
        twins.ask(twins.arm(permission=m.Permission.GUIDE), m.Disarm())
        twins.press(False)
        twins.wait(100)
        twins.ask(twins.arm(permission=m.Permission.GUIDE), twins.setpoint(9000))
        twins.wait(3000)
        twins.compare()
        reasons = [heard.message.reason for heard in twins.board.news()]
        assert Reason.BUTTON_PRESSED in reasons
        assert reasons[-1] == Reason.SILENT_TOO_LONG


def test_a_guide_acts_for_the_same_time() -> None:
    with Twins() as twins:
        twins.stream(CONFIG)
        twins.ask(twins.arm(permission=m.Permission.GUIDE))
        for _ in range(m.GUIDE_MAX_MS // 110):
            twins.tell(twins.setpoint(9000))
            twins.wait(110)
        twins.wait(250)
        twins.ask(m.Disarm())
        twins.compare()
        assert m.Reason.GUIDE_OVER in [heard.message.reason for heard in twins.twin.news()]


def test_presses_of_every_length_with_bounces() -> None:
    rng = random.Random(5)
    with Twins() as twins:
        for held_ms in (100, 1900, 2100, 6100, 10_200, 50):
            for _ in range(rng.randrange(4)):
                twins.press(True)
                twins.wait(rng.randrange(1, 15))
                twins.press(False)
                twins.wait(rng.randrange(1, 15))
            twins.press(True)
            twins.wait(held_ms)
            twins.press(False)
            twins.wait(200)
        twins.compare()
        assert twins.board.status.button_presses == 6


# ---- a board with a front end ----


def test_a_board_with_a_front_end_and_its_twin_tell_alike_that_an_electrode_is_off() -> None:
    with Twins("feather_ads") as twins:
        twins.stream(CONFIG)
        twins.ask(twins.arm(), twins.setpoint(9000))
        idents = [ear.all_of(m.Ident)[-1].message for ear in (twins.board, twins.twin)]
        assert idents[0].capabilities == idents[1].capabilities == m.Capability.BUTTON | m.Capability.LEAD_OFF
        for off in (False, True, False):
            twins.lift(off)
            twins.wait(2 * APART_MS)  # 75 ms of them until the front end notices
            flags = [m.EmgFlag(ear.emg_flags) & m.EmgFlag.LEAD_OFF for ear in (twins.board, twins.twin)]
            assert flags == [m.EmgFlag.LEAD_OFF if off else m.EmgFlag(0)] * 2
        twins.wait(200)
        twins.ask(m.Disarm(), m.Stop())
        twins.compare()


# ---- floods ----


def flooded(twins: Twins, flood: bytes) -> None:
    twins.say(flood)
    twins.wait(len(flood) / 50)


@pytest.mark.parametrize(
    "message", [HELLO, m.Ping(3), m.ReadLimits(), CONFIG, m.Disarm()], ids=lambda x: type(x).__name__
)
@pytest.mark.parametrize("board", BOARDS)
def test_a_flood_of_requests_leaves_both_alike_and_fills_their_lines_alike(board: str, message: Message) -> None:
    with Twins(board) as twins:
        twins.stream(CONFIG)
        drops = [ear.status.tx_drops for ear in (twins.board, twins.twin)]
        before = [len(ear.heard) for ear in (twins.board, twins.twin)]
        flooded(twins, b"".join(twins.frame(message.TYPE, message.pack()) for _ in range(300)))
        told = [len(ear.heard) - known for ear, known in zip((twins.board, twins.twin), before, strict=True)]
        twins.compare_ends()
        assert twins.board.status.rx_overruns == 0
        drops = [ear.status.tx_drops - known for ear, known in zip((twins.board, twins.twin), drops, strict=True)]
        print(f"{board} {type(message).__name__}: messages {told}, EMG frames dropped {drops}")
        assert abs(drops[0] - drops[1]) <= 16 + max(drops) // 3
        assert abs(told[0] - told[1]) <= 12 + max(told) // 3


@pytest.mark.parametrize("stop", [m.Disarm(), m.Estop()], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("board", BOARDS)
def test_both_obey_within_a_flood_at_once(board: str, stop: Message) -> None:
    with Twins(board) as twins:
        armed(twins)
        flood = [twins.frame(HELLO.TYPE, HELLO.pack()) for _ in range(60)]
        flood[30] = twins.frame(stop.TYPE, b"")
        began_ms = twins.now_ms
        flooded(twins, b"".join(flood))
        twins.wait(APART_MS)
        state = State.ESTOP if stop.TYPE == m.Estop.TYPE else State.DISARMED
        for ear in (twins.board, twins.twin):
            first = next(heard.t_ms for heard in ear.all_of(m.Status) if heard.message.state == state)
            assert first - began_ms <= len(b"".join(flood[:31])) / 50 + 20


# ---- random scripts ----


def any_message(twins: Twins, rng: random.Random) -> bytes:
    """A message that a host may send at this moment, or one that it had better not."""
    changes: dict[str, int] = rng.choice(
        [{}, {"slew_cdeg_per_s": 0}, {"hold_ms": 100}, {"relax_ms": 5}, {"channel_mask": 3}]
    )
    choices: list[Callable[[], Message]] = [
        lambda: m.Hello(m.MAJOR, m.MINOR, rng.randrange(65536), rng.choice([m.PROTO_HASH] * 3 + [1])),
        lambda: replace(CONFIG, **changes),
        lambda: m.Start(twins.firmware.safety.config_crc ^ rng.choice([0, 0, 0, 1])),
        m.Stop,
        m.Disarm,
        lambda: m.Ping(rng.randrange(1 << 32)),
        m.ReadLimits,
        *[lambda: twins.arm(**rng.choice([{}, {}, {"challenge": 1}, {"permission": rng.randrange(6)}, {"boot_id": 1}]))]
        * 3,
        *[
            lambda: twins.setpoint(
                rng.choice([4000, 9000, 20000]),
                age=rng.choice([10, 10, 10, -1000, 1000]),
                valid_4ms=rng.choice([25, 250]),
            )
        ]
        * 6,
    ]
    message = rng.choice(choices)()
    return twins.frame(message.TYPE, message.pack())


def any_bytes(twins: Twins, rng: random.Random) -> bytes:
    """A message, or one of them damaged, or noise. No two frames grow together: each ends with a zero."""
    data = bytearray(any_message(twins, rng))
    match rng.randrange(10):
        case 0:
            data[rng.randrange(len(data) - 1)] ^= 1 << rng.randrange(8)
        case 1:
            del data[rng.randrange(len(data) - 1)]
        case 2:
            data = bytearray(encode(rng.randrange(256), twins.seq, rng.randbytes(rng.randrange(40))))
        case 3:
            data = bytearray(rng.randbytes(rng.randrange(400))) + b"\0"
    return bytes(data) + b"\0"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("board", BOARDS)
def test_both_say_the_same_to_any_script(board: str, seed: int) -> None:
    rng = random.Random(seed)
    with Twins(board) as twins:
        for _ in range(60):
            if rng.random() < 0.1:
                twins.stream(CONFIG)
                twins.ask(twins.arm())
            twins.say(any_bytes(twins, rng))
            twins.wait(APART_MS)
        twins.ask(m.Disarm())
        twins.compare()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("board", BOARDS)
def test_both_arrive_at_the_same_after_any_flood(board: str, seed: int) -> None:
    rng = random.Random(seed)
    with Twins(board) as twins:
        for _ in range(10):
            flooded(twins, b"".join(any_bytes(twins, rng) for _ in range(rng.randrange(15))))
            twins.compare_ends()
