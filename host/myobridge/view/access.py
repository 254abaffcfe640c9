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


def page_url(address: str, port: int, token: str | None) -> str:
    """What to type into a browser."""
    host = f"{socket.gethostname()}.local" if address in WILDCARDS else address
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/" + (f"?token={token}" if token else "")


@dataclass(frozen=True)
class Access:
    """The rules. Without a token the view is on loopback, and only loopback names are let in."""

    token: str | None

    def refusal(self, hosts: Sequence[str], origins: Sequence[str] | None) -> str | None:
        """Why a request is refused by its headers; None if it is not.

        Args:
            hosts: all its Host headers.
            origins: all its Origin headers where it opens a WebSocket; None for a plain GET, which changes nothing.
        """
        if len(hosts) != 1 or not self._ours(hosts[0]):
            return "This name is not the view's: open the address that myobridge printed."
        if origins is not None and list(origins) != [f"http://{hosts[0]}"]:
            return "Another page may not use the view."
        return None

    def lacks_token(self, target: str) -> bool:
        """Whether path and query come without the token that they need."""
        given = parse_qs(target.partition("?")[2]).get("token", [""])[0]
        return self.token is not None and not hmac.compare_digest(given.encode(errors="replace"), self.token.encode())

    def _ours(self, host: str) -> bool:
        """Against DNS rebinding: a foreign name that was made to point here is not let in; a bare address can't be."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if is_loopback(name):
            return True
        if self.token is None:
            return False
        machine = socket.gethostname().lower()
        return name in (machine, f"{machine}.local") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
