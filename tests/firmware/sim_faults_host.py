"""What a host can do wrong, or no longer does: faults 1 to 4, 14, 15 and 19.

Each function does one and gives the time to the safe state.
"""

from __future__ import annotations

import numpy as np
from sim_hand import CPU_HZ, Kind, ms
from sim_host import config
from sim_measure import board_on
from sim_moving import (
    CLOSED,
    GRIP,
    OPEN,
    Outcome,
    assert_held,
    first_status,
    held_after,
    last_byte_in,
    last_pulse_end,
    moving,
)

from myobridge.simulator.board_folder import board_folder
from myobridge.wire.frame import encode
from myobridge.wire.messages import (
    BAUD,
    HOLD_MAX_MS,
    PROTO_HASH,
    RELAX_MAX_MS,
    RESUME_CLEAN_MS,
    STATUS_PERIOD_MS,
    Blocker,
    EmgFlag,
    Ping,
    Reason,
    Result,
    Setpoint,
    State,
)


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
        return Outcome(None, "streams; ARM refused with the reason; no pulse")


def config_while_armed_or_too_much(board: str) -> Outcome:
    with moving(board) as host:
        before = host.config_crc
        tick_hz = host.idents[-1].message.tick_hz
        assert host.configure(config(tick_hz, channels=2)).result == Result.WRONG_STATE
        host.move(CLOSED, 110)
        assert host.status.state == State.ARMED and host.status.config_crc == before
        host.stop()
        ack = host.configure(config(tick_hz, channels=5, samples_per_frame=1))
        # No CONFIG that a USB board could sample overloads USB.
        too_much = Result.BAD_CHANNELS if board_folder(board).is_usb else Result.LINK_OVERLOAD
        assert ack.result == too_much and ack.config_crc == before
        return Outcome(None, "refused; state and CONFIG unchanged")


def line_overloaded(board: str) -> Outcome:
    """A wire cannot push back. What fills the board's buffer is more to say than the line carries: EMG that takes
    88 % of it, and the answers to 1600 PINGs a second.
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
        assert missing == dropped, "whole frames, counted"
        assert host.hand.damaged_frames == 0
        if board_folder(board).is_usb:
            assert dropped == 0 and len(host.pongs) == 1600
            return Outcome(hold_ms, "HOLD told in time; USB carries all")
        assert dropped > 0
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
