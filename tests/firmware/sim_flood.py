"""DISARM or ESTOP amid a flood of other frames, back to back: what of it the board obeys, and when."""

from __future__ import annotations

import random
from functools import cache
from typing import Final

from msgspec.structs import replace
from sim_hand import BYTE_CYCLES, Kind, SimHand, cycles_of_ms, field_offset, ms
from sim_host import SimHost, config, config_crc
from sim_measure import board_on

from myobridge.simulator.board_folder import board_folder
from myobridge.simulator.limits import WIDE
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from myobridge.wire.messages import Message, State

TRIES: Final = 100
AT_ONCE_MS: Final = 20
BEFORE_BYTES: Final = 4000
"""80 ms: what a board cannot keep up with has filled its buffers."""
AFTER_BYTES: Final = 2000
STATE_OF: Final = {m.Disarm.TYPE: State.DISARMED, m.Estop.TYPE: State.ESTOP}


def while_armed(host: SimHost) -> list[list[Message]]:
    """Floods that leave an armed hand in motion; each is a group of messages that repeats."""
    status, wanted = host.status, config(2_000_000)
    arm = m.Arm(m.Permission.DECODER, status.boot_id, host.config_crc, status.challenge)
    alone: list[Message] = [
        m.Hello(m.MAJOR, m.MINOR, 1, m.PROTO_HASH),
        m.Ping(1),
        m.ReadLimits(),
        WIDE,
        wanted,
        m.Start(host.config_crc),
        m.Start(host.config_crc ^ 1),
        arm,
        replace(arm, boot_id=arm.boot_id ^ 1),
        m.Setpoint((9000,) * m.SERVOS, 255, host.newest_sample_at(host.hand.cycle)),
    ]
    return [[message] for message in alone] + [alone]


def while_disarmed(_host: SimHost) -> list[list[Message]]:
    """Floods whose handling takes long."""
    one, other = config(2_000_000), config(2_000_000, channels=5, samples_per_frame=5)
    narrow = replace(WIDE, servo_min_cdeg=(1,) * m.SERVOS)
    cycles: list[list[Message]] = [[c, m.Start(config_crc(c)), m.Stop()] for c in (one, other)]
    return [
        *cycles,
        [one, other],
        [WIDE],
        [WIDE, narrow],
        [m.Stop(), m.Disarm()],
        [message for c in cycles for message in c],
    ]


def repeated(group: list[Message], byte_count: int) -> bytes:
    data, seq = b"", 0
    while len(data) < byte_count:
        for message in group:
            data += encode(message.TYPE, seq & 0xFF, message.pack())
            seq += 1
    return data


def is_in(board: str, hand: SimHand, state: State) -> bool:
    at = field_offset(board, "device.h", "struct device", "safety")
    at += field_offset(board, "safety.h", "struct safety", "state")
    return hand.peek("device", at + 1)[at] == state


def run_until_arrived(board: str, host: SimHost, byte_count: int) -> int:
    """Runs until the board has taken so many bytes; when it had. USB carries them as fast as the board takes them."""
    if not board_folder(board).is_usb:
        host.run_ms(ms(byte_count * BYTE_CYCLES))
        return host.hand.cycle
    since = host.hand.cycle
    while len(taken := host.hand.events(Kind.RX, since)) < byte_count:
        host.run_ms(0.1)
    return int(taken["cycle"][byte_count - 1])


def stop_in_flood(board: str, stop: int, *, armed: bool, rng: random.Random) -> dict[str, float]:
    """From the last byte of the one DISARM or ESTOP: until the board is in its state, until the last pulse's end."""
    with board_on(board) as host:
        if armed:
            host.stream_armed()
            host.run_ms(rng.uniform(20, 60))
        else:
            host.hello()
        group = rng.choice((while_armed if armed else while_disarmed)(host))
        before = repeated(group, BEFORE_BYTES + rng.randrange(1000))
        host.hand.send(before + encode(stop, 0, b"") + repeated(group, AFTER_BYTES))
        arrived = run_until_arrived(board, host, len(before) + 8)
        while not is_in(board, host.hand, STATE_OF[stop]) and host.hand.cycle < arrived + cycles_of_ms(2 * AT_ONCE_MS):
            host.run_ms(0.1)
        obeyed = host.hand.cycle
        host.run_ms(100)
        edges = host.hand.events(Kind.SERVO)
        assert not len(edges) or edges["value"][-1] == 0
        return {
            "obeyed_ms": max(0.0, ms(obeyed - arrived)),
            "last_pulse_ms": ms(int(edges["cycle"][-1]) - arrived) if armed else 0.0,
            "bytes_lost": host.status.rx_overruns,
        }


@cache
def stops_in_floods(board: str) -> dict[str, float]:
    """The worst of TRIES: three in four with an armed hand, half of these with ESTOP."""
    rng = random.Random(board)
    worst: dict[str, float] = {}
    for number in range(TRIES):
        stop = m.Disarm.TYPE if number % 4 in (0, 1) else m.Estop.TYPE
        seen = stop_in_flood(board, stop, armed=number % 4 != 3, rng=rng)
        worst = {name: max(value, worst.get(name, 0)) for name, value in seen.items()}
    return worst
