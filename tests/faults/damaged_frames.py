"""Measures how many wrong samples and wrong setpoints of a damaged line pass the CRC and the checks behind it.

python tests/faults/damaged_frames.py --damaged 10000000

Each way has a simulated line that flips bits at a rate and also drops, doubles and swaps frames and loses bursts of
bytes. A frame is damaged if any of that happened to it. The host's side is FrameDecoder, EmgGate and Acquisition, the
hand's is the simulated firmware, kept armed.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.acquisition import Acquisition, AcquisitionCounters, EmgGate
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder, encode

FLIP_RATES = (1e-2, 5e-3, 2e-3, 1e-3, 1e-4)
SHARE_DROPPED = SHARE_DOUBLED = SHARE_SWAPPED = 1e-2
BURSTS_PER_FRAME = 1e-3
BURST_BYTES = 300
CHANNELS, FRAME_SAMPLES, ADC_BITS, FS_HZ = 4, 5, 10, 1000.0
BATCH = 2000
HOP_S = FRAME_SAMPLES / FS_HZ


@dataclass
class Tally:
    """The fate of a number of frames."""

    sent: int = 0
    damaged: int = 0
    past_crc: int = 0
    """Wrong frames that the CRC accepted."""
    wrong: int = 0
    """Wrong EMG frames whose samples were delivered, or wrong setpoints that were accepted."""
    refused: int = 0

    def __iadd__(self, other: Tally) -> Tally:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        return self


@dataclass
class Line:
    """Damages frames, reproducibly for a seed."""

    flip_rate: float
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def carry(self, frames: list[bytes]) -> tuple[bytes, int]:
        """The bytes that arrive of these frames, and the number of damaged frames."""
        order, hurt = self._order(len(frames))
        carried = [frames[i] for i in order]
        data = np.frombuffer(b"".join(carried), np.uint8).copy()
        ends = np.cumsum([len(frame) for frame in carried])
        bits = 8 * len(data)
        flips = np.unique(self.rng.integers(0, bits, self.rng.binomial(bits, self.flip_rate)))
        np.bitwise_xor.at(data, flips >> 3, (1 << (flips & 7)).astype(np.uint8))
        keep = np.ones(len(data), bool)
        for start in self.rng.integers(0, len(data), self.rng.poisson(BURSTS_PER_FRAME * len(frames))):
            keep[start : start + BURST_BYTES] = False
        touched = np.concatenate([flips >> 3, np.flatnonzero(~keep)])
        hurt[np.array(order)[np.searchsorted(ends, touched, side="right")]] = True
        return data[keep].tobytes(), int(hurt.sum())

    def _order(self, count: int) -> tuple[list[int], NDArray[np.bool_]]:
        """The frames on the line in their order, and which of them were dropped, doubled or swapped."""
        fate = self.rng.random(count)
        hurt = fate < SHARE_DROPPED + SHARE_DOUBLED + SHARE_SWAPPED
        order: list[int] = []
        for i, x in enumerate(fate):
            if x < SHARE_DROPPED:
                continue
            order.append(i)
            if x < SHARE_DROPPED + SHARE_DOUBLED:
                order.append(i)
            elif x < SHARE_DROPPED + SHARE_DOUBLED + SHARE_SWAPPED and len(order) > 1:
                order[-2:] = order[:-3:-1]
        return order, hurt


class Uplink:
    """EMG from the board to the host; each tenth frame is a STATUS."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        shape = (BATCH, FRAME_SAMPLES, CHANNELS)
        self._counts = np.clip(rng.normal(0, 40, shape), -512, 511).astype("<i2")
        status = m.BY_TYPE[m.Status.TYPE].unpack(bytes(m.PAYLOAD_BYTES[m.Status.TYPE])).pack()
        self._frames: list[bytes] = []
        for k in range(BATCH):
            payload = m.Emg(k * FRAME_SAMPLES, FRAME_SAMPLES, 0).pack() + self._counts[k].tobytes()
            self._frames.append(encode(m.Emg.TYPE, len(self._frames) & 0xFF, payload))
            if k % 10 == 9:
                self._frames.append(encode(m.Status.TYPE, len(self._frames) & 0xFF, status))
        self._sent = set(FrameDecoder().feed(b"".join(self._frames)))

    def run(self, line: Line) -> Tally:
        """One stream from its start."""
        counters = AcquisitionCounters()
        gate = EmgGate(CHANNELS, FRAME_SAMPLES, ADC_BITS, counters)
        acquisition = Acquisition(CHANNELS, FRAME_SAMPLES, 40, counters)
        data, damaged = line.carry(self._frames)
        tally = Tally(len(self._frames), damaged)
        for frame in FrameDecoder().feed(data):
            tally.past_crc += frame not in self._sent
            if frame[0] != m.Emg.TYPE:
                continue
            for index, flags, counts in gate.take(frame):
                received = counters.samples_received
                acquisition.push(index, counts)
                delivered = counters.samples_received > received
                tally.wrong += delivered and (flags != 0 or not self._true(index, counts))
        tally.refused = counters.implausible + counters.malformed
        return tally

    def _true(self, index: int, counts: NDArray[np.int16]) -> bool:
        k, rest = divmod(index, FRAME_SAMPLES)
        return rest == 0 and k < BATCH and np.array_equal(counts, self._counts[k])


class Silence:
    """An EMG source without a signal."""

    fs_hz, channels, adc_bits = FS_HZ, CHANNELS, ADC_BITS

    def read(self, samples: int) -> tuple[NDArray[np.int16], None]:
        return np.zeros((samples, CHANNELS), np.int16), None


class Downlink:
    """Setpoints, from the host to an armed hand."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._device = SimulatedFirmware(Silence(), seed)
        self._now_s = 0.0
        self._sent: set[tuple[int, ...]] = set()
        self._before: set[tuple[int, ...]] = set()
        """Of the previous batch: if the line lost the zero behind its last frame, a zero of this one ends it."""
        self._tally = Tally()
        config = m.Config(
            channel_mask=(1 << CHANNELS) - 1,
            sample_period_ticks=2000,
            samples_per_frame=30,  # their samples do not matter: few, long frames
            sample_format=m.SampleFormat.INT16,
            oversampling=1,
            servo_min_cdeg=(0,) * m.SERVOS,
            servo_max_cdeg=(18000,) * m.SERVOS,
            servo_safe_cdeg=(4000,) * m.SERVOS,
            pulse_0_us=(1000,) * m.SERVOS,
            pulse_180_us=(2000,) * m.SERVOS,
            servo_period_us=m.SERVO_PERIOD_MAX_US,
            slew_cdeg_per_s=m.SLEW_MAX_CDEG_PER_S,
            hold_ms=m.HOLD_MAX_MS,
            relax_ms=m.RELAX_MAX_MS,
        )
        self._say(m.Hello(m.MAJOR, m.MINOR, 1, m.PROTO_HASH))
        self._say(config)
        self._say(m.Start(self._device.safety.config_crc))
        accept = self._device.safety._accepted

        def accepted(setpoint: m.Setpoint, *rest: object) -> None:
            self._tally.wrong += setpoint.angle_cdeg not in self._sent | self._before
            accept(setpoint, *rest)

        self._device.safety._accepted = accepted

    def _say(self, message: m.Message) -> None:
        self._device.receive(b"\0" + encode(message.TYPE, 0, message.pack()), self._now_s)

    def _arm(self) -> None:
        safety = self._device.safety
        self._say(m.Disarm())
        self._say(m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge))
        if safety.state is not m.State.ARMED:
            raise SystemExit(f"The simulated hand cannot be armed ({safety.blockers(0)!r}).")

    def run(self, line: Line, frames: int = 20) -> Tally:
        """A number of setpoints, 5 ms apart, which arrive together after the last."""
        self._tally = Tally(frames)
        batch, sent = [], set()
        for k in range(frames):
            self._now_s += HOP_S
            angles = tuple(self._rng.integers(0, 18001, m.SERVOS).tolist())
            index = self._device._look(self._now_s) - 1
            frame = encode(m.Setpoint.TYPE, k & 0xFF, m.Setpoint(angles, 255, max(0, index)).pack())
            batch.append(frame)
            sent.add(FrameDecoder().feed(frame)[0])
            self._sent.add(angles)
        data, self._tally.damaged = line.carry(batch)
        self._tally.past_crc = sum(frame not in sent for frame in FrameDecoder().feed(data))
        self._device.advance(self._now_s)
        if self._device.safety.state is not m.State.ARMED:
            self._arm()
        self._device.receive(data, self._now_s)
        self._device.outgoing(self._now_s)
        self._before, self._sent = self._sent, set()
        return self._tally


def measure(way: Uplink | Downlink, flip_rate: float, damaged: int, seed: int) -> Tally:
    """Sends frames one way until a number of them is damaged."""
    line, total = Line(flip_rate, np.random.default_rng(seed)), Tally()
    while total.damaged < damaged:
        total += way.run(line)
    return total


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damaged", type=int, default=100_000, help="damaged frames in all (default 100000)")
    parser.add_argument("--way", choices=("samples", "setpoints"), action="append", help="default: both")
    parser.add_argument("--flips", type=float, nargs="+", default=FLIP_RATES, help="rates of bit flips")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    began_s = time.process_time()
    ways = {"samples": Uplink, "setpoints": Downlink}
    chosen = asked.way or list(ways)
    each = asked.damaged // (len(chosen) * len(asked.flips))
    print(f"{'way':9} {'flips':>7} {'sent':>10} {'damaged':>10} {'past CRC':>9} {'refused':>8} {'wrong':>6}")
    total = Tally()
    for name in chosen:
        way = ways[name](asked.seed)
        for rate in asked.flips:
            t = measure(way, rate, each, asked.seed)
            print(f"{name:9} {rate:7g} {t.sent:10} {t.damaged:10} {t.past_crc:9} {t.refused:8} {t.wrong:6}", flush=True)
            total += t
    used_s = time.process_time() - began_s
    print(f"{total.wrong} wrong in {total.damaged} damaged frames, {used_s:.0f} s of processor time")


if __name__ == "__main__":
    main()
