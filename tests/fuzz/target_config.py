"""A settings file → settings that fit into CONFIG, or one sentence."""

from __future__ import annotations

from pathlib import Path

from promises import in_a_sentence
from scratch import holding
from target_log import IDENT

from myobridge.board import board_config
from myobridge.settings import load_settings
from myobridge.wire import messages as m
from tiny_model import tiny_spec

EXAMPLE = Path(__file__).parents[2] / "host" / "config.toml"
TABLES = ("[link]", "[acquisition]", "[servo]", "[safety]", "[realtime]")


def seeds() -> list[bytes]:
    """The reference file, and each of its settings without the comment sign."""
    text = EXAMPLE.read_text(encoding="utf-8")
    settings, table = [], ""
    for line in text.splitlines():
        bare = line.lstrip("# ")
        table = bare if bare in TABLES else table
        if " = " in bare:
            settings.append(f"{table}\n{bare}\n".encode())
    return [text.encode(), *settings, b"", b"a.b = 1\n", b'[servo]\nmin_deg = [1, 2, 3]\n"\xc3\xa9" = {}\n']


def fuzz(data: bytes) -> None:
    with holding(data, ".toml") as path:
        config = in_a_sentence(load_settings, path)
    message = config and in_a_sentence(board_config, IDENT, tiny_spec(), config)
    if message:
        assert m.Config.unpack(message.pack()) == message
