"""`myobridge view --pair`: makes a key for a phone, and shows a QR code with the address that the phone opens."""

from __future__ import annotations

import fcntl
import http.client
import shlex
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import click
import segno

from myobridge.commands.options import say
from myobridge.daemon.service.hand import ONLY, Hand
from myobridge.view.access import own_number
from myobridge.view.phones import Phones

PAGE: Final = "/wear"
SIOCGIFADDR: Final = 0x8915
"""Linux, netdevice(7): the address of an interface."""
INTERFACES: Final = Path("/sys/class/net")
TRY_S: Final = 1.0
OPENS_S: Final = 5.0
"""A view that serves its first phone opens its other address within a second."""
QUIET_ZONE: Final = 3
WHITE_ON_BLACK: Final = "\x1b[97;40m"
"""The code's own colours, so that a phone reads it on any terminal."""
PLAIN: Final = "\x1b[0m"
HALVES: Final = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}
"""Two modules of a column, (upper, lower) dark, as the light half of a letter."""


def change_phones(port: str | None, view_port: int, added: str | None, revoked: str | None, *, listed: bool) -> None:
    """Shuts a phone out, pairs a phone, and lists the phones, as far as each was asked for.

    added: the name of a phone to pair, or an empty text; None: pair none.
    """
    if revoked is not None:
        revoke_phone(revoked)
    if added is not None:
        pair_phone(added, page_port(port, view_port))
    if listed:
        list_phones()


def page_port(port: str | None, view_port: int) -> int:
    """The TCP port of the page of an installed hand, if `port` is one's stable name, else the given one."""
    name = (port or "").removeprefix(f"{ONLY.link}-")
    return Hand(name).view_port if port and name != port else view_port


def pair_phone(name: str, view_port: int) -> None:
    """Pairs a phone and shows how it gets in: a QR code, and the same address as text."""
    phone = Phones().pair(name)
    hosts = own_hosts()
    answering = [host for host in hosts if answers(host, view_port)] if _opens(hosts, view_port) else []
    urls = [f"http://{host}:{view_port}{PAGE}#{phone.key}" for host in answering or hosts]
    if not urls:
        say(
            "This computer is in no network, so the phone cannot reach it; connect it, then revoke this phone and pair."
        )
        return
    click.echo(code(urls[0], coloured=sys.stdout.isatty()))
    click.echo(f"Open this with the camera of the phone, which must be in the same network:\n\n  {urls[0]}\n")
    if len(urls) > 1:
        click.echo("If the phone does not reach that address, type one of these:\n")
        click.echo("".join(f"  {url}\n" for url in urls[1:]))
    click.echo(f"{phone.name} is paired. Whoever has this code controls the hand: show it to nobody else.")
    click.echo(f"`myobridge view --revoke {shlex.quote(phone.name)}` shuts the phone out again.")
    if not answering:
        say(
            f"No view answers on port {view_port} yet; start the service with `install-service --view`, or "
            "`myobridge view --port P --phones --control`."
        )


def list_phones() -> None:
    """Prints each paired phone with the date of its pairing."""
    phones = Phones().read()
    for phone in phones:
        click.echo(f"{phone.date}  {phone.name}")
    if not phones:
        say("No phone is paired; `myobridge view --pair` pairs one.")


def revoke_phone(name: str) -> None:
    """Shuts a phone out."""
    say(f"{Phones().revoke(name).name} is shut out; a page that it has open ends within a second.")


def code(url: str, *, coloured: bool) -> str:
    """The QR code as lines of letters, two modules high each."""
    rows = [[bool(dark) for dark in row] for row in segno.make_qr(url, error="l").matrix_iter(border=QUIET_ZONE)]
    rows += [[False] * len(rows[0])] * (len(rows) % 2)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    lines = ("".join(HALVES[cell] for cell in zip(upper, lower, strict=True)) for upper, lower in pairs)
    return "\n".join(f"{WHITE_ON_BLACK}{line}{PLAIN}" if coloured else line for line in lines)


def own_hosts() -> list[str]:
    """How other computers may reach this one, the likeliest first: the numbers of its interfaces, and its name."""
    numbers = list(dict.fromkeys((own_number("0.0.0.0"), *_numbers())))
    machine = socket.gethostname()
    return [host for host in (*numbers, machine if "." in machine else f"{machine}.local") if host]


def answers(host: str, port: int) -> bool:
    """Whether a view serves its page there."""
    link = http.client.HTTPConnection(host, port, timeout=TRY_S)
    try:
        link.request("GET", PAGE)
        return link.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException, UnicodeError):
        return False
    finally:
        link.close()


def _opens(hosts: Sequence[str], port: int) -> bool:
    """Waits for the view to open its address to other computers, if a view serves this one."""
    if not answers("127.0.0.1", port):
        return False
    until_s = time.monotonic() + OPENS_S
    while time.monotonic() < until_s:
        if any(answers(host, port) for host in hosts[:1]):
            return True
        time.sleep(TRY_S / 4)
    return True


def _numbers() -> Iterator[str]:
    """The IPv4 addresses of the interfaces that lead to other computers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _, name in socket.if_nameindex():
            if (INTERFACES / name / "bridge").exists():  # of containers
                continue
            with suppress(OSError):
                request = struct.pack("256s", name.encode()[:15])
                number = socket.inet_ntoa(fcntl.ioctl(asker, SIOCGIFADDR, request)[20:24])
                if not (ip_address(number).is_loopback or ip_address(number).is_link_local):
                    yield number
