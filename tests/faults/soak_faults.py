"""The faults of the soak. Each happens, passes, and names the counters of the daemon that it may increase."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from cable import frame_of
from devices import TROUBLES
from rig import Rig

from myobridge.feed import FeedClient, NoDaemon, feed_path
from myobridge.feed.messages import REQUEST, pack
from myobridge.simulator.line_faults import LineFaults
from myobridge.wire import messages as m
from myobridge.wire.frame import encode

DAMAGE = frozenset({"crc_errors", "frames_lost", "samples_lost", "write_drops"})
ANY = DAMAGE | {"reconnects", "unexpected_frames"}
"""The counters that may rise when whole sessions fail or frames are forged."""
CROWD = frozenset({"feed_drops"})


@dataclass(frozen=True)
class Fault:
    """One kind of fault. cuts: the host hears nothing more of the running session."""

    name: str
    do: Callable[[Rig, Random], None]
    may_raise: frozenset[str] = frozenset()
    cuts: bool = False


def _line(make: Callable[[Random], LineFaults], both: bool = True) -> Callable[[Rig, Random], None]:
    """A bad line for 0.2 to 2 s, in one or both directions."""

    def do(rig: Rig, random: Random) -> None:
        ways = random.choice([(rig.cable.up,), (rig.cable.down,), (rig.cable.up, rig.cable.down)])
        faults = make(random)
        for way in ways:
            rig.cable.do(lambda way=way: way.damage(faults))
        time.sleep(random.uniform(0.2, 2.0))
        mend(rig)

    return do


def mend(rig: Rig) -> None:
    """Repairs the cable and the electrodes."""
    for way in (rig.cable.up, rig.cable.down):
        rig.cable.do(way.mend)
    rig.source.trouble = ""


def duplicate(rig: Rig, random: Random) -> None:
    def twice(kind: int, seq: int, payload: bytes) -> list[bytes]:
        return [encode(kind, seq, payload)] * (1 + (random.random() < 0.1))

    _altered(rig, random, twice)


def drop(rig: Rig, random: Random) -> None:
    def some(kind: int, seq: int, payload: bytes) -> list[bytes]:
        return [encode(kind, seq, payload)] * (random.random() < 0.95)

    _altered(rig, random, some)


def swap(rig: Rig, random: Random) -> None:
    held: list[bytes] = []

    def late(kind: int, seq: int, payload: bytes) -> list[bytes]:
        frame = encode(kind, seq, payload)
        if held:
            return [frame, held.pop()]
        if random.random() < 0.05:
            held.append(frame)
            return []
        return [frame]

    _altered(rig, random, late)


def _altered(rig: Rig, random: Random, alter: Callable[[int, int, bytes], list[bytes]]) -> None:
    rig.cable.do(lambda: setattr(rig.cable.up, "alter", alter))
    time.sleep(random.uniform(0.2, 2.0))
    mend(rig)


def unplug(rig: Rig, random: Random) -> None:
    rig.cable.unplug()
    time.sleep(random.uniform(0.05, 3.0))
    rig.cable.plug()


def silence(rig: Rig, random: Random) -> None:
    """The line is silent for longer than the daemon tolerates; then everything arrives at once."""
    rig.cable.do(lambda: rig.cable.up.damage(LineFaults(stall_ms=1500, stall_every_s=1.6)))
    time.sleep(3.2)
    mend(rig)


def reset(rig: Rig, _random: Random) -> None:
    rig.cable.do(rig.device.reset)


def stop_the_daemon(rig: Rig, random: Random) -> None:
    rig.send_signal(signal.SIGSTOP)
    time.sleep(random.uniform(0.01, 0.9))
    rig.send_signal(signal.SIGCONT)


def hostile_bytes(rig: Rig, random: Random) -> None:
    for way in (rig.cable.up, rig.cable.down):
        way.inject(random.randbytes(random.randrange(1, 2000)) + b"\0")
    time.sleep(0.3)


def forged_frames(rig: Rig, random: Random) -> None:
    """Intact frames with random content, of every type that the board may send, and setpoints that make no sense."""
    uplink = [kind for kind in m.BY_TYPE if kind & 0x80]
    for _ in range(20):
        kind = random.choice(uplink)
        size = random.choice((m.PAYLOAD_BYTES[kind], random.randrange(80)))
        rig.cable.up.inject(encode(kind, random.randrange(256), random.randbytes(size)))
        angles = tuple(random.randrange(m.ANGLE_MAX_CDEG + 1, 65536) for _ in range(m.SERVOS))
        rig.cable.down.inject(frame_of(m.Setpoint(angles, 255, random.randrange(1 << 32))))
        rig.cable.down.inject(encode(random.choice((0x55, m.Arm.TYPE)), 0, random.randbytes(6)))
        time.sleep(0.01)


def babble(rig: Rig, random: Random) -> None:
    rig.cable.do(lambda: setattr(rig.cable.up, "noise", b"\x55"))
    time.sleep(random.uniform(0.1, 0.8))
    mend(rig)


def electrode(rig: Rig, random: Random) -> None:
    rig.source.trouble = random.choice(list(TROUBLES))
    time.sleep(random.uniform(0.1, 2.0))
    mend(rig)


def crowd(rig: Rig, random: Random) -> None:
    """Clients connect, read or do not read, send nonsense, and leave."""
    with suppress(NoDaemon):
        clients = [FeedClient(rig.port) for _ in range(random.randrange(1, 6))]
        for client in clients:
            client.subscribe("bytes", "snapshots")
            for _ in range(random.randrange(50)):
                client.receive(0.001)
        time.sleep(random.uniform(0.0, 1.5))
        for client in clients:
            client.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as rude, suppress(OSError):
        rude.connect(str(feed_path(rig.port)))
        rude.send(random.choice((random.randbytes(500), pack(REQUEST, b"{"), b"\xff" * 9)))


FAULTS = (
    Fault("bit flips", _line(lambda r: LineFaults(flips_per_bit=10 ** r.uniform(-5, -2.5))), ANY),
    Fault("bytes lost", _line(lambda r: LineFaults(lost_per_byte=10 ** r.uniform(-5, -2))), ANY),
    Fault("bursts lost", _line(lambda r: LineFaults(burst_bytes=r.randrange(10, 2000), burst_every_s=0.3)), ANY),
    Fault("stalls", _line(lambda r: LineFaults(stall_ms=r.randrange(20, 600), stall_every_s=0.65)), ANY),
    Fault("frames twice", duplicate, DAMAGE),
    Fault("frames dropped", drop, ANY),
    Fault("frames swapped", swap, ANY),
    Fault("unplug", unplug, ANY, cuts=True),
    Fault("long silence", silence, ANY, cuts=True),
    Fault("reset", reset, ANY, cuts=True),
    Fault("daemon stopped", stop_the_daemon, ANY),
    Fault("hostile bytes", hostile_bytes, ANY),
    Fault("forged frames", forged_frames, ANY),
    Fault("endless bytes", babble, ANY),
    Fault("electrode", electrode),
    Fault("crowd at the feed", crowd, CROWD),
)
