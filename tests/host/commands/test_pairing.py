"""The QR code and the addresses that a phone opens."""

import pytest
import segno

from myobridge.commands import pairing
from myobridge.commands.pairing import HALVES, QUIET_ZONE, code, own_hosts, page_port

URL = "http://192.168.178.31:8765/wear#AAECAwQFBgcICQoLDA0ODw"


def modules(lines):
    """The dark modules of the printed letters."""
    halves = {letter: pair for pair, letter in HALVES.items()}
    rows = []
    for line in lines:
        pairs = [halves[letter] for letter in line]
        rows += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    return rows


def test_the_printed_letters_are_the_qr_code_with_a_light_border():
    rows = modules(code(URL, coloured=False).splitlines())
    expected = [[bool(dark) for dark in row] for row in segno.make_qr(URL, error="l").matrix_iter(border=QUIET_ZONE)]
    assert rows[: len(expected)] == expected
    assert not any(map(any, rows[len(expected) :]))


def test_the_code_has_its_own_colours_on_any_terminal_and_fits_into_80_columns():
    lines = code(URL, coloured=True).splitlines()
    assert all(line.startswith("\x1b[97;40m") and line.endswith("\x1b[0m") for line in lines)
    assert len(code(URL, coloured=False).splitlines()[0]) <= 50


def test_numbers_come_before_the_name_because_not_every_phone_resolves_the_name(monkeypatch):
    monkeypatch.setattr(pairing, "own_number", lambda _wildcard: "192.168.1.5")
    monkeypatch.setattr(pairing, "_numbers", lambda: iter(["10.0.0.5", "192.168.1.5"]))
    monkeypatch.setattr(pairing.socket, "gethostname", lambda: "mypi")
    assert own_hosts() == ["192.168.1.5", "10.0.0.5", "mypi.local"]


@pytest.mark.parametrize(
    ("port", "page"),
    [(None, 1), ("/dev/ttyACM0", 1), ("/dev/myobridge", 1), ("/dev/myobridge-left", 8766)],
)
def test_the_name_of_an_installed_hand_leads_to_its_page(port, page):
    assert page_port(port, 1) == page
