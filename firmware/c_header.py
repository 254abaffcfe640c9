"""Writes messages.h, the C view of protocol.toml: constants, one struct for each message, pack or unpack."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]

C_TYPE = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "i16": "int16_t"}
BYTES = {"u8": 1, "u16": 2, "u32": 4, "i16": 2}

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
    """`<name>_unpack` of a message to the device, `<name>_pack` of one to the host."""
    name, unpack, at = message["name"], message["to"] == "device", 0
    if unpack:
        lines = [f"static inline void {name}_unpack(struct {name} *m, const uint8_t *payload) {{"]
    else:
        lines = [f"static inline void {name}_pack(const struct {name} *m, uint8_t *payload) {{"]
    for field in message["fields"]:
        lines += copy_line(field, at, unpack)
        at += BYTES[field["type"]] * field.get("count", 1)
    return [*lines, "}", ""]


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
        if message["fields"]:
            lines += struct_lines(message) + function_lines(message)
    return "\n".join([*lines, "#endif", ""])
