"""The firmware's documents name only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sim_faults import FAULTS

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
DOCUMENTS = ("README.md", "SAFETY.md", "PROTOCOL.md")


def text_of(name: str) -> str:
    return (FIRMWARE / name).read_text(encoding="utf-8")


def test_every_test_that_safety_names_exists() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "firmware").glob("test_*.py"))
    names = set(re.findall(r"`(test_\w+)`", text_of("SAFETY.md")))
    assert len(names) > 20
    assert {name for name in names if f"def {name}(" not in tests} == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_is_named_or_linked_exists(name: str) -> None:
    text = text_of(name)
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link}
    named = {path for path in re.findall(r"`((?:src|tests)/[\w/.]+)`", text) if "<" not in path}
    for path in links | named:
        assert (FIRMWARE / path).exists() or (ROOT / path).exists(), path
    for path in re.findall(r"`(test_\w+\.py)`", text):
        assert (ROOT / "tests" / "firmware" / path).exists(), path


def test_safety_lists_every_fault_that_is_injected() -> None:
    listed = {row.split("|")[1].strip() for row in text_of("SAFETY.md").splitlines() if row.startswith("| ")}
    for number in FAULTS:
        assert re.sub(r"[a-z]", "", number) in listed, number


def test_safety_gives_each_value_of_protocol_toml_that_it_names_as_it_is() -> None:
    limits = dict(re.findall(r"^(\w+) = (\d+)", text_of("protocol.toml"), re.MULTILINE))
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", text_of("SAFETY.md"), re.MULTILINE)
    assert len(rows) >= 5
    assert [(name, value) for name, value in rows if limits[name] != value] == []


def test_nothing_claims_what_it_must_not() -> None:
    for name in DOCUMENTS:
        text = text_of(name).lower()
        assert "fail-safe" not in text and "failsafe" not in text and "medical grade" not in text
        assert "standard" not in text or "claims no standard" in text or name != "SAFETY.md"
