"""Writes frames.json, the golden frames that every implementation of the wire protocol is held against.

    python tests/vectors/make.py [--check]

README.md beside this file says what its fields mean.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any
from zlib import crc32

from msgspec.structs import asdict

from myobridge.wire import messages as m
from myobridge.wire.frame import CRC_BYTES, MAX_WIRE_BYTES, encode

FILE = Path(__file__).with_name("frames.json")
EMG_FLAGS = int(m.EmgFlag.TX_DROP | m.EmgFlag.ARMED)

LIMITS = (
    (0, 500, 1000, 0, 256),
    (18000, 17500, 17000, 18000, 9000),
    (500, 2500, 600, 1000, 1000),
    (2500, 500, 2400, 2000, 2000),
    0b10011,
)
"""Least and greatest angles, pulses at 0 and 180 degrees, digital servos."""

MESSAGES: list[tuple[str, int, m.Message]] = [
    ("hello", 0, m.Hello(m.MAJOR, m.MINOR, 0xBEEF, m.PROTO_HASH)),
    ("hello of another protocol", 255, m.Hello(255, 255, 0, 0)),
    ("ident", 0, m.Ident(3, 0, 0xBEEF, m.PROTO_HASH, (0, 1, 0), 0xDEADBEEF, 1, 0x1234, 4, 3, 16, 10, 2_000_000)),
    ("ident of zeros", 0, m.Ident(0, 0, 0, 0, (0, 0, 0), 0, 0, 0, 0, 0, 0, 0, 0)),
    (
        "config",
        1,
        m.Config(
            channel_mask=0x8000_0000_0000_000F,
            sample_period_ticks=1000,
            samples_per_frame=5,
            sample_format=m.SampleFormat.INT16,
            oversampling=1,
            servo_min_cdeg=(0, 500, 1000, 0, 0),
            servo_max_cdeg=(18000, 17500, 17000, 18000, 9000),
            servo_safe_cdeg=(4000, 4000, 4000, 4000, 4000),
            pulse_0_us=(500, 2500, 600, 500, 1000),
            pulse_180_us=(2500, 500, 2400, 2500, 2000),
            servo_period_us=20000,
            slew_cdeg_per_s=40000,
            hold_ms=150,
            relax_ms=2000,
        ),
    ),
    ("config of zeros", 0, m.Config(0, 0, 0, 0, 0, *[(0,) * m.SERVOS] * 5, 0, 0, 0, 0)),
    ("config_ack", 1, m.ConfigAck(m.Result.OK, 1000, 0x00ABCDEF)),
    ("config_ack that refuses", 2, m.ConfigAck(m.Result.LINK_OVERLOAD, 0, 0)),
    ("start", 2, m.Start(0x00ABCDEF)),
    ("stop", 3, m.Stop()),
    ("arm", 4, m.Arm(m.Permission.DECODER, 0x1234, 0x00ABCDEF, 0xFFFF)),
    ("disarm", 5, m.Disarm()),
    ("estop", 0, m.Estop()),
    ("setpoint", 6, m.Setpoint((4000, 18000, 1, 9000, 256), 25, 123456)),
    ("setpoint of zeros", 0, m.Setpoint((0,) * m.SERVOS, 0, 0)),
    ("setpoint out of range", 255, m.Setpoint((65535,) * m.SERVOS, 255, 0xFFFFFFFF)),
    (
        "status",
        9,
        m.Status(
            state=m.State.ARMED,
            reason=m.Reason.HOST_ARMED,
            blockers=m.Blocker.NOT_DISARMED,
            flags=m.StatusFlag.CONFIGURED | m.StatusFlag.STREAMING | m.StatusFlag.PULSES_ON,
            ack_type=m.Arm.TYPE,
            ack_seq=200,
            ack_result=m.Result.OK,
            challenge=0x8001,
            boot_id=0x1234,
            config_crc=0x00ABCDEF,
            sample_index=0xFFFFFFFE,
            t_us=4_000_000_000,
            setpoint_seq=17,
            applied_cdeg=(0, 1, 255, 256, 18000),
            supply_mv=6000,
            permission=m.Permission.DECODER,
            limits_state=m.LimitsState.STORED,
            button=m.Button.PRESSED,
            button_presses=255,
            crc_errors=1,
            length_errors=2,
            unknown_types=3,
            seq_gaps=4,
            rx_overruns=5,
            range_rejects=6,
            stale_rejects=7,
            tx_drops=8,
            max_loop_us=65535,
        ),
    ),
    ("ping", 7, m.Ping(0x01020304)),
    ("ping of zeros", 0, m.Ping(0)),
    ("read_limits", 8, m.ReadLimits()),
    ("write_limits", 9, m.WriteLimits(*LIMITS)),
    ("limits", 9, m.Limits(m.Result.OK, m.LimitsState.STORED, *LIMITS)),
    ("limits that are damaged", 0, m.Limits(m.Result.WRITE_FAILED, m.LimitsState.DAMAGED, *[(0,) * m.SERVOS] * 4, 0)),
    ("pong", 7, m.Pong(0x01020304, 123_456_789, 2000)),
]


def ramp(values: int) -> list[int]:
    """Samples of both signs and of every size, with zero bytes among them."""
    return [(k * 257 - 512) % 65536 - 32768 if k % 3 else k - 2 for k in range(values)]


EMG: list[tuple[str, int, int, int, list[int]]] = [  # name, seq, sample_index, channels, samples
    ("emg of one sample of 4 channels", 10, 0, 4, [-512, -1, 0, 511]),
    ("emg of 5 samples of 4 channels", 11, 0xFFFFFFFB, 4, ramp(20)),
    ("emg of one sample of one channel", 12, 256, 1, [-32768]),
    ("emg of 2 samples of 16 channels", 13, 65536, 16, ramp(32)),
    ("emg of one sample of 64 channels", 14, 65537, 64, ramp(64)),
    ("emg of zeros", 0, 0, 8, [0] * 8),
    ("emg of 254 bytes without a zero", 0x55, 0x01010101, 1, [0x0101 + k for k in range(121)]),
    ("emg of 254 bytes, samples all zero", 0, 0, 1, [0] * 121),
]


def good_frames() -> list[dict[str, Any]]:
    """A row for each frame that every receiver must take."""
    rows = []
    for name, seq, message in MESSAGES:
        rows.append(_good(name, seq, message, asdict(message), message.pack()))
    for name, seq, index, channels, samples in EMG:
        head = m.Emg(index, len(samples) // channels, EMG_FLAGS)
        fields = {**asdict(head), "samples": samples}
        rows.append(_good(name, seq, head, fields, head.pack() + struct.pack(f"<{len(samples)}h", *samples)))
    return rows


def number(value: int) -> int | str:
    """A number as any JSON reader takes it: many keep no more than 53 bits."""
    return value if value < 1 << 53 else f"0x{value:016x}"


def _good(name: str, seq: int, message: m.Message, fields: dict[str, Any], payload: bytes) -> dict[str, Any]:
    plain = {key: list(map(int, v)) if isinstance(v, tuple | list) else number(int(v)) for key, v in fields.items()}
    return {
        "name": name,
        "type": message.TYPE,
        "seq": seq,
        "fields": plain,
        "payload": payload.hex(),
        "wire": encode(message.TYPE, seq, payload).hex(),
    }


def cobs(body: bytes) -> bytes:
    """COBS of bytes that are no frame: no length, no CRC."""
    return b"".join(bytes((len(part) + 1,)) + part for part in body.split(b"\0")) + b"\0"


def crc_of(body: bytes) -> bytes:
    """The bytes that end a frame."""
    return crc32(body).to_bytes(CRC_BYTES, "little")


def bad_frames() -> list[dict[str, Any]]:
    """A row for each piece of line that no device may act on, and the one counter of STATUS that it raises."""
    ping = encode(m.Ping.TYPE, 7, m.Ping(0x01020304).pack())
    body = bytes((m.Ping.TYPE, 7)) + m.Ping(0x01020305).pack()
    type_only = bytes((m.Ping.TYPE,))
    rows: list[tuple[str, str, bytes]] = [
        ("one bit of the payload flipped", "crc_errors", ping[:4] + bytes((ping[4] ^ 0x10,)) + ping[5:]),
        ("one bit of the CRC flipped", "crc_errors", ping[:8] + bytes((ping[8] ^ 1,)) + ping[9:]),
        ("two bytes changed places", "crc_errors", ping[:4] + ping[5:3:-1] + ping[6:]),
        ("CRC with its high byte first", "crc_errors", cobs(body + crc_of(body)[::-1])),
        ("CRC that is not inverted", "crc_errors", cobs(body + bytes(byte ^ 0xFF for byte in crc_of(body)))),
        ("two frames whose delimiter was lost", "crc_errors", ping[:-1] + ping),
        ("cut off at its end", "length_errors", ping[:6] + b"\0"),
        ("cut off at its start", "length_errors", ping[3:]),
        ("a byte more", "length_errors", ping[:5] + b"\x77" + ping[5:]),
        ("code byte that points past the end", "length_errors", b"\x20" + ping[1:]),
        ("code bytes that miss the end", "length_errors", b"\x06" + ping[1:]),
        ("code byte alone", "length_errors", b"\x01\0"),
        ("a type with a right CRC", "length_errors", cobs(type_only + crc_of(type_only))),
        ("256 bytes without a zero", "length_errors", b"\x01" * (MAX_WIRE_BYTES + 1) + b"\0"),
        ("2000 bytes without a zero", "length_errors", b"\xa5" * 2000 + b"\0"),
        ("255 bytes of noise without a zero", "crc_errors", b"\xff" * MAX_WIRE_BYTES + b"\0"),
        ("a zero more at the end", "crc_errors", ping[:-1] + b"\1\0"),
        ("payload a byte short for its type", "length_errors", encode(m.Ping.TYPE, 7, b"\x01\x02\x03")),
        ("payload a byte long for its type", "length_errors", encode(m.Setpoint.TYPE, 7, b"\x11" * 16)),
        ("payload where there is none", "length_errors", encode(m.Estop.TYPE, 7, b"\x01")),
        ("payload missing", "length_errors", encode(m.Config.TYPE, 7, b"")),
        ("unknown type", "unknown_types", encode(0x55, 7, b"\x01\x02\x03")),
        ("type 0", "unknown_types", encode(0, 7, b"")),
        ("message for the other side", "unknown_types", encode(m.Pong.TYPE, 7, m.Pong(1, 2, 3).pack())),
        ("nothing", "none", b"\0"),
        ("zeros in a row", "none", b"\0" * 300),
    ]
    return [{"name": name, "counter": counter, "wire": wire.hex()} for name, counter, wire in rows]


def document() -> str:
    """The text of frames.json."""
    frames = {"proto_hash": m.PROTO_HASH, "good": good_frames(), "bad": bad_frames()}
    return json.dumps(frames, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the file, or only says whether it is current."""
    current = FILE.exists() and FILE.read_text(encoding="utf-8") == document()
    if "--check" in arguments:
        if not current:
            print("frames.json is not current: run `python tests/vectors/make.py`.", file=sys.stderr)
        return 0 if current else 1
    if not current:
        FILE.write_text(document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
