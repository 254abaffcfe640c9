"""The firmware's numbers, measured in CPU cycles of the simulator; each function gives one of them for one board.

`sim_numbers.py` prints them as a table, `test_sim_numbers.py` holds them to their targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from sim_hand import BYTE_CYCLES, CPU_HZ, Kind, SimHand, build_firmware, cycles_of_ms, emg_sampling, ms
from sim_host import SimHost

from myobridge.simulator.board_folder import board_folder
from myobridge.simulator.limits import WIDE
from myobridge.wire.frame import encode
from myobridge.wire.messages import (
    ANGLE_MAX_CDEG,
    HOLD_MAX_MS,
    RELAX_MAX_MS,
    SERVO_GAP_US,
    SERVO_PERIOD_MAX_US,
    SERVO_PERIOD_MIN_US,
    SERVOS,
    Setpoint,
    State,
    WriteLimits,
)

CHANNELS = 4
FS_HZ = 2000
HOP_MS = 4.7
"""About the 5 ms in which a host decides, but no divisor of anything in the firmware."""
START_PHASES_MS = (0, 0.13, 0.27, 0.39, 0.52, 0.66, 0.78, 0.91)
"""Sampling, milliseconds and servo pulses run on one crystal, so their phase is fixed by the moment of START."""
PULSE_0_US, PULSE_180_US = 500, 2500
USB_FRAME_CYCLES = 500
"""What a setpoint takes over USB, about."""
FASTEST_SERVO_PERIOD_US = {
    "mega2560": SERVO_PERIOD_MIN_US,
    "uno": SERVOS * PULSE_180_US + SERVO_GAP_US,
    "rp2040": SERVO_PERIOD_MIN_US,
}
"""With these pulses: the uno makes one after another."""


def boot_ms(board: str) -> int:
    """From power-on until a board can be talked to; a USB host takes its time to get to know a device."""
    folder = board_folder(board)
    return 300 + int(folder.facts["loader_ms"]) if folder.is_usb else 50


def line_byte_rate(board: str) -> int:
    """Bytes a second that a test sends where it wants to send as fast as the line."""
    return int(board_folder(board).facts["line_bytes_per_s"])


@contextmanager
def board_on(board: str, emg: NDArray[np.int16] | None = None, limits: WriteLimits | None = WIDE) -> Iterator[SimHost]:
    """A host at a board that has just been switched on. limits: stored in it."""
    with SimHand(build_firmware(board), board, emg, limits=limits) as hand:
        host = SimHost(hand)
        host.run_ms(boot_ms(board))
        yield host


def random_emg(samples: int, channels: int = CHANNELS, bits: int = 10) -> NDArray[np.int16]:
    """Of 14 bits, the last three are beyond the sum of 16 conversions of 12."""
    end = 2 ** (bits - 1) - (3 if bits == 14 else 0)
    return np.random.default_rng(1).integers(-end, end, (samples, channels)).astype(np.int16)


def pulse_us(angle_cdeg: float) -> float:
    return PULSE_0_US + (PULSE_180_US - PULSE_0_US) * angle_cdeg / ANGLE_MAX_CDEG


def pulses(hand: SimHand, servo: int, since: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whole pulses that began at or after `since`: cycles at which they rose, and their widths in cycles."""
    edges = hand.events(Kind.SERVO, since)
    edges = edges[edges["index"] == servo]
    if len(edges) and edges["value"][0] == 0:
        edges = edges[1:]
    rises = edges["cycle"][edges["value"] == 1].astype(np.int64)
    falls = edges["cycle"][edges["value"] == 0].astype(np.int64)
    whole = min(len(rises), len(falls))
    return rises[:whole], falls[:whole] - rises[:whole]


# ---- ordinary work ----


@cache
def working(board: str) -> dict[str, float]:
    """Streaming 4 channels at 2 kHz, 4 samples a frame, armed, a setpoint every hop: the worst of all phases."""
    figures: dict[str, float] = {}
    for phase_ms in START_PHASES_MS:
        with board_on(board) as host:
            host.stream_armed(phase_ms)
            host.hand.command("clear-stats")
            host.move((9000,) * SERVOS, 2000, HOP_MS)
            stats = host.hand.stats()
        seen = {f"{name} latency": vector["latency_max_cycles"] for name, vector in stats["interrupts"].items()}
        seen["latency_cycles"] = max(seen.values())
        seen["jitter_us"] = max(channel["jitter_us"] for channel in emg_sampling(stats, board))
        seen["cpu_percent"] = 100 * stats["cpu_share"]
        figures = {name: max(value, figures.get(name, 0)) for name, value in seen.items()}
    return figures


@cache
def cpu_percent_streaming(board: str) -> float:
    """As `working`, but without setpoints."""
    with board_on(board) as host:
        host.stream()
        host.hand.command("clear-stats")
        host.run_ms(2000)
        return 100 * float(host.hand.stats()["cpu_share"])


# ---- samples out ----


@cache
def sample_to_wire_ms(board: str, samples_per_frame: int) -> dict[str, float]:
    """From a frame's newest sample (its last channel held) to the end of its last byte, while armed and moving.

    Ten times a second a STATUS, 1.2 ms long on the wire, may stand in a frame's way: that is the worst.
    """
    waits: list[float] = []
    for phase_ms in START_PHASES_MS:
        with board_on(board) as host:
            host.stream_armed(phase_ms, samples_per_frame=samples_per_frame)
            host.run_ms(50)
            since = len(host.emg)
            host.move((5000,) * SERVOS, 1000, HOP_MS)
            held = host.hand.events(Kind.SAMPLE)
        newest = held[held["index"] == CHANNELS - 1]["cycle"].astype(np.int64)
        waits += [ms(frame.cycle - int(newest[frame.sample_index + frame.n - 1])) for frame in host.emg[since:]]
    return {"median": float(np.median(waits)), "worst": max(waits)}


def emg_that_differs(board: str, samples: int = 10_000) -> int:
    """Values that came out otherwise than they went in, of `samples` samples of 4 channels."""
    emg = random_emg(samples, bits=board_folder(board).adc_bits)
    with board_on(board, emg) as host:
        host.stream()
        host.run_ms(samples / FS_HZ * 1000)
    came = np.array([value for frame in host.emg for value in frame.samples]).reshape(-1, CHANNELS)[:samples]
    assert [frame.sample_index for frame in host.emg] == list(range(0, 4 * len(host.emg), 4))
    assert len(came) == samples
    return int((came != emg).sum())


# ---- servos ----


def settled_pulses_us(board: str) -> dict[int, NDArray[np.float64]]:
    """Angle in cdeg -> widths of all five servos' pulses while that angle was held, under full load."""
    widths = {}
    with board_on(board) as host:
        host.stream_armed()
        for angle in range(0, ANGLE_MAX_CDEG + 1, 1500):
            host.move((angle,) * SERVOS, 400, HOP_MS)
            since = host.hand.cycle
            host.move((angle,) * SERVOS, 400, HOP_MS)
            widths[angle] = np.stack([pulses(host.hand, servo, since)[1][:18] for servo in range(SERVOS)]) / 16
    return widths


@cache
def servo_figures(board: str) -> dict[str, float]:
    widths = settled_pulses_us(board)
    return {
        "spread_us": float(max(np.ptp(held, axis=1).max() for held in widths.values())),
        "error_us": float(max(np.abs(held - pulse_us(angle)).max() for angle, held in widths.items())),
    }


def _pulse_after_setpoint(
    board: str, host: SimHost, period_us: int, servo: int, before_us: int, angle_cdeg: int
) -> int:
    """Cycles from a setpoint's last byte, `before_us` before a pulse begins, to the first pulse that shows it."""
    rises, widths = pulses(host.hand, servo, host.hand.cycle - cycles_of_ms(45))
    periods = -(-30_000 // period_us)
    arrives = int(rises[-1]) + cycles_of_ms(periods * period_us / 1000) - before_us * CPU_HZ // 1_000_000
    frame = encode(Setpoint.TYPE, host.seq, Setpoint((angle_cdeg,) * SERVOS, 60, host.emg[-1].sample_index).pack())
    host.seq = (host.seq + 1) % 256
    took = USB_FRAME_CYCLES if board_folder(board).is_usb else len(frame) * BYTE_CYCLES
    host.hand.send(frame, arrives - took)
    host.run_ms((periods + 1) * period_us / 1000 + 5)
    arrives = int(host.hand.events(Kind.RX)[-1]["cycle"])
    later_rises, later_widths = pulses(host.hand, servo, arrives)
    return int(later_rises[np.flatnonzero(later_widths > widths[-1] + CPU_HZ // 1_000_000)[0]]) - arrives


def setpoint_to_pulse_ms(board: str, period_us: int = SERVO_PERIOD_MAX_US) -> float:
    """Worst time from a setpoint's last byte to the rise of the first pulse that shows it.

    The worst comes just too late for one pulse, so that is where it is looked for, for the first and the last servo.
    """
    worst = 0
    for k, phase_ms in enumerate(START_PHASES_MS):
        with board_on(board) as host:
            host.stream_armed(phase_ms, servo_period_us=period_us)
            host.move((1000,) * SERVOS, 500)
            for before_us in range(0, 600, 20):
                servo = (SERVOS - 1) * (k % 2)
                wait = _pulse_after_setpoint(board, host, period_us, servo, before_us, 1100 + 5 * before_us)
                worst = max(worst, wait)
    return ms(worst)


@cache
def fastest_servos(board: str) -> dict[str, float]:
    """All five at their fastest rate, moving: the period of their pulses, its error, and what it costs."""
    period_us = FASTEST_SERVO_PERIOD_US[board]
    with board_on(board) as host:
        host.stream_armed(servo_period_us=period_us, slew_cdeg_per_s=10_000)
        host.move((0,) * SERVOS, 500, HOP_MS)
        since = host.hand.cycle
        host.hand.command("clear-stats")
        host.move((ANGLE_MAX_CDEG,) * SERVOS, 1000, HOP_MS)
        stats = host.hand.stats()
        told = [pulses(host.hand, servo, since) for servo in range(SERVOS)]
    gaps_us = np.concatenate([np.diff(rises) for rises, _ in told]) * 1e6 / CPU_HZ
    steps_us = np.concatenate([np.abs(np.diff(widths)) for _, widths in told]) * 1e6 / CPU_HZ
    return {
        "period_us": float(np.median(gaps_us)),
        "period_error_us": float(np.abs(gaps_us - period_us).max()),
        "step_us": float(steps_us.max()),
        "turned_deg": float(180 * min(widths[-1] - widths[0] for _, widths in told) / cycles_of_ms(2)),
        "cpu_percent": 100 * stats["cpu_share"],
        "jitter_us": max(channel["jitter_us"] for channel in emg_sampling(stats, board)),
        "latency_cycles": max(v["latency_max_cycles"] for v in stats["interrupts"].values()),
    }


# ---- safety ----


def silence_ms(board: str) -> tuple[float, float]:
    """From the last setpoint's last byte to the last byte of the STATUS that says HOLD, and RELAX."""
    with board_on(board) as host:
        host.stream_armed()
        host.move((4000,) * SERVOS, 1000)
        last = int(host.hand.events(Kind.RX)["cycle"][-1])
        host.run_ms(RELAX_MAX_MS + HOLD_MAX_MS)
    first = {
        state: next(s.cycle for s in host.statuses if s.message.state == state) for state in (State.HOLD, State.RELAX)
    }
    return ms(first[State.HOLD] - last), ms(first[State.RELAX] - last)


@cache
def estop_to_last_pulse_ms(board: str) -> float:
    """Worst time from ESTOP's last byte to the fall of the last pulse, at 40 phases of the servo period.

    The servos are mounted the other way round, so that the open hand has the longest pulses.
    """
    worst = 0
    turned = replace(WIDE, pulse_0_us=WIDE.pulse_180_us, pulse_180_us=WIDE.pulse_0_us)
    for phase in range(40):
        with board_on(board, limits=turned) as host:
            host.stream_armed(pulse_0_us=PULSE_180_US, pulse_180_us=PULSE_0_US)
            host.run_ms(60 + SERVO_PERIOD_MAX_US / 1000 / 40 * phase)
            host.estop()
            estop = host.hand.events(Kind.RX)["cycle"][-1]
            host.run_ms(100)
            worst = max(worst, int(host.hand.events(Kind.SERVO)["cycle"][-1]) - int(estop))
    return ms(worst)


def frames_lost(board: str, minutes: float) -> int:
    """Frames of either direction that did not arrive, armed and moving all the time."""
    with board_on(board) as host:
        host.stream_armed()
        del host.emg[:-1]
        lost = 0
        expected = host.emg[-1].sample_index + host.emg[-1].n
        for second in range(round(minutes * 60)):
            host.move((100 * (second % 180),) * SERVOS, 1000, HOP_MS)
            for frame in host.emg[1:]:
                lost += frame.sample_index != expected
                expected = frame.sample_index + frame.n
            del host.emg[:-1], host.received[:], host.statuses[:-1]
            host.hand.forget()
        status = host.status
        assert status.state == State.ARMED
        return (
            lost
            + host.hand.damaged_frames
            + status.seq_gaps
            + status.crc_errors
            + status.length_errors
            + status.tx_drops
        )


@cache
def flood(board: str) -> dict[str, float]:
    """Random bytes at line rate for 5 s, from the moment of the last setpoint on."""
    with board_on(board) as host:
        host.stream_armed()
        host.move((6000,) * SERVOS, 1000)
        last = int(host.hand.events(Kind.RX)["cycle"][-1])
        usb = board_folder(board).is_usb
        seconds = 2.5 if usb else 5
        host.hand.command("clear-stats")
        noise = np.random.default_rng(2).integers(0, 256, int(seconds * line_byte_rate(board)), dtype=np.uint8)
        host.hand.send(noise.tobytes())
        started = len(host.statuses)
        host.run_ms(seconds * 1000)
        stats = host.hand.stats()
        during = host.statuses[started:]
        hold = next(s.cycle for s in during if s.message.state == State.HOLD)
        relax = next(s.cycle for s in during if s.message.state == State.RELAX)
        regular = [s.cycle for s in during]
    return {
        "resets": stats["reset_count"] - 1,
        "hold_ms": ms(hold - last),
        "relax_ms": ms(relax - last),
        "status_gap_ms": ms(int(np.diff(regular).max())),
        "cpu_percent": 100 * stats["cpu_share"],
        "rx_lost": stats["uart"]["rx_lost"],
        "rx_wait_byte_times": float("nan") if usb else stats["uart"]["rx_wait_max_cycles"] / BYTE_CYCLES,
        "latency_cycles": max(v["latency_max_cycles"] for v in stats["interrupts"].values()),
        "jitter_us": max(channel["jitter_us"] for channel in emg_sampling(stats, board)),
        "emg_lost": sum(b.sample_index != a.sample_index + a.n for a, b in zip(host.emg, host.emg[1:], strict=False)),
        "max_loop_us": max(s.message.max_loop_us for s in during),
        "overruns": host.status.rx_overruns,
    }
