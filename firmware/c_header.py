"""Writes the generated C: messages.h (constants, each message's struct and pack or unpack), board_table.h (what each
board can do), and the CRC's table."""

from __future__ import annotations

import zlib
from typing import Any, Final

Spec = dict[str, Any]

C_TYPE = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t"}
BYTES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}

PREAMBLE = """\
/* Messages of the wire protocol. Generated from firmware/protocol.toml by firmware/generate.py; do not edit. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stdint.h>
"""

HELPERS = """\
static inline uint16_t get_u16(const uint8_t *at) {
    return (uint16_t)(at[0] | (uint16_t)((uint16_t)at[1] << 8));
}

static inline uint32_t get_u32(const uint8_t *at) {
    return get_u16(at) | ((uint32_t)get_u16(at + 2) << 16);
}

static inline uint64_t get_u64(const uint8_t *at) {
    return get_u32(at) | ((uint64_t)get_u32(at + 4) << 32);
}

static inline void put_u16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void put_u32(uint8_t *at, uint32_t value) {
    put_u16(at, (uint16_t)value);
    put_u16(at + 2, (uint16_t)(value >> 16));
}
"""


def payload_bytes(message: Spec) -> int:
    """Length of a payload's fixed part."""
    return sum(BYTES[f["type"]] * f.get("count", 1) for f in message["fields"])


def enum_lines(prefix: str, members: Spec, pattern: str) -> list[str]:
    """An enum whose values are its members' through `pattern`."""
    body = [f"    {prefix}_{key.upper()} = {pattern.format(value)}," for key, value in members.items()]
    return [f"enum {prefix.lower()} {{", *body, "};", ""]


def struct_lines(message: Spec) -> list[str]:
    """A struct with the message's fields in natural alignment; not its layout on the wire."""
    lines = [f"/* {message['doc']} */", f"struct {message['name']} {{"]
    for field in message["fields"]:
        array = f"[{field['count']}]" if field.get("count") else ""
        lines.append(
            f"    {C_TYPE[field['type']]} {field['name']}{array};"
            + (f" /* {field['doc']} */" if "doc" in field else "")
        )
    return [*lines, "};", ""]


def copy_line(field: Spec, at: int, unpack: bool) -> list[str]:
    """Statements that copy one field between the payload at `at` and the struct `m`."""
    size, count = BYTES[field["type"]], field.get("count")
    index = ["i" if size == 1 else f"{size} * i"] if count else []
    name = f"m->{field['name']}" + ("[i]" if count else "")
    if size == 1:
        byte = f"payload[{' + '.join([str(at), *index])}]"
        copy = f"{name} = {byte};" if unpack else f"{byte} = {name};"
    else:
        where = " + ".join(["payload", *([str(at)] if at else []), *index])
        copy = f"{name} = get_u{8 * size}({where});" if unpack else f"put_u{8 * size}({where}, {name});"
    if not count:
        return [f"    {copy}"]
    return [f"    for (uint8_t i = 0; i < {count}; i++) {{", f"        {copy}", "    }"]


def function_lines(message: Spec) -> list[str]:
    """`<name>_unpack` of a message to the board, `<name>_pack` of one to the host."""
    name, unpack, at = message["name"], message["to"] == "board", 0
    if unpack:
        lines = [f"static inline void {name}_unpack(struct {name} *m, const uint8_t *payload) {{"]
    else:
        lines = [f"static inline void {name}_pack(const struct {name} *m, uint8_t *payload) {{"]
    for field in message["fields"]:
        lines += copy_line(field, at, unpack)
        at += BYTES[field["type"]] * field.get("count", 1)
    return [*lines, "}", ""]


LONG_BYTES = 40
"""A message to the host that is longer is written field by field: a small board's stack has no room for its struct."""


def offset_lines(message: Spec) -> list[str]:
    """An enum of the places of a message's fields in its payload."""
    lines, at = [f"/* {message['doc']} Where its fields lie. */", f"enum {message['name']}_at {{"], 0
    for field in message["fields"]:
        doc = f" /* {field['doc']} */" if "doc" in field else ""
        lines.append(f"    {message['name'].upper()}_AT_{field['name'].upper()} = {at},{doc}")
        at += BYTES[field["type"]] * field.get("count", 1)
    return [*lines, "};", ""]


def message_lines(message: Spec) -> list[str]:
    """What the firmware needs to read or write a message."""
    if not message["fields"]:
        return []
    if message["to"] == "host" and payload_bytes(message) > LONG_BYTES:
        return offset_lines(message)
    return struct_lines(message) + function_lines(message)


def c_header(spec: Spec, proto_hash: int) -> str:
    """The text of messages.h."""
    lines = [PREAMBLE, f"#define PROTO_HASH 0x{proto_hash:08X}UL"]
    lines += [
        f"#define {key.upper()} {value}{'UL' if value > 0xFFFF else 'U'}" for key, value in spec["protocol"].items()
    ]
    lines += [f"#define {key.upper()} {value}U" for key, value in spec["limits"].items()]
    lines.append("")
    for name, members in spec["enum"].items():
        lines += enum_lines(name.upper(), members, "{}")
    for name, members in spec["bits"].items():
        lines += enum_lines(name.upper(), members, "1 << {}")
    lines += enum_lines("MSG", {m["name"]: f"0x{m['type']:02X}" for m in spec["message"]}, "{}")
    lines.append("/* Payload bytes; an EMG's are only its fixed part. */")
    lines += enum_lines("MSG_BYTES", {m["name"]: payload_bytes(m) for m in spec["message"]}, "{}")
    lines.append(HELPERS)
    for message in spec["message"]:
        lines += message_lines(message)
    return "\n".join([*lines, "#endif", ""])


BOARD_TABLE_HEAD = """\
/* What each board can do. Generated from firmware/protocol.toml by firmware/generate.py; do not edit. */
#ifndef BOARD_TABLE_H
#define BOARD_TABLE_H
"""

BOARD_FACTS = (
    "baud",
    "line_bytes_per_s",
    "tick_hz",
    "slot_min_ticks",
    "period_extra_ticks",
    "period_max_ticks",
    "period_base_ticks",
    "max_channels",
    "adc_bits",
    "slot_conversions",
    "max_oversampling",
    "pulses_in_turn",
)
"""Columns of the table that the firmware compiles; the others are the host's to know."""


LINK_UNIT_HZ: Final = 10_000
"""As in configure.c, which works out the load of the line in 32 bits."""


def check_link_arithmetic(name: str, board: Spec, spec: Spec) -> None:
    """Refuses a board whose load of the line configure.c cannot work out."""
    line, tick_hz, samples = board["line_bytes_per_s"], board["tick_hz"], spec["protocol"]["max_frame_bytes"] // 2
    most = spec["limits"]["link_load_max_percent"] * line // LINK_UNIT_HZ // 10 * samples * board["period_max_ticks"]
    if line % LINK_UNIT_HZ or tick_hz % LINK_UNIT_HZ or most >= 1 << 32:
        raise ValueError(f"{name}: line_bytes_per_s, tick_hz or period_max_ticks does not suit configure.c")


def board_table(spec: Spec) -> str:
    """The text of board_table.h: the fields of each board's `struct board_info`."""
    lines = [BOARD_TABLE_HEAD, f"#define HOST_BAUD {spec['board']['mega2560']['baud']}", ""]
    for name, board in spec["board"].items():
        check_link_arithmetic(name, board, spec)
        facts = [f".board = {board['id']}", *(f".{fact} = {board[fact]}" for fact in BOARD_FACTS)]
        lines += [f'#define {name.upper()}_TITLE "{board["title"]}"', f"#define {name.upper()}_BAUD {board['baud']}"]
        lines += [f"#define {name.upper()}_MAX_CHANNELS {board['max_channels']}"]
        if board["period_base_ticks"]:
            lines += [f"#define {name.upper()}_PERIOD_BASE_TICKS {board['period_base_ticks']}U"]
        lines += [f"#define BOARD_FACTS_{name.upper()} \\", *(f"    {fact}, \\" for fact in facts[:-1])]
        lines += [f"    {facts[-1]}", ""]
    return "\n".join([*lines, "#endif", ""])


CRC_TABLE_HEAD = """\
/* What each byte makes of the running CRC-32 of 0. Generated by firmware/generate.py; do not edit. */
#ifndef CRC_TABLE_H
#define CRC_TABLE_H

#include <stdint.h>

#include "boards/flash.h"

static const uint32_t CRC_TABLE[256] IN_FLASH = {
"""


def crc_table() -> str:
    """The text of crc_table.h."""
    table = [f"0x{~zlib.crc32(bytes((byte,)), 0xFFFFFFFF) & 0xFFFFFFFF:08X}" for byte in range(256)]
    rows = ["    " + ", ".join(table[at : at + 8]) + "," for at in range(0, 256, 8)]
    return "\n".join([CRC_TABLE_HEAD + rows[0], *rows[1:], "};", "", "#endif", ""])
