"""What the hardware documents say about pins, commands and keys exists."""

from __future__ import annotations

import re
from pathlib import Path

import click
import draw
import pytest

from myobridge.commands.command_line import commands
from myobridge.settings import ServoSettings, load_settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted((ROOT / "hardware").glob("*.md"))


def prose(document: Path) -> str:
    """The text without its generated blocks."""
    return re.sub(r"<!-- generated:.*?<!-- end -->", "", document.read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_pin_numbers_stand_in_generated_tables_only(document: Path) -> None:
    assert re.findall(r"\bD\d+\b|\bpins? \d+|\bP[BHL]\d\b", prose(document)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_analogue_inputs_that_are_named_exist_on_every_arduino(document: Path) -> None:
    fewest = min(board.emg_inputs for board in draw.boards())
    assert all(int(n) < fewest for n in re.findall(r"\bA(\d)\b", prose(document)))


def test_values_of_small_parts_stand_in_generated_tables_only() -> None:
    wiring = prose(ROOT / "hardware" / "WIRING.md").split("## Before you switch on")[0]
    assert re.findall(r"[\d.]+ (?:k?Ω|nF|µF)|1N\d+", wiring) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
    assert [t for t in targets if not (document.parent / t).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_their_options_exist(document: Path) -> None:
    for command, rest in re.findall(r"myobridge ([a-z][a-z-]*)([^`\n]*)", prose(document)):
        found = commands.get_command(click.Context(commands), command)
        assert found is not None, command
        known = {option for parameter in found.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_every_config_that_is_printed_loads(tmp_path: Path) -> None:
    blocks = [b for d in DOCUMENTS for b in re.findall(r"```toml\n(.*?)```", d.read_text(encoding="utf-8"), re.S)]
    assert len(blocks) >= 2
    for block in blocks:
        file = tmp_path / "config.toml"
        file.write_text(block, encoding="utf-8")
        load_settings(file)


def test_the_servo_keys_and_defaults_in_the_table_are_the_real_ones() -> None:
    text = (ROOT / "hardware" / "SERVOS.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|.*\| ([^|]+) \|$", text, re.M)
    named = {key: default.split(", ") for keys, default in rows for key in re.findall(r"\w+", keys)}
    assert set(named) == set(ServoSettings.__struct_fields__)
    defaults = ServoSettings()
    assert float(named["min_deg"][0]) == defaults.min_deg[0]
    assert float(named["max_deg"][1]) == defaults.max_deg[0]
    for key in ("pulse_0_us", "pulse_180_us"):
        assert float(named[key][0]) == getattr(defaults, key)[0]
    assert float(named["slew_deg_per_s"][0]) == defaults.slew_deg_per_s
