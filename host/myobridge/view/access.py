"""Who may open the page: Host, Origin and token of a request. Pure: no socket here."""

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
    """Whether an address is reachable from this machine only."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def make_token(address: str) -> str | None:
    """A token for a view that others can reach; None for one on loopback, which needs none."""
    return None if is_loopback(address) else secrets.token_urlsafe(16)


def page_urls(address: str, bound: str, port: int, token: str | None) -> list[str]:
    """What to type into a browser: by name, then by number.

    Args:
        address: as it was given with --bind.
        bound: the numeric address that it is.
        port: TCP port.
        token: goes with it; None for none.
    """
    name, number = address, bound
    if address in WILDCARDS:
        machine = socket.gethostname()
        name, number = machine if "." in machine else f"{machine}.local", _own_number(bound)
    hosts = [f"[{host}]" if ":" in host else host for host in dict.fromkeys((name, number)) if host]
    if token is None:
        del hosts[1:]
    return [f"http://{host}:{port}/" + (f"?token={token}" if token else "") for host in hosts]


def _own_number(wildcard: str) -> str:
    """The address under which others see this machine; empty where it has no network. Nothing is sent."""
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
    """The rules. Without a token the view is on loopback, and only loopback names are let in.

    With a token every name is: a page that made its own name point here (DNS rebinding) does not know the token.
    """

    token: str | None

    def refusal(self, hosts: Sequence[str], origins: Sequence[str] | None) -> str | None:
        """Why a request is refused by its headers; None if it is not.

        Args:
            hosts: all its Host headers.
            origins: all its Origin headers where it opens a WebSocket; None for a plain GET, which changes nothing.
        """
        if len(hosts) != 1 or not self._ours(hosts[0]):
            return "This name is not the view's: open the address that myobridge printed."
        if origins is not None and [origin.lower() for origin in origins] != [f"http://{hosts[0]}".lower()]:
            return "Another page may not use the view."
        return None

    def lacks_token(self, target: str) -> bool:
        """Whether path and query come without the token that they need."""
        given = parse_qs(target.partition("?")[2]).get("token", [""])[0]
        return self.token is not None and not hmac.compare_digest(given.encode(errors="replace"), self.token.encode())

    def _ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return is_loopback(name) or (self.token is not None and bool(name))
