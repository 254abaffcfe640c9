"""Faults of the hand, its electrodes and its clocks: rows 12, 13, 16 and 20.

Each gives the time to the safe state.
"""

from __future__ import annotations

import time

from devices import SimulatedDevice
from rig import NEW_SAMPLES, Outcome, Rig
from rows_host import ms, never_armed
from rows_wire import status_after, undisturbed
from sim_hand import ms as ms_of_cycles
from sim_moving import last_pulse_end

from myobridge.simulator.board_folder import board_folder
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from myobridge.wire.messages import ResetCause, State

ELECTRODES = ("flat", "saturated", "mains")
WRAP_LEAD = 8000
"""Samples from the jump of the index to its wrap: long enough to arm again."""
REFILL_S = 0.8
"""After a jump the window fills again, and the hand holds."""
BOOTS_S = 12.0
"""A Mega's boot loader stays for 5 s after the last byte, and hears the HELLO of a daemon that waits for the board."""
WRAPS_S = 10.0
TRACE_S = 0.1
"""Age of the newest entry in the board's trace."""


def bad_electrode(rig: Rig) -> Outcome:
    worst_ms, reasons = 0.0, []
    for trouble in (*ELECTRODES, "off"):
        rig.moving()
        at_s = time.monotonic()
        if trouble == "off":
            rig.cable.do(lambda: setattr(rig.cable.up, "alter", lead_off))
        else:
            rig.source.trouble = trouble
        hold = rig.first(State.HOLD, at_s)
        reasons.append(rig.look(lambda look: look.withheld not in ("no", "warming_up")).withheld)
        rig.source.trouble = ""
        rig.cable.do(rig.cable.up.mend)
        worst_ms = max(worst_ms, ms(hold, at_s))
    assert reasons == ["channel_flat", "channel_saturated", "channel_mains", "lead_off"], reasons
    return Outcome(worst_ms, "no setpoints, so HOLD; one sentence names the electrode")


def lead_off(kind: int, seq: int, payload: bytes) -> list[bytes]:
    """As reported by a front end that measures its electrodes."""
    if kind == m.Emg.TYPE:
        head = m.Emg.unpack(payload[: m.Emg.STRUCT.size])
        head = m.Emg(head.sample_index, head.n, head.flags | m.EmgFlag.LEAD_OFF)
        payload = head.pack() + payload[m.Emg.STRUCT.size :]
    return [encode(kind, seq, payload)]


def reset_in_mid_motion(rig: Rig) -> Outcome:
    return _rebooted(rig, "reset", ResetCause.EXTERNAL)


def loop_hangs(rig: Rig) -> Outcome:
    return _rebooted(rig, "freeze loop", ResetCause.WATCHDOG)


def interrupt_hangs(rig: Rig) -> Outcome:
    return _rebooted(rig, "freeze all", ResetCause.WATCHDOG)


def converter_stalls(rig: Rig) -> Outcome:
    return _rebooted(rig, "adc stall", ResetCause.WATCHDOG, then="adc go")


def _rebooted(rig: Rig, command: str, cause: ResetCause, then: str = "") -> Outcome:
    """Reboots a moving hand, and waits until it streams again; `then` ends a cause that outlives the reboot."""
    rig.moving()
    assert rig.witness.status is not None and rig.feed is not None
    boot_id, at_s, cycle = rig.witness.status.boot_id, time.monotonic(), 0
    if isinstance(rig.device, SimulatedDevice):
        rig.cable.do(rig.device.reset)
    else:
        cycle = rig.device.command(command)
    rig.wait(lambda: rig.witness.status is not None and rig.witness.status.boot_id != boot_id, BOOTS_S)
    safe_ms = 1000 * (rig.witness.changes[-1].t_s - at_s)
    if then:
        rig.device.command(then)
    rig.look(lambda look: look.state == "DISARMED" and bool(look.predicted_deg), 15)
    ident = rig.feed.request("about").about.ident
    assert ident is not None and ident.boot_id != boot_id
    never_armed(rig, at_s)
    if cycle:
        assert ident.reset_cause in (cause, ResetCause.UNKNOWN), "a boot loader may clear it"
        safe_ms = max(0.0, ms_of_cycles(last_pulse_end(rig.device) - cycle))
    return Outcome(
        safe_ms, "pulses off; another boot_id, on a board after its boot loader; streams again, never armed by itself"
    )


def wraps(rig: Rig) -> Outcome:
    """The simulated hand's sample index, the board's clocks."""
    rig.moving()
    if isinstance(rig.device, SimulatedDevice):
        rig.cable.do(lambda: _jump(rig.device))
        time.sleep(REFILL_S)
        rig.arm()
        wrapped = _index_wrapped
    else:
        boot_id = status_after(rig).boot_id
        rig.cable.do(rig.device.reset)
        rig.wait(lambda: rig.witness.status.boot_id != boot_id, BOOTS_S)
        rig.device.poke("now_ms", (2**32 - 256 * 28).to_bytes(4, "little"))
        if board_folder(rig.hand).family == "avr":  # it counts the low bytes separately; they are still small
            rig.device.poke("all_turns", (2**17 - 256).to_bytes(4, "little"))
        else:
            rig.device.command(f"micros {2**32 - 1000 * 256 * 28}")
        wrapped = _clock_wrapped
    rig.moving()
    before, at_s, lost = status_after(rig), time.monotonic(), rig.look().samples_lost
    assert not wrapped(before)
    rig.wait(lambda: wrapped(rig.witness.status), WRAPS_S)
    time.sleep(0.5)
    status, look = status_after(rig), rig.look()
    assert (status.stale_rejects, status.range_rejects) == (before.stale_rejects, before.range_rejects)
    assert look.samples_lost <= lost + NEW_SAMPLES
    undisturbed(rig, at_s)
    return Outcome(None, "moves on; nothing is taken for lost, nothing refused")


def _index_wrapped(status: m.Status) -> bool:
    return status.sample_index < WRAP_LEAD


def _clock_wrapped(status: m.Status) -> bool:
    return status.t_us < 2**31


def _jump(device: SimulatedDevice) -> None:
    firmware = device.firmware
    n = firmware.safety.config.samples_per_frame
    ahead = (2**32 - WRAP_LEAD - firmware.samples_taken) // n * n
    firmware.samples_taken += ahead
    firmware._first_sample_s -= ahead * firmware._period_s


def emergency_stop(rig: Rig) -> Outcome:
    worst_ms = 0.0
    for state in (State.ARMED, State.HOLD, State.RELAX, State.DISARMED):
        rig.moving()
        at_s = time.monotonic()
        if state in (State.HOLD, State.RELAX):
            rig.cable.do(lambda: setattr(rig.cable.down, "blocked", True))
            rig.first(state, at_s)
            rig.cable.do(rig.cable.down.mend)
        elif state is State.DISARMED:
            assert rig.feed.request("disarm").ok
        assert rig.feed.request("estop").ok
        worst_ms = max(worst_ms, _stopped_after_ms(rig, at_s))
        boot_id = rig.witness.status.boot_id
        rig.cable.do(rig.device.reset)
        rig.wait(lambda before=boot_id: rig.witness.status.boot_id != before, BOOTS_S)
        rig.wait(lambda: rig.state is State.ESTOP, 5)  # the daemon remembers
        assert not rig.feed.request("arm").ok
        assert rig.feed.request("lift").ok
        rig.cable.do(rig.device.reset)
    return Outcome(worst_ms, "pulses off from each state, also after a reset; only a person leads out")


def _stopped_after_ms(rig: Rig, since_s: float) -> float:
    """From the ESTOP at the hand to the STATUS that it stopped, or on a board to the end of the last pulse."""
    if isinstance(rig.device, SimulatedDevice):
        stop_s = next(t_s for t_s, kind in rig.witness.asked if kind == m.Estop.TYPE and t_s > since_s)
        return ms(rig.first(State.ESTOP, since_s), stop_s)
    time.sleep(TRACE_S)
    return ms_of_cycles(last_pulse_end(rig.device) - rig.device.heard(m.Estop.TYPE))
