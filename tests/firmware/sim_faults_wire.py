"""What the wire can bring, damaged or well formed: faults 5 to 11.

Each function does one and gives the time to the safe state.
"""

from __future__ import annotations

import numpy as np
from sim_hand import BYTE_CYCLES, ms, us
from sim_measure import pulses
from sim_moving import CLOSED, OPEN, Outcome, assert_held, first_status, held_after, last_byte_in, moving

from myobridge.wire.frame import encode
from myobridge.wire.messages import BAUD, MAX_REJECTS_IN_ROW, RELAX_MAX_MS, SERVOS, Reason, Setpoint, State


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
        return Outcome(None, f"{damaged} frames damaged, {lost} lost, none accepted")


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
        return Outcome(None, "ignored and counted")


def steps_at_200_hz(board: str) -> Outcome:
    with moving(board) as host:
        since = host.hand.cycle
        for k in range(400):
            host.setpoint(CLOSED if k % 2 else OPEN)
            host.run_ms(5)
        assert host.status.state == State.ARMED
        largest = max(us(int(np.abs(np.diff(pulses(host.hand, servo, since)[1])).max())) for servo in range(SERVOS))
        return Outcome(None, f"largest step from pulse to pulse {largest:.1f} us")


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
        return Outcome(None, "refused as stale, no pulse changed")
