"""Faults of the wire, damaged or well formed: rows 5 to 11, 14 and 15. Each returns the time to the safe state."""

from __future__ import annotations

import subprocess
import sys
import time

import msgspec
from cable import frame_of
from rig import Outcome, Rig
from rows_host import ms, never_armed

from myobridge.simulator.board_folder import board_folder
from myobridge.simulator.line_faults import LineFaults
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from myobridge.wire.messages import MAX_REJECTS_IN_ROW, RELAX_MAX_MS, Reason, State

FLIPS_S = 5.0
HOST_WAS_LATE = (Reason.SETPOINTS_STOPPED, Reason.SETPOINTS_RESUMED, Reason.SILENT_TOO_LONG)
BURST_BYTES = 300
ALL_INPUTS = 0b11111
"""Of the Uno and of the simulated hand here."""
NOISE_S = 2.5


def status_after(rig: Rig) -> m.Status:
    """Waits for a STATUS that the hand makes after now."""
    before = rig.witness.status
    rig.wait(lambda: rig.witness.status is not before, 1)
    before = rig.witness.status
    rig.wait(lambda: rig.witness.status is not before, 1)
    assert rig.witness.status is not None
    return rig.witness.status


def undisturbed(rig: Rig, since_s: float) -> None:
    """The hand kept moving, or held while setpoints were missing because of a bad line or a busy machine."""
    changes = [seen for seen in rig.witness.changes if seen.t_s >= since_s]
    assert all(seen.reason in HOST_WAS_LATE for seen in changes), changes


def bit_flips(rig: Rig) -> Outcome:
    rig.moving()
    before, seen, at_s = status_after(rig), rig.look(), time.monotonic()
    for way in (rig.cable.up, rig.cable.down):
        rig.cable.do(lambda way=way: way.damage(LineFaults(flips_per_bit=1e-4)))
    time.sleep(FLIPS_S)
    for way in (rig.cable.up, rig.cable.down):
        rig.cable.do(way.mend)
    status, look = status_after(rig), rig.look()
    refused = status.crc_errors + status.length_errors - before.crc_errors - before.length_errors
    dropped = look.crc_errors - seen.crc_errors
    assert refused > 0 and dropped > 0
    assert (status.range_rejects, status.stale_rejects, status.unknown_types) == (
        before.range_rejects,
        before.stale_rejects,
        before.unknown_types,
    ), "a damaged frame was taken for good"
    assert look.unexpected_frames == seen.unexpected_frames
    undisturbed(rig, at_s)
    lost = look.frames_lost - seen.frames_lost
    return Outcome(
        None,
        f"moves on, or holds while too much is lost; {refused} setpoints refused, {lost} EMG frames counted as lost",
    )


def burst_lost(rig: Rig) -> Outcome:
    rig.moving()
    lost, streamed, at_s = rig.look().samples_lost, rig.witness.emg_s, time.monotonic()
    rig.cable.do(lambda: rig.cable.up.damage(LineFaults(burst_bytes=BURST_BYTES, burst_every_s=0.1)))
    time.sleep(0.18)
    rig.cable.do(lambda: rig.cable.up.damage(LineFaults()))
    look = rig.look(lambda look: look.samples_lost > lost)
    time.sleep(0.3)
    assert rig.look().samples_lost == look.samples_lost, "a frame was lost once"
    rig.cable.do(rig.cable.up.mend)
    assert rig.witness.emg_s > streamed
    undisturbed(rig, at_s)
    return Outcome(None, f"moves on; {look.samples_lost - lost} samples missing, marked and counted")


def endless_bytes(rig: Rig) -> Outcome:
    rig.moving()
    at_s = time.monotonic()
    for way in (rig.cable.down, rig.cable.up):
        rig.cable.do(lambda way=way: setattr(way, "noise", b"\x55"))
    hold, relax = rig.first(State.HOLD, at_s), rig.first(State.RELAX, at_s)
    assert hold.reason is Reason.SETPOINTS_STOPPED and abs(ms(relax, at_s) - RELAX_MAX_MS) < 100
    time.sleep(NOISE_S - RELAX_MAX_MS / 1000)
    for way in (rig.cable.down, rig.cable.up):
        rig.cable.do(way.mend)
    rig.look(lambda look: look.state == "DISARMED", 15)
    never_armed(rig, at_s)
    return Outcome(ms(hold, at_s), "HOLD and opens in time; bounded memory; streams again, never armed by itself")


def impossible_angle(rig: Rig) -> Outcome:
    rig.moving()
    before = status_after(rig)
    setpoint = msgspec.structs.replace(m.Setpoint.unpack(rig.witness.setpoint), angle_cdeg=(65535,) * m.SERVOS)
    at_s = rig.cable.do(lambda: rig.cable.down.inject(MAX_REJECTS_IN_ROW * frame_of(setpoint)))
    hold = rig.first(State.HOLD, at_s)
    assert hold.reason is Reason.SETPOINTS_REJECTED
    assert status_after(rig).range_rejects == before.range_rejects + MAX_REJECTS_IN_ROW
    return Outcome(ms(hold, at_s), f"{MAX_REJECTS_IN_ROW} in a row refused and counted, then HOLD")


def unknown_and_too_short(rig: Rig) -> Outcome:
    rig.moving()
    before, seen, at_s = status_after(rig), rig.look(), time.monotonic()
    unknown = max(m.BY_TYPE) ^ 0x55
    assert unknown not in m.BY_TYPE
    rig.cable.down.inject(encode(unknown & 0x7F, 0, b"what") + encode(m.Setpoint.TYPE, 1, b"\0" * 7))
    rig.cable.up.inject(encode(unknown | 0x80, 0, b"what") + encode(m.Status.TYPE, 1, b"\0" * 7))
    look = rig.look(lambda look: look.unexpected_frames == seen.unexpected_frames + 2)
    status = status_after(rig)
    assert (status.unknown_types, status.length_errors) == (before.unknown_types + 1, before.length_errors + 1)
    assert look.samples_lost == seen.samples_lost
    undisturbed(rig, at_s)
    return Outcome(None, "moves on; ignored and counted on both sides")


def full_steps(rig: Rig) -> Outcome:
    rig.moving()
    steps = [0]

    def throw(kind: int, seq: int, payload: bytes) -> list[bytes]:
        if kind == m.Setpoint.TYPE:
            steps[0] += 1
            to = m.ANGLE_MAX_CDEG * (steps[0] % 2)
            payload = msgspec.structs.replace(m.Setpoint.unpack(payload), angle_cdeg=(to,) * m.SERVOS).pack()
        return [encode(kind, seq, payload)]

    at_s = rig.cable.do(lambda: setattr(rig.cable.down, "alter", throw))
    time.sleep(1.5)
    rig.cable.do(rig.cable.down.mend)
    assert steps[0] > 150
    undisturbed(rig, at_s)
    return Outcome(None, "follows, in a servo period no further than its slew")


def replayed(rig: Rig) -> Outcome:
    rig.moving()
    before, old = status_after(rig), rig.witness.setpoint
    time.sleep(0.3)
    at_s = time.monotonic()
    rig.cable.down.inject(encode(m.Setpoint.TYPE, 0, old))
    assert status_after(rig).stale_rejects == before.stale_rejects + 1
    undisturbed(rig, at_s)
    return Outcome(None, "refused as stale and counted; moves on")


def protocols_differ(rig: Rig) -> Outcome:
    rig.end_daemon()

    def other(kind: int, seq: int, payload: bytes) -> list[bytes]:
        if kind == m.Hello.TYPE:
            hello = m.Hello.unpack(payload)
            payload = msgspec.structs.replace(hello, proto_hash=hello.proto_hash ^ 1).pack()
        return [encode(kind, seq, payload)]

    rig.cable.do(lambda: setattr(rig.cable.down, "alter", other))
    at_s = time.monotonic()
    rig.start_daemon("--arm")
    look = rig.look(lambda look: "not armed" in look.note)
    assert "protocol" in look.note and look.samples_received > 0 and look.commands_sent == 0
    never_armed(rig, at_s)
    rig.cable.do(rig.cable.down.mend)
    rig.end_daemon()
    return Outcome(None, "streams; ARM refused with the reason; no setpoint")


def config_while_armed(rig: Rig) -> Outcome:
    rig.moving()
    assert rig.feed is not None
    config = rig.feed.request("about").about.config
    before, at_s = status_after(rig), time.monotonic()
    rig.cable.down.inject(frame_of(msgspec.structs.replace(config, slew_cdeg_per_s=m.SLEW_MAX_CDEG_PER_S)))
    status = status_after(rig)
    assert status.config_crc == before.config_crc
    undisturbed(rig, at_s)
    rig.end_daemon()

    def too_much(kind: int, seq: int, payload: bytes) -> list[bytes]:
        if kind == m.Config.TYPE:
            config = m.Config.unpack(payload)
            payload = msgspec.structs.replace(config, channel_mask=ALL_INPUTS, samples_per_frame=1).pack()
        return [encode(kind, seq, payload)]

    rig.cable.do(lambda: setattr(rig.cable.down, "alter", too_much))
    run = [sys.executable, "-m", "myobridge", "run", "--port", str(rig.port), "--model", "synth"]
    ended = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
    rig.cable.do(rig.cable.down.mend)
    usb = rig.hand != "simulated" and board_folder(rig.hand).is_usb  # USB carries all that its inputs give
    why = "does not have these analogue inputs" if usb else "the line is too slow"
    assert ended.returncode == 1 and why in ended.stderr.splitlines()[-1], ended.stderr
    return Outcome(None, "refused, one sentence says why; state and CONFIG unchanged")
