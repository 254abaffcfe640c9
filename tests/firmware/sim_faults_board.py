"""What the board itself can do wrong, and the emergency stop: faults 12, 13 and 20.

Each function does one and gives the time to the safe state.
"""

from __future__ import annotations

from typing import Final

from sim_hand import Kind, cycles_of_ms, field_offset, ms
from sim_host import SimHost
from sim_measure import board_on, boot_ms, estop_to_last_pulse_ms, pulses
from sim_moving import (
    CLOSED,
    GRIP,
    OPEN,
    SLEW_CDEG_PER_S,
    Outcome,
    assert_no_step,
    first_status,
    last_pulse_end,
    moving,
)

from myobridge.simulator.board_folder import board_folder
from myobridge.simulator.limits import WIDE
from myobridge.wire.messages import (
    SERVO_PERIOD_MAX_US,
    SERVOS,
    STALL_MS,
    Arm,
    Blocker,
    Capability,
    Limits,
    LimitsState,
    Permission,
    Reason,
    ResetCause,
    Result,
    Setpoint,
    State,
)

WATCHDOG_MS: Final = 120
WATCHDOG_TOLERANCE: Final = 1.1
"""The watchdog's own clock; the real one's is worse, 10 % is the datasheet's."""


def reset_by_watchdog(board: str, host: SimHost, fault: int, boot_id: int) -> tuple[float, float]:
    """Asserts what a hang must lead to; gives the reset's time, and the end of the last pulse."""
    host.run_ms(WATCHDOG_MS * WATCHDOG_TOLERANCE + 20)
    host.run_ms(boot_ms(board))
    resets = host.hand.stats()["resets"]
    assert len(resets) == 2
    last = last_pulse_end(host.hand)
    ident = host.hello()
    assert ident.reset_cause == ResetCause.WATCHDOG and ident.boot_id != boot_id
    assert host.status.state == State.DISARMED
    return ms(resets[1]["cycle"] - fault), ms(last - fault)


def loop_hangs(board: str) -> Outcome:
    """The reset may cut a pulse: a wrong angle, for one servo period. No firmware can help that."""
    with moving(board, steps_matter=False) as host:
        boot_id = host.status.boot_id
        fault = host.hand.cycle
        host.hand.command("freeze loop")
        reset_ms, last_ms = reset_by_watchdog(board, host, fault, boot_id)
        assert reset_ms <= WATCHDOG_MS * WATCHDOG_TOLERANCE
        assert_no_step(host.hand, board, until=fault + cycles_of_ms(reset_ms))
        return Outcome(
            max(last_ms, 0.0),
            f"pulses off, the last one cut if the reset meets it; reset at {reset_ms:.0f} ms, DISARMED, cause told",
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
            reset_ms, last_ms = reset_by_watchdog(board, host, fault, boot_id)
            assert reset_ms <= WATCHDOG_MS * WATCHDOG_TOLERANCE
            worst_ms = max(worst_ms, last_ms)
            longest_ms = max(longest_ms, *(ms(int(pulses(host.hand, servo)[1].max())) for servo in range(SERVOS)))
    return Outcome(
        worst_ms, f"pulses off by the watchdog's reset, DISARMED, cause told; longest level {longest_ms:.1f} ms"
    )


def converter_stalls(board: str) -> Outcome:
    with moving(board, steps_matter=False) as host:  # at the end it is armed anew, which begins at the safe pose
        fault = host.hand.cycle
        host.hand.command("adc stall")
        for _ in range(30):  # the host goes on: its setpoints say nothing about the samples
            host.send(Setpoint(CLOSED, 255, host.emg[-1].sample_index))
            host.run_ms(2)
        host.run_ms(40)
        stalled, reason = first_status(host, State.FAULT, fault)
        assert reason == Reason.SAMPLING_STALLED and host.status.blockers & Blocker.SAMPLING_STALLED
        assert ms(stalled - fault) <= STALL_MS + 10
        host.run_ms(WATCHDOG_MS + 150 + boot_ms(board))
        assert host.hello().reset_cause == ResetCause.WATCHDOG
        assert_no_step(host.hand, board)
        safe_ms = ms(last_pulse_end(host.hand) - fault)
        assert_comes_back_without_a_converter(host)
        return Outcome(
            safe_ms, f"pulses off; FAULT told at {ms(stalled - fault):.0f} ms; back after the watchdog's reset"
        )


def assert_comes_back_without_a_converter(host: SimHost) -> None:
    """DISARMED, with no reading of the supply; streaming is a FAULT again, until the converter works."""
    assert host.status.state == State.DISARMED
    assert (host.idents[-1].message.capabilities, host.status.supply_mv) == (Capability.BUTTON, 0)
    host.stream()
    host.run_ms(STALL_MS + 10)
    assert (host.status.state, host.status.reason) == (State.FAULT, Reason.SAMPLING_STALLED)
    host.hand.command("adc go")
    host.run_ms(10)
    host.disarm()
    host.stop()
    host.stream_armed()


def eeprom_stalls(board: str) -> Outcome:
    """What is stored cannot be read: it may be narrower than the defaults, so nothing moves."""
    with board_on(board) as host:
        host.hand.command("eeprom stall")
        host.hand.command("power-cycle")
        host.run_ms(2 * boot_ms(board))
        host.stream()
        assert (host.status.limits_state, host.status.blockers) == (LimitsState.DAMAGED, Blocker.NO_LIMITS)
        assert host.arm().ack_result == Result.BLOCKED
        asked = host.hand.cycle
        host.send(WIDE)
        host.run_ms(50)
        answer = next(frame for frame in host.received if frame.kind == Limits.TYPE and frame.payload[0] != Result.OK)
        assert answer.payload[0] == Result.WRITE_FAILED
        host.hand.command("eeprom go")
        host.send(WIDE)
        host.run_ms(500)
        assert host.status.limits_state == LimitsState.STORED
        assert host.arm().state == State.ARMED
        return Outcome(
            None, f"streams; ARM refused: no limits; WRITE_LIMITS fails after {ms(answer.cycle - asked):.0f} ms"
        )


def reset_in_mid_motion(board: str) -> Outcome:
    with moving(board, steps_matter=False) as host:  # the reset cuts the pulse that runs
        assert_no_step(host.hand, board)
        old = host.status
        fault = host.hand.cycle
        host.hand.command("reset")
        host.move(CLOSED, 250 + boot_ms(board))
        last = last_pulse_end(host.hand)
        ident = host.hello()
        assert ident.reset_cause == ResetCause.EXTERNAL and ident.boot_id != old.boot_id
        assert host.status.state == State.DISARMED
        assert (
            host.ask(Arm(Permission.DECODER, old.boot_id, host.config_crc, host.status.challenge)).ack_result
            == Result.WRONG_BOOT
        )
        host.run_ms(100)
        assert last_pulse_end(host.hand) == last
        return Outcome(max(ms(last - fault), 0.0), "pulses off; another boot_id, DISARMED, the old ARM refused")


def index_and_clock_wrap(board: str) -> Outcome:
    with board_on(board) as host:
        hand = host.hand
        hand.poke("now_ms", (2**32 - 256 * 20).to_bytes(4, "little"))
        if board_folder(board).family == "avr":  # the low bytes of both are counted elsewhere, and have only begun
            hand.poke("all_turns", (2**17 - 256).to_bytes(4, "little"))  # 32.768 ms each; the clock is in us
        else:
            hand.command(f"micros {2**32 - 5_000_000}")
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
        return Outcome(None, "both wrap while armed: no frame, setpoint or pulse amiss")


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
    worst = estop_to_last_pulse_ms(board)
    for state in (State.DISARMED, State.ARMED, State.HOLD, State.RELAX, State.FAULT, State.ESTOP):
        with moving(board) as host:
            _into(host, state)
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
    assert worst <= SERVO_PERIOD_MAX_US / 1000
    return Outcome(worst, "pulses off from each of six states; only a reset leads out")
