"""`myobridge devices`: the serial ports and the boards on them."""

from __future__ import annotations

import click

from myobridge.commands.options import JSON, write_json


@click.command()
@click.argument("ports", nargs=-1)
@JSON
def devices(ports: tuple[str, ...], json_to: str | None) -> None:
    """List the serial ports and the boards that answer on them. Give PORTS to ask these ports only.

    The command opens each port, which resets an Arduino, and sends a HELLO message.
    """
    from myobridge.errors import printable
    from myobridge.feed.ports import UNKNOWN, list_ports, probe

    hardware = dict.fromkeys(ports) if ports else list_ports()
    rows = [probe(port) | ({"hardware": what} if what else {}) | _belongs(port) for port, what in hardware.items()]
    if json_to != "-":
        for row in rows:
            unknown = (
                " (the operating system does not say what is plugged in there)"
                if row.get("hardware") == UNKNOWN
                else ""
            )
            click.echo(printable(f"{row['port']:24} {row['answer']}{unknown}"))
            if "board" in row and ("hand" in row or "known_by" in row):
                click.echo(printable(" " * 25 + "; ".join(row[key] for key in ("hand", "known_by") if key in row)))
        if not rows:
            click.echo(
                "There is no serial port; plug the board in, or run `myobridge simulate` and name its port here."
            )
    write_json({"devices": rows}, json_to)


def _belongs(port: str) -> dict[str, str]:
    """Which installed hand has the port, and how the service of a new hand would recognise the board."""
    from myobridge.daemon.service.board import known_by
    from myobridge.daemon.service.hand import hand_on

    hand, known = hand_on(port), known_by(port)
    return ({"hand": hand} if hand else {}) | ({"known_by": known} if known else {})
