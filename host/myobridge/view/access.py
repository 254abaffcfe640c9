"""Decides who may open the page, from a request's Host, Origin and token. Pure."""

from __future__ import annotations

import hmac
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

WILDCARDS = ("0.0.0.0", "::")


def is_loopback(address: str) -> bool:
    """Whether only this computer can reach an address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def make_token(address: str) -> str | None:
    """A token for a view that other computers can reach; None on loopback, where no token is needed."""
    return None if is_loopback(address) else secrets.token_urlsafe(16)


def page_urls(address: str, bound: str, port: int, token: str | None) -> list[str]:
    """The addresses to type into a browser: by name, then by number.

    Args:
        address: as given with --bind.
        bound: the numeric address behind it.
        port: TCP port.
        token: part of the address; None without a token.
    """
    name, number = address, bound
    if address in WILDCARDS:
        machine = socket.gethostname()
        name, number = machine if "." in machine else f"{machine}.local", own_number(bound)
    hosts = [f"[{host}]" if ":" in host else host for host in dict.fromkeys((name, number)) if host]
    if token is None:
        del hosts[1:]
    return [f"http://{host}:{port}/" + (f"?token={token}" if token else "") for host in hosts]


def own_number(wildcard: str) -> str:
    """The address at which other computers see this one; empty without a network. Sends nothing."""
    family, elsewhere = (socket.AF_INET6, "2001:db8::1") if ":" in wildcard else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((elsewhere, 9))
            number = str(probe.getsockname()[0])
        except OSError:
            return ""
    return "" if is_loopback(number) or ip_address(number).is_link_local else number


@dataclass(frozen=True)
class Access:
    """The rules. Without a token the view is on loopback and accepts loopback names only.

    With a token it accepts every name: a page that makes its own name point here (DNS rebinding) lacks the token. With
    phones it accepts every name, too: such a page cannot prove that it is paired, see door.py.
    """

    token: str | None
    phones: bool = False

    def refusal(self, hosts: Sequence[str], origins: Sequence[str] | None) -> str | None:
        """Why the headers refuse a request; None if they do not.

        Args:
            hosts: all Host headers of the request.
            origins: all its Origin headers if it opens a WebSocket; None for a plain GET, which changes nothing.
        """
        if len(hosts) != 1 or not self._ours(hosts[0]):
            return "The view does not have this name: open the address that myobridge printed."
        if origins is not None and [origin.lower() for origin in origins] != [f"http://{hosts[0]}".lower()]:
            return "Other pages may not use the view."
        return None

    def lacks_token(self, target: str) -> bool:
        """Whether the query lacks a required token."""
        given = parse_qs(target.partition("?")[2]).get("token", [""])[0]
        return self.token is not None and not hmac.compare_digest(given.encode(errors="replace"), self.token.encode())

    def _ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return is_loopback(name) or ((self.token is not None or self.phones) and bool(name))
