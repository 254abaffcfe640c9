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
    from myobridge.devices import list_ports, probe

    rows = [probe(port) for port in ports or list_ports()]
    if json_to != "-":
        for row in rows:
            click.echo(f"{row['port']:24} {row['answer']}")
        if not rows:
            click.echo("No serial port found; plug the hand in, or run `myobridge simulate` and name its port here.")
    write_json({"devices": rows}, json_to)
