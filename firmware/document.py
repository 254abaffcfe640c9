"""Writes the generated tables of PROTOCOL.md: messages with worked bytes, enumerations, limits, boards, bandwidth."""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

Spec = dict[str, Any]

STRUCT_CODE: Final = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}
FRAME_OVERHEAD: Final = 8
"""COBS code, type, seq, CRC, ending zero."""
EMG_HEAD: Final = 6
SAFE: Final = (4000,) * 5
ANGLES: Final = ((0,) * 5, (18000,) * 5)
PULSES: Final = ((1000,) * 5, (2000,) * 5)
CONFIG: Final = (0x0F, 1000, 4, 1, 1, *ANGLES[0], *ANGLES[1], *SAFE, *PULSES[0], *PULSES[1], 20000, 40000, 150, 2000)
CRC: Final = zlib.crc32(struct.pack("<QHBBB29H", *CONFIG))
"""The config_crc of this CONFIG."""
EXAMPLES: Final[dict[str, tuple[int, tuple[int, ...]]]] = {  # name: (seq, values in order)
    "hello": (0, (3, 0, 0xBEEF, 0x01020304)),
    "ident": (0, (3, 0, 0xBEEF, 0x01020304, 0, 1, 0, 0xDEADBEEF, 1, 0x1234, 1, 0, 8, 10, 2_000_000)),
    "config": (1, CONFIG),
    "config_ack": (2, (0, 1000, CRC)),
    "start": (2, (CRC,)),
    "stop": (9, ()),
    "emg": (12, (4000, 1, 0)),
    "arm": (3, (1, 0x1234, CRC, 0x3619)),
    "disarm": (8, ()),
    "estop": (8, ()),
    "setpoint": (4, (4000, 9000, 9000, 9000, 9000, 10, 4003)),
    "status": (
        13,
        (2, 3, 8, 7, 5, 3, 0, 0x8001, 0x1234, CRC, 4004, 2_500_000, 4, *SAFE, 0, 1, 1, 0, 0, *(0,) * 8, 640),
    ),
    "ping": (7, (0x01020304,)),
    "pong": (14, (0x01020304, 2_500_500, 4005)),
    "read_limits": (5, ()),
    "write_limits": (6, (*ANGLES[0], *ANGLES[1], *PULSES[0], *PULSES[1], 0)),
    "limits": (15, (0, 1, *ANGLES[0], *ANGLES[1], *PULSES[0], *PULSES[1], 0)),
}
EMG_EXAMPLE: Final = (-2, -1, 0, 511)
"""One sample of four channels."""
BOARD_COLUMNS: Final = {
    "title": "board",
    "id": "`board`",
    "baud": "baud",
    "line_bytes_per_s": "line, bytes/s",
    "max_channels": "inputs",
    "adc_bits": "bits",
    "slot_conversions": "s",
    "max_oversampling": "oversampling",
    "pulses_in_turn": "k",
    "tx_bytes": "sends, bytes",
    "rx_bytes": "receives, bytes",
    "loader_ms": "first STATUS, ms",
}
BANDWIDTH: Final = (
    (4, 1000, 1),
    (4, 1000, 5),
    (4, 2000, 1),
    (4, 2000, 4),
    (4, 2000, 5),
    (8, 1000, 4),
    (8, 2000, 5),
    (8, 2000, 15),
)
"""Channels, sampling rate, samples a frame."""


def struct_format(message: Spec) -> str:
    """`struct` format of a payload's fixed part."""
    return "<" + "".join(f"{f.get('count', '')}{STRUCT_CODE[f['type']]}" for f in message["fields"])


def on_wire(kind: int, seq: int, payload: bytes) -> tuple[bytes, bytes, bytes]:
    """A frame: bare, with its CRC, and as the line carries it."""
    frame = bytes((kind, seq)) + payload
    framed = frame + zlib.crc32(frame).to_bytes(4, "little")
    coded = b"".join(bytes([len(part) + 1]) + part for part in framed.split(b"\0"))
    return frame, framed, coded + b"\0"


def in_hex(data: bytes, width: int = 32) -> list[str]:
    """Lines of at most `width` bytes."""
    return [data[at : at + width].hex(" ") for at in range(0, len(data), width)]


def worked(message: Spec) -> list[str]:
    """One message with its values, as the line carries it."""
    seq, values = EXAMPLES[message["name"]]
    payload, told = struct.pack(struct_format(message), *values), list(values)
    said = []
    for field in message["fields"]:
        count = field.get("count", 1)
        some, told = told[:count], told[count:]
        alike = count > 1 and len(set(some)) == 1
        said.append(f"{field['name']} {some[0]}" + (f" × {count}" if alike else "".join(f" {v}" for v in some[1:])))
    if message.get("variable"):
        payload += struct.pack(f"<{len(EMG_EXAMPLE)}h", *EMG_EXAMPLE)
        said.append("samples " + " ".join(map(str, EMG_EXAMPLE)))
    lines = in_hex(on_wire(message["type"], seq, payload)[2])
    return [f"Example: {', '.join([f'seq {seq}', *said])}.", "", *(f"    {line}" for line in lines), ""]


def message_section(message: Spec) -> list[str]:
    """A message's section."""
    arrow = "host → board" if message["to"] == "board" else "board → host"
    size = struct.calcsize(struct_format(message))
    length = f"{size} + n × channels × 2 bytes" if message.get("variable") else f"{size} bytes"
    title = f"#### `{message['type']:02X}` {message['name'].upper()} ({arrow}, payload {length})"
    lines = [title, "", message["doc"], ""]
    if message["fields"]:
        lines += ["| offset | field | type | meaning |", "|---|---|---|---|"]
        at = 0
        for field in message["fields"]:
            count = field.get("count", 1)
            kind = field["type"] + (f" × {count}" if count > 1 else "")
            lines.append(f"| {at} | `{field['name']}` | {kind} | {field.get('doc', '')} |")
            at += count * struct.calcsize("<" + STRUCT_CODE[field["type"]])
        lines.append("")
    return [*lines, *worked(message)]


def board_rows(boards: Spec) -> list[str]:
    """The table of boards."""
    lines = [f"| {' | '.join(BOARD_COLUMNS.values())} | sample_period_ticks |", "|---" * (len(BOARD_COLUMNS) + 1) + "|"]
    for board in boards.values():
        each = [f"{board['slot_min_ticks']} × channels"] if board["slot_min_ticks"] else []
        extra = [f"{board['period_extra_ticks']}"] if board["period_extra_ticks"] else []
        period = f"{' + '.join(each + extra)} … {board['period_max_ticks']}"
        period += f", only {board['period_base_ticks']} × 2ⁿ" if board["period_base_ticks"] else ""
        told = {**board, "baud": board["baud"] or "USB"}
        lines.append(f"| {' | '.join(str(told[column]) for column in BOARD_COLUMNS)} | {period} |")
    return lines


def bandwidth_rows(spec: Spec) -> list[str]:
    """What a line of 500 000 baud carries: EMG, and everything else."""
    line, most = spec["board"]["mega2560"]["line_bytes_per_s"], spec["limits"]["link_load_max_percent"]
    lines = ["| EMG | frame, bytes | frames/s | bytes/s | of the line |", "|---|---|---|---|---|"]
    for channels, fs_hz, n in BANDWIDTH:
        size = FRAME_OVERHEAD + EMG_HEAD + 2 * n * channels
        load = 100 * size * fs_hz / n / line
        refused = "" if load <= most else ", refused"
        samples = "sample" if n == 1 else "samples"
        lines.append(
            f"| {channels} channels × {fs_hz} Hz, {n} {samples} a frame | {size} | {fs_hz / n:.0f} | "
            f"{size * fs_hz / n:.0f} | {load:.0f} %{refused} |"
        )
    size = {m["name"]: FRAME_OVERHEAD + struct.calcsize(struct_format(m)) for m in spec["message"]}
    lines += ["", "| other frames | bytes | each | of the line, in its direction |", "|---|---|---|---|"]
    for name, rate, when in (
        ("status", 10, "10 a second"),
        ("setpoint", 200, "200 a second"),
        ("ping", 2, "2 a second"),
    ):
        lines.append(f"| {name.upper()} | {size[name]} | {when} | {100 * size[name] * rate / line:.1f} % |")
    return lines


def tables(spec: Spec, proto_hash: int) -> dict[str, str]:
    """Text between `<!-- generated:NAME -->` and `<!-- end -->`, by NAME."""
    messages = [line for message in spec["message"] for line in message_section(message)]
    enums = []
    for kind in ("enum", "bits"):
        for name, members in spec[kind].items():
            body = ", ".join(f"{value} {key}" for key, value in members.items())
            enums.append(f"- **{name}** ({'values' if kind == 'enum' else 'bit numbers'}): {body}")
    limits = ["| limit | value |", "|---|---|", *(f"| `{k}` | {v} |" for k, v in spec["limits"].items())]
    ping = next(m for m in spec["message"] if m["name"] == "ping")
    frame, framed, coded = on_wire(ping["type"], 7, struct.pack(struct_format(ping), 0x01020304))
    return {
        "version": f"Version {spec['protocol']['major']}.{spec['protocol']['minor']}, proto_hash `0x{proto_hash:08X}`.",
        "example": f"    frame    {frame.hex(' ')}\n    with CRC {framed.hex(' ')}\n    on wire  {coded.hex(' ')}",
        "messages": "\n".join(messages).rstrip(),
        "enums": "\n".join(enums),
        "limits": "\n".join(limits),
        "boards": "\n".join(board_rows(spec["board"])),
        "bandwidth": "\n".join(bandwidth_rows(spec)),
    }


def document(text: str, spec: Spec, proto_hash: int) -> str:
    """`text` with every generated block current.

    Raises:
        SystemExit: a block has no place.
    """
    for name, body in tables(spec, proto_hash).items():
        opening, closing = f"<!-- generated:{name} -->", "<!-- end -->"
        head, _, rest = text.partition(opening)
        if not rest or closing not in rest:
            raise SystemExit(f"PROTOCOL.md has no block '{opening} … {closing}': put it back.")
        text = f"{head}{opening}\n{body}\n{closing}{rest.partition(closing)[2]}"
    return text
