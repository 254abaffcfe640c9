"""The faults that a hand must survive, done to the real firmware: each function does one and gives the time to the
safe state.

The numbers are those of the list in firmware/SAFETY.md; faults that only a host can see (16 to 18) are not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from sim_hand import BYTE_CYCLES, CPU_HZ, Kind, SimHand, field_offset, ms, us
from sim_host import SimHost, config
from sim_measure import PULSE_0_US, PULSE_180_US, board_on, pulses

from myobridge.wire.frame import encode
from myobridge.wire.messages import (
    ANGLE_MAX_CDEG,
    BAUD,
    FIRST_MOVE_SLEW_CDEG_PER_S,
    HOLD_MAX_MS,
    MAX_REJECTS_IN_ROW,
    PROTO_HASH,
    RELAX_MAX_MS,
    RELAX_SLEW_CDEG_PER_S,
    RESUME_CLEAN_MS,
    SERVO_PERIOD_MS,
    SERVOS,
    STALL_MS,
    STATUS_PERIOD_MS,
    Arm,
    Blocker,
    EmgFlag,
    Ping,
    Reason,
    ResetCause,
    Result,
    Setpoint,
    State,
)

SLEW_CDEG_PER_S: Final = 10_000
GRIP: Final = (9000,) * SERVOS
CLOSED: Final = (ANGLE_MAX_CDEG,) * SERVOS
OPEN: Final = (0,) * SERVOS
PULSE_TOLERANCE_US: Final = {"mega2560": 0.5, "uno": 10.0}
WATCHDOG_MS: Final = 120
WATCHDOG_TOLERANCE: Final = 1.1
"""The watchdog's own clock; the real one's is worse, 10 % is the datasheet's."""


@dataclass
class Outcome:
    """`safe_ms`: from the fault to the safe state that `what` names."""

    safe_ms: float
    what: str


@contextmanager
def moving(board: str, *, steps_matter: bool = True) -> Iterator[SimHost]:
    """Half closed and on its way to closed, at SLEW_CDEG_PER_S."""
    with board_on(board) as host:
        host.stream_armed(slew_cdeg_per_s=SLEW_CDEG_PER_S)
        host.move(GRIP, 2000)
        assert host.status.applied_cdeg == GRIP
        host.move(CLOSED, 200)
        yield host
        if steps_matter:
            assert_no_step(host.hand, board)


def assert_no_step(hand: SimHand, board: str) -> None:
    """No servo was ever told to go further in one period than the fastest slew of this session allows."""
    fastest = max(SLEW_CDEG_PER_S, FIRST_MOVE_SLEW_CDEG_PER_S, RELAX_SLEW_CDEG_PER_S)
    per_period_us = fastest * SERVO_PERIOD_MS / 1000 / ANGLE_MAX_CDEG * (PULSE_180_US - PULSE_0_US)
    for servo in range(SERVOS):
        steps = np.abs(np.diff(pulses(hand, servo)[1]))
        assert us(int(steps.max())) <= per_period_us + PULSE_TOLERANCE_US[board]


def last_byte_in(host: SimHost) -> int:
    return int(host.hand.events(Kind.RX)["cycle"][-1])


def first_status(host: SimHost, state: State, since: int) -> tuple[int, Reason]:
    """Cycle at which the host knew of `state`, and why."""
    found = next(s for s in host.statuses if s.cycle >= since and s.message.state == state)
    return found.cycle, Reason(found.message.reason)


def assert_held(host: SimHost, board: str, since: int) -> None:
    """Pulses go on and do not change."""
    for servo in range(SERVOS):
        widths = pulses(host.hand, servo, since)[1]
        assert len(widths) > 0
        assert us(int(np.ptp(widths))) <= PULSE_TOLERANCE_US[board]


def last_pulse_end(hand: SimHand) -> int:
    edges = hand.events(Kind.SERVO)
    for servo in range(SERVOS):
        own = edges[edges["index"] == servo]
        assert own["value"][-1] == 0, "a servo pin is high"
    return int(edges["cycle"][-1])


def held_after(host: SimHost, board: str, fault: int) -> float:
    """Asserts HOLD for silence, in time, and that the hand then stays; gives the time."""
    hold, reason = first_status(host, State.HOLD, fault)
    assert reason == Reason.SETPOINTS_STOPPED
    assert abs(ms(hold - fault) - HOLD_MAX_MS) <= 10
    return ms(hold - fault)


# ---- the faults ----


def host_killed(board: str) -> Outcome:
    with moving(board) as host:
        fault = last_byte_in(host)
        host.run_ms(1900)
        hold_ms = held_after(host, board, fault)
        assert_held(host, board, fault + round(hold_ms * 16000) + 640_000)
        host.run_ms(2500)
        relax, reason = first_status(host, State.RELAX, fault)
        assert reason == Reason.SILENT_TOO_LONG and abs(ms(relax - fault) - RELAX_MAX_MS) <= 20
        assert host.status.applied_cdeg == OPEN and host.status.reason == Reason.RELAXED
        ended = ms(last_pulse_end(host.hand) - fault)
        return Outcome(hold_ms, f"HOLD; RELAX at {ms(relax - fault):.0f} ms, open and pulses off at {ended:.0f} ms")


def host_stopped_300_ms(board: str) -> Outcome:
    with moving(board) as host:
        fault = last_byte_in(host)
        host.run_ms(300)
        hold_ms = held_after(host, board, fault)
        for _ in range(4):  # what lay in the host's buffers
            host.setpoint(OPEN, age_samples=600)
        host.run_ms(120)
        assert host.status.stale_rejects == 4
        host.move(OPEN, 600)  # fresh, but far from the pose
        assert host.status.state == State.HOLD
        held = host.status.applied_cdeg
        resumed = host.hand.cycle
        host.move(held, RESUME_CLEAN_MS + 100)
        armed, reason = first_status(host, State.ARMED, resumed)
        assert reason == Reason.SETPOINTS_RESUMED and RESUME_CLEAN_MS <= ms(armed - resumed) <= RESUME_CLEAN_MS + 40
        assert_held(host, board, resumed)
        return Outcome(hold_ms, f"HOLD; 4 stale refused; ARMED after {ms(armed - resumed):.0f} ms of clean setpoints")


def pings_without_setpoints(board: str) -> Outcome:
    with moving(board) as host:
        fault = last_byte_in(host)
        for _ in range(15):
            host.ping()
            host.run_ms(20)
        assert len(host.pongs) == 15
        return Outcome(held_after(host, board, fault), "HOLD, all PINGs answered")


def unplugged_and_replugged(board: str) -> Outcome:
    with moving(board) as host:
        fault = last_byte_in(host)
        host.hand.send(encode(Setpoint.TYPE, host.seq, Setpoint(OPEN, 10, 0).pack())[:9])  # torn off
        host.run_ms(4000)
        hold_ms = held_after(host, board, fault)
        host.hello()
        assert host.status.state == State.RELAX
        assert host.arm().ack_result == Result.BLOCKED and host.status.blockers & Blocker.NOT_DISARMED
        silent_since = host.hand.cycle
        host.move(CLOSED, 500)
        assert len(host.hand.events(Kind.SERVO, silent_since)) == 0
        assert host.disarm().state == State.DISARMED
        assert host.arm().state == State.ARMED
        host.move(OPEN, 100)
        return Outcome(hold_ms, "HOLD, RELAX; replugged: ARM refused until DISARM")


def bit_flips(board: str) -> Outcome:
    """One bit in 10 000, from the host to the device, for 3000 setpoints."""
    random = np.random.default_rng(5)
    with moving(board) as host:
        damaged = 0
        for _ in range(60):
            start = host.hand.cycle
            for k in range(50):
                at = start + k * 80_000
                frame = bytearray(
                    encode(Setpoint.TYPE, host.seq, Setpoint(CLOSED, 10, host.newest_sample_at(at)).pack())
                )
                host.seq = (host.seq + 1) % 256
                flips = np.flatnonzero(random.random(8 * len(frame)) < 1e-4)
                for bit in flips:
                    frame[bit // 8] ^= 1 << bit % 8
                damaged += len(flips) > 0
                host.hand.send(bytes(frame), at)
            host.run_ms(250)
        host.move(CLOSED, 150)
        status = host.status
        assert status.state == State.ARMED and status.applied_cdeg == CLOSED
        assert status.range_rejects == status.stale_rejects == status.unknown_types == 0, (
            "a damaged frame was taken for good"
        )
        lost = status.seq_gaps
        assert damaged <= lost <= 2 * damaged, "a damaged ending zero takes the next frame with it; nothing else may"
        return Outcome(0, f"{damaged} frames damaged, {lost} lost, none accepted")


def burst_lost(board: str) -> Outcome:
    with moving(board) as host:
        frames = b""
        for _ in range(40):
            frame = encode(Setpoint.TYPE, host.seq, Setpoint(CLOSED, 60, host.newest_sample_at(host.hand.cycle)).pack())
            frames += frame
            host.seq = (host.seq + 1) % 256
            size = len(frame)
        host.hand.send(frames[: 10 * size + 7] + frames[10 * size + 7 + 300 :])
        host.ping()
        host.run_ms(150)
        status = host.status
        errors = status.crc_errors + status.length_errors
        assert status.state == State.ARMED and errors == 1
        lost = status.seq_gaps
        assert lost == -(-300 // size)
        assert len(host.pongs) == 1
        return Outcome(us(size * BYTE_CYCLES) / 1000, f"{lost} setpoints lost, whole again with the next frame")


def endless_non_zero_bytes(board: str) -> Outcome:
    with moving(board) as host:
        fault = last_byte_in(host)
        host.hand.send(b"\x55" * (3 * BAUD // 10))
        host.run_ms(3010)
        hold_ms = held_after(host, board, fault)
        relax, _ = first_status(host, State.RELAX, fault)
        assert abs(ms(relax - fault) - RELAX_MAX_MS) <= 20
        host.hand.send(b"\0")
        host.ping()
        host.run_ms(110)
        stats = host.hand.stats()
        assert len(host.pongs) == 1 and host.status.length_errors == 1
        assert stats["reset_count"] == 1 and stats["uart"]["rx_lost"] == 0
        return Outcome(hold_ms, "HOLD and RELAX in time; counted once; the next frame is good")


def impossible_angle(board: str) -> Outcome:
    with moving(board) as host:
        for _ in range(MAX_REJECTS_IN_ROW):
            assert host.status.state == State.ARMED
            host.setpoint((65535,) * SERVOS)
            host.run_ms(10)
        fault = last_byte_in(host)
        host.run_ms(100)
        hold, reason = first_status(host, State.HOLD, fault)
        assert reason == Reason.SETPOINTS_REJECTED and host.status.range_rejects == MAX_REJECTS_IN_ROW
        assert_held(host, board, hold + 640_000)
        return Outcome(ms(hold - fault), "HOLD after the fifth")


def unknown_type_and_wrong_length(board: str) -> Outcome:
    with moving(board) as host:
        host.hand.send(encode(0x55, host.seq, b"what") + encode(Setpoint.TYPE, host.seq + 1, b"\0" * 14))
        host.seq = (host.seq + 2) % 256
        host.move(CLOSED, 120)
        status = host.status
        assert (status.unknown_types, status.length_errors, status.seq_gaps) == (1, 1, 0)
        assert status.state == State.ARMED
        return Outcome(0, "ignored and counted")


def steps_at_200_hz(board: str) -> Outcome:
    with moving(board) as host:
        since = host.hand.cycle
        for k in range(400):
            host.setpoint(CLOSED if k % 2 else OPEN)
            host.run_ms(5)
        assert host.status.state == State.ARMED
        largest = max(us(int(np.abs(np.diff(pulses(host.hand, servo, since)[1])).max())) for servo in range(SERVOS))
        return Outcome(0, f"largest step from pulse to pulse {largest:.1f} us")


def old_setpoint_replayed(board: str) -> Outcome:
    with moving(board) as host:
        host.move(CLOSED, 1200)
        old = encode(Setpoint.TYPE, host.seq, Setpoint(OPEN, 255, host.newest_sample_at(host.hand.cycle) - 40).pack())
        since = host.hand.cycle
        host.hand.send(old)
        host.seq = (host.seq + 1) % 256
        host.move(CLOSED, 120)
        assert host.status.stale_rejects == 1 and host.status.state == State.ARMED
        assert_held(host, board, since)
        return Outcome(0, "refused as stale, no pulse changed")


def reset_by_watchdog(host: SimHost, fault: int, boot_id: int) -> tuple[float, float]:
    """Asserts what a hang must lead to; gives the reset's time, and the end of the last pulse."""
    host.run_ms(WATCHDOG_MS * WATCHDOG_TOLERANCE + 20)
    host.run_ms(200)
    resets = host.hand.stats()["resets"]
    assert len(resets) == 2
    last = last_pulse_end(host.hand)
    ident = host.hello()
    assert ident.reset_cause == ResetCause.WATCHDOG and ident.boot_id != boot_id
    assert host.status.state == State.DISARMED
    return ms(resets[1]["cycle"] - fault), ms(last - fault)


def loop_hangs(board: str) -> Outcome:
    with moving(board) as host:
        boot_id = host.status.boot_id
        fault = host.hand.cycle
        host.hand.command("freeze loop")
        reset_ms, last_ms = reset_by_watchdog(host, fault, boot_id)
        assert reset_ms <= WATCHDOG_MS * WATCHDOG_TOLERANCE
        return Outcome(
            max(last_ms, 0.0), f"pulses off; reset by the watchdog at {reset_ms:.0f} ms, DISARMED, cause told"
        )


def interrupt_hangs(board: str) -> Outcome:
    """At eight phases of the servo period: a pin that software drives may be high just then, and stays so."""
    worst_ms = longest_ms = 0.0
    for phase in range(8):
        with moving(board, steps_matter=False) as host:
            host.run_ms(2.5 * phase)
            boot_id = host.status.boot_id
            fault = host.hand.cycle
            host.hand.command("freeze all")
            reset_ms, last_ms = reset_by_watchdog(host, fault, boot_id)
            assert reset_ms <= WATCHDOG_MS * WATCHDOG_TOLERANCE
            worst_ms = max(worst_ms, last_ms)
            longest_ms = max(longest_ms, *(ms(int(pulses(host.hand, servo)[1].max())) for servo in range(SERVOS)))
    return Outcome(
        worst_ms, f"pulses off by the watchdog's reset, DISARMED, cause told; longest level {longest_ms:.1f} ms"
    )


def converter_stalls(board: str) -> Outcome:
    with moving(board) as host:
        fault = host.hand.cycle
        host.hand.command("adc stall")
        for _ in range(30):  # the host goes on: its setpoints say nothing about the samples
            host.send(Setpoint(CLOSED, 255, host.emg[-1].sample_index))
            host.run_ms(2)
        host.run_ms(40)
        stalled, reason = first_status(host, State.FAULT, fault)
        assert reason == Reason.SAMPLING_STALLED and host.status.blockers & Blocker.SAMPLING_STALLED
        assert ms(stalled - fault) <= STALL_MS + 10
        return Outcome(ms(last_pulse_end(host.hand) - fault), f"pulses off; FAULT told at {ms(stalled - fault):.0f} ms")


def reset_in_mid_motion(board: str) -> Outcome:
    with moving(board) as host:
        old = host.status
        fault = host.hand.cycle
        host.hand.command("reset")
        host.move(CLOSED, 300)
        last = last_pulse_end(host.hand)
        ident = host.hello()
        assert ident.reset_cause == ResetCause.EXTERNAL and ident.boot_id != old.boot_id
        assert host.status.state == State.DISARMED
        assert host.ask(Arm(old.boot_id, host.config_crc, host.status.challenge)).ack_result == Result.WRONG_BOOT
        host.run_ms(100)
        assert last_pulse_end(host.hand) == last
        return Outcome(max(ms(last - fault), 0.0), "pulses off; another boot_id, DISARMED, the old ARM refused")


def protocols_differ(board: str) -> Outcome:
    with board_on(board) as host:
        ident = host.hello(PROTO_HASH ^ 1)
        host.configure(config(ident.tick_hz))
        host.start()
        host.run_ms(100)
        assert len(host.emg) > 20
        answer = host.arm()
        assert answer.ack_result == Result.BLOCKED and answer.blockers == Blocker.PROTOCOL_DIFFERS
        host.move(CLOSED, 200)
        assert len(host.hand.events(Kind.SERVO)) == 0
        return Outcome(0, "streams; ARM refused with the reason; no pulse")


def config_while_armed_or_too_much(board: str) -> Outcome:
    with moving(board) as host:
        before = host.config_crc
        tick_hz = host.idents[-1].message.tick_hz
        assert host.configure(config(tick_hz, channels=2)).result == Result.WRONG_STATE
        host.move(CLOSED, 110)
        assert host.status.state == State.ARMED and host.status.config_crc == before
        host.stop()
        ack = host.configure(config(tick_hz, channels=6, samples_per_frame=1))
        assert ack.result == Result.LINK_OVERLOAD and ack.config_crc == before
        return Outcome(0, "refused; state and CONFIG unchanged")


def host_does_not_read(board: str) -> Outcome:
    """A wire cannot push back. What fills the device's buffer is more to say than the line carries: EMG that takes
    80 % of it, and the answers to 1600 PINGs a second.
    """
    with board_on(board) as host:
        host.stream_armed(samples_per_frame=1)
        host.move(GRIP, 500)
        fault = last_byte_in(host)
        for k in range(1600):
            host.hand.send(encode(Ping.TYPE, k % 256, Ping(k).pack()), host.hand.cycle + k * CPU_HZ // 1600)
        host.run_ms(1200)
        hold_ms = held_after(host, board, fault)
        dropped = host.status.tx_drops
        missing = sum(b.sample_index - a.sample_index - a.n for a, b in zip(host.emg, host.emg[1:], strict=False))
        assert dropped > 0 and missing == dropped, "whole frames, counted"
        assert host.hand.damaged_frames == 0
        assert any(frame.flags & EmgFlag.TX_DROP for frame in host.emg)
        return Outcome(hold_ms, f"HOLD told in time; {dropped} whole frames dropped and counted")


def pings_at_line_rate(board: str) -> Outcome:
    with board_on(board) as host:
        host.stream_armed(samples_per_frame=1)
        host.move(GRIP, 500)
        fault = last_byte_in(host)
        host.hand.send(b"".join(encode(Ping.TYPE, k % 256, Ping(k).pack()) for k in range(BAUD // 100)))
        host.run_ms(1000)
        hold, _ = first_status(host, State.HOLD, fault)
        assert ms(hold - fault) <= HOLD_MAX_MS + 20
        gaps = np.diff([s.cycle for s in host.statuses if s.cycle > fault])
        assert ms(int(gaps.max())) <= 2 * STATUS_PERIOD_MS and host.hand.stats()["reset_count"] == 1
        return Outcome(ms(hold - fault), "HOLD told in time, STATUS goes on, no reset")


def index_and_clock_wrap(board: str) -> Outcome:
    with board_on(board) as host:
        hand = host.hand
        # Their low bytes are counted elsewhere, and have only begun.
        hand.poke("now_ms", (2**32 - 256 * 20).to_bytes(4, "little"))
        hand.poke("all_turns", (2**17 - 256).to_bytes(4, "little"))  # 32.768 ms each; the clock is in us
        host.stream(fs_hz=8000, channels=1, samples_per_frame=16, slew_cdeg_per_s=SLEW_CDEG_PER_S)
        index = field_offset(board, "device.h", "struct device", "inputs.sample_index")
        hand.poke("device", b"\xff\xff", index + 2)  # the upper half
        host.run_ms(10)
        host.arm()
        for _ in range(10):
            host.move(GRIP, 1000)
        assert host.emg[-1].sample_index < 2**31 < host.emg[100].sample_index
        settled = host.emg[20:]
        assert all((b.sample_index - a.sample_index) % 2**32 == a.n for a, b in zip(settled, settled[1:], strict=False))
        clocks = [s.message.t_us for s in host.statuses]
        assert max(clocks) > 2**31 > clocks[-1]
        armed = [s.message.state == State.ARMED for s in host.statuses]
        assert all(armed[armed.index(True) :]) and host.status.stale_rejects == 0
        assert host.status.applied_cdeg == GRIP
        assert_no_step(hand, board)
        return Outcome(0, "both wrap while armed: no frame, setpoint or pulse amiss")


def _into(host: SimHost, state: State) -> None:
    """Brings an armed hand into `state`."""
    if state == State.DISARMED:
        host.disarm()
    elif state == State.HOLD:
        host.run_ms(200)
    elif state == State.RELAX:
        host.run_ms(2100)
    elif state == State.FAULT:
        host.hand.command("adc stall")
        host.run_ms(60)
        host.hand.command("adc go")  # or the watchdog ends this
    elif state == State.ESTOP:
        host.estop()
    assert state in (host.status.state, State.ARMED)


def estop_in_any_state(board: str) -> Outcome:
    worst = 0.0
    for state in (State.DISARMED, State.ARMED, State.HOLD, State.RELAX, State.FAULT, State.ESTOP):
        with moving(board) as host:
            _into(host, state)
            host.hand.send(b"")
            before = host.hand.cycle
            assert host.estop().state == State.ESTOP
            estop = next(e["cycle"] for e in reversed(host.hand.events(Kind.RX)) if e["value"] == 0)
            host.disarm()
            host.arm()
            host.move(OPEN, 200)
            assert host.status.state == State.ESTOP and host.status.reason == Reason.HOST_ESTOP
            last = last_pulse_end(host.hand)
            if last > before:
                worst = max(worst, ms(last - int(estop)))
    assert worst <= SERVO_PERIOD_MS
    return Outcome(worst, "pulses off from each of six states; only a reset leads out")


FAULTS: Final[dict[str, tuple[str, Callable[[str], Outcome]]]] = {
    "1": ("host killed while moving", host_killed),
    "2": ("host stopped for 300 ms", host_stopped_300_ms),
    "3": ("PINGs but no setpoints", pings_without_setpoints),
    "4": ("unplugged and replugged in mid-grip", unplugged_and_replugged),
    "5": ("bit flips at 1e-4", bit_flips),
    "6": ("300-byte burst lost", burst_lost),
    "7": ("endless non-zero bytes", endless_non_zero_bytes),
    "8": ("valid CRC, angle 65535", impossible_angle),
    "9": ("valid CRC, unknown type or wrong length", unknown_type_and_wrong_length),
    "10": ("0 to 180 deg steps at 200 Hz", steps_at_200_hz),
    "11": ("old setpoint replayed", old_setpoint_replayed),
    "12a": ("main loop hangs", loop_hangs),
    "12b": ("interrupt hangs", interrupt_hangs),
    "12c": ("converter stalls", converter_stalls),
    "13": ("reset in mid-motion", reset_in_mid_motion),
    "14": ("protocol hashes differ", protocols_differ),
    "15": ("CONFIG while armed, or overloading the link", config_while_armed_or_too_much),
    "19a": ("host does not read", host_does_not_read),
    "19b": ("PINGs at line rate", pings_at_line_rate),
    "20a": ("index and clock wrap", index_and_clock_wrap),
    "20b": ("ESTOP in any state", estop_in_any_state),
}
