"""`myobridge devices`: what is plugged in."""

from __future__ import annotations

import click

from myobridge.commands.options import JSON, write_json


@click.command()
@click.argument("ports", nargs=-1)
@JSON
def devices(ports: tuple[str, ...], json_to: str | None) -> None:
    """List serial ports and the hands that answer on them; name PORTS to ask those only.

    Asking opens each port, which resets an Arduino, and sends it a greeting.
    """
    from myobridge.errors import printable
    from myobridge.feed.ports import UNKNOWN, list_ports, probe

    hardware = dict.fromkeys(ports) if ports else list_ports()
    rows = [probe(port) | ({"hardware": what} if what else {}) for port, what in hardware.items()]
    if json_to != "-":
        for row in rows:
            unknown = " (this system does not say what is plugged in there)" if row.get("hardware") == UNKNOWN else ""
            click.echo(printable(f"{row['port']:24} {row['answer']}{unknown}"))
        if not rows:
            click.echo("No serial port found; plug the hand in, or run `myobridge simulate` and name its port here.")
    write_json({"devices": rows}, json_to)
