"""Reads the few protobuf messages in our model files, and writes single fields.

Field numbers: onnx.proto of github.com/onnx/onnx; wire format: protobuf.dev/programming-guides/encoding. The reader
refuses everything that is not in its tables, so external data, subgraphs, functions, sparse tensors and later additions
to ONNX need no rules of their own. A general protobuf reader skips unknown fields, which onnxruntime would then read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MAX_FIELDS: Final = 100_000
"""Limit for all messages of a file together; our networks have 5000."""

VARINT, BYTES, FIXED32 = 0, 2, 5


class Refused(Exception):
    """Why these bytes are not a myobridge model."""


class Message:
    """A message type: its name and its fields, number → (name, wire type). A field with a * may be repeated."""

    def __init__(self, name: str, fields: dict[int, tuple[str, int]]) -> None:
        self.name = name
        self.tags = {number << 3 | kind: (field.rstrip("*"), "*" in field) for number, (field, kind) in fields.items()}
        """Tag in front of a field in the file → name of the field, and whether it may be repeated."""


MODEL = Message(
    "ModelProto",
    {
        1: ("ir_version", VARINT),
        2: ("producer_name", BYTES),
        3: ("producer_version", BYTES),
        4: ("domain", BYTES),
        5: ("model_version", VARINT),
        6: ("doc_string", BYTES),
        7: ("graph", BYTES),
        8: ("opset_import*", BYTES),
        14: ("metadata_props*", BYTES),
    },
)
OPSET = Message("OperatorSetIdProto", {1: ("domain", BYTES), 2: ("version", VARINT)})
ENTRY = Message("StringStringEntryProto", {1: ("key", BYTES), 2: ("value", BYTES)})
GRAPH = Message(
    "GraphProto",
    {
        1: ("node*", BYTES),
        2: ("name", BYTES),
        5: ("initializer*", BYTES),
        10: ("doc_string", BYTES),
        11: ("input*", BYTES),
        12: ("output*", BYTES),
        13: ("value_info*", BYTES),
    },
)
NODE = Message(
    "NodeProto",
    {
        1: ("input*", BYTES),
        2: ("output*", BYTES),
        3: ("name", BYTES),
        4: ("op_type", BYTES),
        5: ("attribute*", BYTES),
        6: ("doc_string", BYTES),
        7: ("domain", BYTES),
    },
)
ATTRIBUTE = Message(
    "AttributeProto",
    {
        1: ("name", BYTES),
        2: ("f", FIXED32),
        3: ("i", VARINT),
        5: ("t", BYTES),
        8: ("ints*", VARINT),
        13: ("doc_string", BYTES),
        20: ("type", VARINT),
    },
)
TENSOR = Message(
    "TensorProto",
    {
        1: ("dims*", VARINT),
        2: ("data_type", VARINT),
        8: ("name", BYTES),
        9: ("raw_data", BYTES),
        12: ("doc_string", BYTES),
    },
)
VALUE_INFO = Message("ValueInfoProto", {1: ("name", BYTES), 2: ("type", BYTES), 3: ("doc_string", BYTES)})
TYPE = Message("TypeProto", {1: ("tensor_type", BYTES)})
TENSOR_TYPE = Message("TypeProto.Tensor", {1: ("elem_type", VARINT), 2: ("shape", BYTES)})
SHAPE = Message("TensorShapeProto", {1: ("dim*", BYTES)})
DIMENSION = Message("Dimension", {1: ("dim_value", VARINT), 2: ("dim_param", BYTES)})


class Fields:
    """The fields of one message; absent fields are empty or 0, as in protobuf."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[int]] = {}
        self.parts: dict[str, list[memoryview]] = {}

    def number(self, name: str) -> int:
        """The first or only value of a numeric field."""
        return self.numbers.get(name, (0,))[0]

    def part(self, name: str) -> memoryview:
        """The first or only value of a field of bytes."""
        return self.parts.get(name, (memoryview(b""),))[0]

    def text(self, name: str) -> str:
        """The first or only value of a text field."""
        return bytes(self.part(name)).decode("utf-8", "replace")


class Reader:
    """Reads the messages of one file, which may have MAX_FIELDS fields in all."""

    def __init__(self) -> None:
        self._fields_left = MAX_FIELDS

    def read(self, data: memoryview, message: Message) -> Fields:
        """The fields of a message that fills `data`. Numbers of one byte, by far the most, are read without a call."""
        found, at, end = Fields(), 0, len(data)
        tags, numbers, parts, left = message.tags, found.numbers, found.parts, self._fields_left
        while at < end:
            left -= 1
            if left < 0:
                raise Refused(f"the file has more than {MAX_FIELDS} fields")
            tag, at = _varint(data, at) if data[at] >= 0x80 else (data[at], at + 1)
            if tag not in tags:
                raise Refused(f"{message.name} has a field {tag >> 3} of kind {tag & 7}")
            name, again = tags[tag]
            kind = tag & 7
            if kind == FIXED32:
                number = 4
            elif at < end and data[at] < 0x80:
                number, at = data[at], at + 1
            else:
                number, at = _varint(data, at)
            values: list[int] | list[memoryview]
            if kind == VARINT:
                values = numbers.setdefault(name, [])
                values.append(number)
            else:
                if number > end - at:
                    raise Refused("the file is cut off")
                values = parts.setdefault(name, [])
                values.append(data[at : at + number])
                at += number
            if len(values) > 1 and not again:
                raise Refused(f"{message.name} has {name} twice")
        self._fields_left = left
        return found

    def each(self, parts: Fields, name: str, message: Message) -> Iterator[Fields]:
        """The messages of a repeated field."""
        return (self.read(part, message) for part in parts.parts.get(name, ()))


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A varint of at most 64 bits, and the position of the next byte."""
    value = shift = 0
    while shift < 64:
        if at >= len(data):
            raise Refused("the file is cut off")
        byte = data[at]
        at += 1
        if byte < 0x80:
            return value | byte << shift, at
        value |= (byte & 0x7F) << shift
        shift += 7
    raise Refused("a number is too long")


def varint(value: int) -> bytes:
    """A non-negative number in the format of protobuf."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def field(message: Message, name: str, value: int | bytes | memoryview) -> bytes:
    """One field of a message, as bytes for the file."""
    head = varint(next(tag for tag, (known, _) in message.tags.items() if known == name))
    return head + varint(value) if isinstance(value, int) else b"".join((head, varint(len(value)), value))
