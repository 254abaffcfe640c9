"""Faults of the host: rows 1 to 4 and 17 to 19. Each returns the time to the safe state."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

from cable import Seen
from odd_daemon import NAN, STALL, STALL_S
from rig import Outcome, Rig

from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from myobridge.wire.messages import RELAX_MAX_MS, RESUME_CLEAN_MS, Reason, State

BOOTS_S = 2.2
"""From opening the port to the first EMG, with a reset."""
REST_S = 4.0
"""HOLD, RELAX and the time from a fist to the safe pose at the slowest slew."""


def ms(seen: Seen, since_s: float) -> float:
    return 1000 * (seen.t_s - since_s)


def rest(rig: Rig, since_s: float) -> float:
    """Waits until the hand is open and its pulses are off; returns the time."""
    rig.wait(lambda: any(s.reason is Reason.RELAXED and s.t_s >= since_s for s in rig.witness.changes), REST_S)
    return next(s.t_s for s in rig.witness.changes if s.reason is Reason.RELAXED and s.t_s >= since_s)


def never_armed(rig: Rig, since_s: float) -> None:
    """Without a request the hand was not armed, and the daemon sent no ARM."""
    assert State.ARMED not in rig.states(since_s)
    assert m.Arm.TYPE not in [kind for t_s, kind in rig.witness.asked if t_s >= since_s]


def killed(rig: Rig) -> Outcome:
    rig.moving()
    time.sleep(random.random())
    rig.moving()  # on a busy machine the hand may have held meanwhile
    at_s = rig.end_daemon(signal.SIGKILL)
    hold = rig.first(State.HOLD, at_s)
    assert hold.reason is Reason.SETPOINTS_STOPPED
    relax = rig.first(State.RELAX, at_s)
    assert relax.reason is Reason.SILENT_TOO_LONG and abs(ms(relax, at_s) - RELAX_MAX_MS) < 100
    return Outcome(
        ms(hold, at_s),
        f"HOLD; opens from {ms(relax, at_s) / 1000:.2f} s on, at rest at {rest(rig, at_s) - at_s:.2f} s",
    )


def stopped(rig: Rig) -> Outcome:
    rig.moving()
    at_s = rig.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    on_s = rig.send_signal(signal.SIGCONT)
    hold = rig.first(State.HOLD, at_s)
    after = rig.first(State.RELAX, at_s)
    early = [s for s in rig.witness.changes if s.state is State.ARMED and 0 < s.t_s - on_s < RESUME_CLEAN_MS / 1000]
    assert not early, "the hand moved again before setpoints near the held pose had come for long enough"
    resumed = [s for s in rig.witness.changes if s.state is State.ARMED and on_s < s.t_s < after.t_s]
    assert all(s.reason is Reason.SETPOINTS_RESUMED for s in resumed)
    never_asked(rig, at_s)
    return Outcome(ms(hold, at_s), "HOLD; what is late is refused; it opens, as the wearer has moved on")


def never_asked(rig: Rig, since_s: float) -> None:
    """The daemon sent no ARM."""
    assert m.Arm.TYPE not in [kind for t_s, kind in rig.witness.asked if t_s >= since_s]


def pings_only(rig: Rig) -> Outcome:
    rig.moving()

    def no_setpoints(kind: int, seq: int, payload: bytes) -> list[bytes]:
        return [] if kind == m.Setpoint.TYPE else [encode(kind, seq, payload)]

    at_s = rig.cable.do(lambda: setattr(rig.cable.down, "alter", no_setpoints))
    hold = rig.first(State.HOLD, at_s)
    assert rig.look().latency_ms, "the daemon runs and sends"
    rig.cable.do(rig.cable.down.mend)
    return Outcome(ms(hold, at_s), "HOLD: a heartbeat is no permission")


def unplugged(rig: Rig, for_s: float, connected: str, *, reset: bool = False) -> tuple[float, float]:
    """Unplugs a moving hand; returns the times to HOLD, and from the port's return to the first `connected`.

    reset: the first opening of the port resets the board.
    """
    rig.moving()
    at_s = rig.cable.unplug()
    hold = rig.first(State.HOLD, at_s)
    time.sleep(max(0.0, at_s + for_s - time.monotonic()))
    if reset:
        rig.cable.do(rig.device.reset)
    back_s = rig.cable.plug()
    if connected == "talks":
        rig.wait(lambda: rig.witness.asked[-1][0] > back_s, 5)
        again_s = next(t_s for t_s, _ in rig.witness.asked if t_s > back_s) - back_s
    else:
        rig.wait(lambda: m.Start.TYPE in [kind for t_s, kind in rig.witness.asked if t_s > back_s], 10)
        again_s = next(t_s for t_s, kind in rig.witness.asked if t_s > back_s and kind == m.Start.TYPE) - back_s
    rig.look(lambda look: look.state == "DISARMED", 15)
    time.sleep(0.5)
    never_armed(rig, at_s)
    return ms(hold, at_s), again_s


def unplugged_for_a_moment(rig: Rig) -> Outcome:
    hold_ms, again_s = unplugged(rig, 1.0, "talks")
    assert again_s <= 1.0
    return Outcome(hold_ms, f"HOLD, opens; talked to {again_s:.2f} s after the replug, never armed by itself")


def unplugged_until_at_rest(rig: Rig) -> Outcome:
    hold_ms, again_s = unplugged(rig, REST_S, "streams")
    assert again_s <= 1.0
    return Outcome(hold_ms, f"HOLD, opens; streams {again_s:.2f} s after the replug, never armed by itself")


def unplugged_and_reset_by_the_opening(rig: Rig) -> Outcome:
    assert rig.witness.status is not None
    boot_id = rig.witness.status.boot_id
    hold_ms, again_s = unplugged(rig, 1.0, "streams", reset=True)
    assert rig.witness.status.boot_id != boot_id and again_s <= BOOTS_S
    return Outcome(hold_ms, f"HOLD, limp from the opening on; streams {again_s:.1f} s after it, never armed by itself")


def no_number(rig: Rig) -> Outcome:
    rig.moving()
    since = len(rig.said)
    at_s = rig.send_signal(NAN)
    hold = rig.first(State.HOLD, at_s)
    rig.wait_said("output is not a number", since)
    return Outcome(ms(hold, at_s), "no setpoint, so HOLD; one sentence says why")


def no_model(rig: Rig) -> Outcome:
    rig.end_daemon()
    heard = len(rig.witness.asked)
    broken = rig.folder / "broken.onnx"
    broken.write_bytes(b"no model")
    for path in (broken, rig.folder / "missing.onnx"):
        run = [sys.executable, "-m", "myobridge", "run", "--port", str(rig.port), "--model", str(path), "--arm"]
        ended = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
        (sentence,) = ended.stderr.splitlines()
        assert ended.returncode == 1 and str(path) in sentence
    assert len(rig.witness.asked) == heard, "the hand has heard nothing"
    return Outcome(None, "refused with one sentence before the port is opened")


def stalled(rig: Rig) -> Outcome:
    rig.moving()
    at_s = rig.send_signal(STALL)
    hold = rig.first(State.HOLD, at_s)
    time.sleep(STALL_S)
    never_asked(rig, at_s)
    look = rig.look()
    assert look.latency_ms
    return Outcome(ms(hold, at_s), "HOLD; counted as a missed deadline; what is stale is not sent")


def not_reading(rig: Rig) -> Outcome:
    rig.moving()
    lost = rig.look().samples_lost
    at_s = rig.send_signal(signal.SIGSTOP)
    hold = rig.first(State.HOLD, at_s)
    relax = rig.first(State.RELAX, at_s)
    assert abs(ms(relax, at_s) - RELAX_MAX_MS) < 100
    time.sleep(0.5)
    rig.send_signal(signal.SIGCONT)
    look = rig.look(lambda look: look.samples_lost > lost, 5)
    return Outcome(
        ms(hold, at_s),
        f"HOLD and opens in time; the {look.samples_lost - lost} samples that did not fit are counted as lost",
    )
