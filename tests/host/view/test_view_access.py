"""The rules about who may open the page."""

import re

import pytest

from myobridge.view.access import Access, is_loopback, make_token, page_urls

LOCAL = Access(None)
OPEN = Access("secret")


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "localhost", "[::1]:8765", "LOCALHOST:1"])
def test_on_loopback_loopback_names_are_accepted(host):
    assert LOCAL.refusal([host], None) is None
    assert LOCAL.refusal([host], [f"http://{host}"]) is None


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.5:8765", "127.0.0.1.evil.example", "", "[::1", "a@evil"])
def test_a_foreign_name_that_points_here_is_refused(host):
    assert LOCAL.refusal([host], None)


def test_a_request_without_a_host_or_with_two_is_refused():
    assert LOCAL.refusal([], None)
    assert LOCAL.refusal(["localhost", "localhost"], None)


@pytest.mark.parametrize(
    "origins",
    [
        [],
        ["null"],
        ["http://evil.example"],
        ["https://localhost:8765"],
        ["http://localhost"],
        ["http://localhost:8765"] * 2,
    ],
)
def test_a_socket_opened_by_another_page_is_refused(origins):
    assert LOCAL.refusal(["localhost:8765"], origins)


@pytest.mark.parametrize(
    "host",
    [
        "192.168.1.5:8765",
        "[fe80::1]:8765",
        "mypi.lan:8765",
        "pi.fritz.box",
        "MyPi:80",
        "localhost:8765",
        "evil.example",
    ],
)
def test_on_another_address_every_name_is_accepted_because_the_token_decides(host):
    assert OPEN.refusal([host], None) is None
    assert OPEN.refusal([host], [f"http://{host.lower()}"]) is None
    assert OPEN.lacks_token("/")
    assert OPEN.lacks_token("/socket")


@pytest.mark.parametrize("hosts", [[], [""], ["[::1"], ["mypi.lan", "mypi.lan"]])
def test_on_another_address_a_request_has_one_name(hosts):
    assert OPEN.refusal(hosts, None)


def test_on_another_address_foreign_pages_are_also_refused():
    assert OPEN.refusal(["mypi.lan:8765"], ["http://evil.example"])
    assert OPEN.refusal(["mypi.lan:8765"], ["http://mypi.lan"])


@pytest.mark.parametrize(
    "target",
    ["/", "/?token=", "/?token=other", "/?tok=secret", "/?token=%ff", "/?token=\udcff", "/?token=other&token=secret"],
)
def test_a_request_without_the_token_lacks_it(target):
    assert OPEN.lacks_token(target)
    assert not LOCAL.lacks_token(target)


def test_a_request_with_the_token_has_it():
    assert not OPEN.lacks_token("/socket?token=secret")


def test_every_address_but_loopback_needs_a_token():
    assert make_token("127.0.0.1") is make_token("localhost") is make_token("::1") is None
    assert is_loopback("127.3.2.1")
    first, second = make_token("0.0.0.0"), make_token("192.168.1.5")
    assert first != second
    assert len(first) >= 20


def test_the_printed_address_works_in_a_browser():
    assert page_urls("127.0.0.1", "127.0.0.1", 8765, None) == ["http://127.0.0.1:8765/"]
    assert page_urls("localhost", "127.0.0.1", 8765, None) == ["http://localhost:8765/"]
    assert page_urls("::1", "::1", 8765, None) == ["http://[::1]:8765/"]
    assert page_urls("192.168.1.5", "192.168.1.5", 80, "abc") == ["http://192.168.1.5:80/?token=abc"]
    assert page_urls("mypi.lan", "192.168.1.5", 80, "abc") == [
        "http://mypi.lan:80/?token=abc",
        "http://192.168.1.5:80/?token=abc",
    ]


@pytest.mark.parametrize(
    ("machine", "name"), [("mypi", "mypi.local"), ("pi.fritz.box", "pi.fritz.box"), ("mypi.local", "mypi.local")]
)
@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
def test_a_view_on_all_addresses_prints_the_computers_name_and_number(monkeypatch, machine, name, wildcard):
    monkeypatch.setattr("socket.gethostname", lambda: machine)
    first, *others = page_urls(wildcard, wildcard, 80, "abc")
    assert first == f"http://{name}:80/?token=abc"
    assert all(re.fullmatch(r"http://([\d.]+|\[[0-9a-f:]+\]):80/\?token=abc", url) for url in others)
    assert not any(f"//{wildcard}" in url or f"[{wildcard}]" in url for url in (first, *others))
