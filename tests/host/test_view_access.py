"""Who may open the page of the view."""

import pytest

from myobridge.view.access import Access, is_loopback, make_token, page_url

LOCAL = Access(None)
OPEN = Access("secret")


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "localhost", "[::1]:8765", "LOCALHOST:1"])
def test_on_loopback_loopback_names_are_let_in(host):
    assert LOCAL.refusal([host], None) is None
    assert LOCAL.refusal([host], [f"http://{host}"]) is None


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.5:8765", "127.0.0.1.evil.example", "", "[::1", "a@evil"])
def test_a_foreign_name_that_points_here_is_refused(host):
    assert LOCAL.refusal([host], None)


def test_no_host_or_two_are_refused():
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


def test_on_another_address_numbers_are_let_in_and_foreign_names_are_not():
    assert OPEN.refusal(["192.168.1.5:8765"], ["http://192.168.1.5:8765"]) is None
    assert OPEN.refusal(["evil.example:8765"], None)


@pytest.mark.parametrize(
    "target",
    ["/", "/?token=", "/?token=other", "/?tok=secret", "/?token=%ff", "/?token=\udcff", "/?token=other&token=secret"],
)
def test_without_the_token_nothing_is_shown(target):
    assert OPEN.lacks_token(target)
    assert not LOCAL.lacks_token(target)


def test_with_the_token_it_is_shown():
    assert not OPEN.lacks_token("/socket?token=secret")


def test_only_loopback_needs_no_token():
    assert make_token("127.0.0.1") is make_token("localhost") is make_token("::1") is None
    assert is_loopback("127.3.2.1")
    first, second = make_token("0.0.0.0"), make_token("192.168.1.5")
    assert first != second
    assert len(first) >= 20


def test_the_printed_address_is_one_to_type_into_a_browser():
    assert page_url("127.0.0.1", 8765, None) == "http://127.0.0.1:8765/"
    assert page_url("::1", 8765, None) == "http://[::1]:8765/"
    assert page_url("192.168.1.5", 80, "abc") == "http://192.168.1.5:80/?token=abc"
    assert "0.0.0.0" not in page_url("0.0.0.0", 80, "abc")
