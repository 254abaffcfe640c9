"""The troubleshooting page has a row for everything that hand, daemon and doctor can report, and no other row."""

import re
from pathlib import Path

import msgspec
import pytest

from myobridge.decoder.pipeline import Withheld
from myobridge.doctor.facts import BoardFacts, ChannelFacts, Facts, PortFacts, StreamFacts, SystemFacts
from myobridge.doctor.findings import KINDS
from myobridge.wire.messages import HOLD_MAX_MS, RELAX_MAX_MS, STALL_MS, SUPPLY_MIN_MV, Blocker, Reason

HOST = Path(__file__).parents[3] / "host"
PAGE = (HOST / "TROUBLESHOOTING.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")}


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("What the hand says", [reason.name.lower() for reason in Reason if reason is not Reason.NONE]),
        ("Why the hand cannot be armed", [blocker.name.lower() for blocker in Blocker]),
        ("Why no setpoint is sent", [*(w.name.lower() for w in Withheld if w), "superseded"]),
        ("What the doctor finds", list(KINDS)),
    ],
)
def test_each_name_has_its_row(section, names):
    assert [row[0] for row in rows(section)] == [f"`{name}`" for name in names]


def test_every_row_has_symptom_cause_and_fix():
    for section in SECTIONS:
        for row in rows(section):
            assert all(row), row
            assert len(row) >= 2, row


def test_the_doctors_rows_equal_its_table():
    assert [row[1:] for row in rows("What the doctor finds")] == [list(kind) for kind in KINDS.values()]


def test_every_field_of_the_json_is_described():
    described = " ".join(cell for row in rows("The findings as JSON") for cell in row)
    for kind in (Facts, PortFacts, SystemFacts, BoardFacts, StreamFacts, ChannelFacts):
        for field in msgspec.structs.fields(kind):
            assert re.search(rf"[`.]{field.name}`", described), field.name


def test_numbers_match_the_protocol():
    said = {row[0]: " ".join(row) for row in rows("What the hand says")}
    assert f"{HOLD_MAX_MS} ms" in said["`setpoints_stopped`"]
    assert f"{RELAX_MAX_MS // 1000} s" in said["`silent_too_long`"]
    assert f"{STALL_MS} ms" in said["`sampling_stalled`"]
    assert f"{SUPPLY_MIN_MV / 1000} V" in said["`supply_low`"]


def test_every_link_has_a_target():
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in SECTIONS}
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, anchor = link.partition("#")
        assert (HOST / path).exists(), link
        assert path or anchor in anchors, link
    for path in re.findall(r"hardware/\w+\.md", PAGE):
        assert (HOST.parent / path).exists(), path
