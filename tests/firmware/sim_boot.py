"""How long each program takes from opening the port of a board as it is sold: the numbers of firmware/README.md.

    python tests/firmware/sim_boot.py --phases 300

The programs' own code opens the port, in simulated time (`sim_port.py`).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from functools import cache, partial
from typing import Final

from sim_port import ELF_OF, SimPort, port_of, replaced

from myobridge.board import board_config
from myobridge.calibration.byte_source import PortBytes
from myobridge.channels import spec_for
from myobridge.daemon.connection import Connection
from myobridge.daemon.stats import RunStats
from myobridge.doctor.stream import PortSource
from myobridge.feed import ports
from myobridge.model.load import Model, open_model
from myobridge.model.shipped import find_model
from myobridge.settings import Settings
from myobridge.wire.frame import FrameDecoder

FRESH_S: Final = {"mega2560": 1.6, "uno": 2.2, "nano": 2.2}
"""From opening the port to the first EMG, the board's reset and its boot loader within."""
AGAIN_S: Final = 0.2
"""The same where the opening does not reset the board."""
BRIDGE_S: Final = 0.016
"""An FTDI adapter's own latency, the longest of all USB bridges."""
PHASE_S: Final = 0.5


@cache
def model() -> Model:
    return open_model(find_model("synth"))


def open_connection(port: SimPort) -> Connection:
    """What `myobridge run` makes of a port."""
    frames = FrameDecoder()
    stats = RunStats(model().spec, port.now_s, frames.counters)
    return Connection(port.open(), model(), Settings(), frames, stats)  # type: ignore[arg-type]


def run(port: SimPort) -> None:
    """`myobridge run`, until it has taken EMG in."""
    connection = open_connection(port)
    while not connection.streaming:
        connection.turn()


def doctor(port: SimPort) -> None:
    """`myobridge doctor`, until it listens to a stream."""
    spec = model().spec
    configure = partial(board_config, spec=spec, config=Settings())
    source = PortSource(port.open(), spec.channels, configure)  # type: ignore[arg-type]
    source.start()
    while not source.listener.newest_s:
        source.turn()


def record(port: SimPort) -> None:
    """`myobridge record`, until it has bytes to write."""
    with replaced("myobridge.calibration.byte_source", port):
        PortBytes("the port", spec_for(2000, 4), Settings())


def ask(port: SimPort) -> None:
    """`myobridge devices`, until it knows the board."""
    with replaced("myobridge.feed.ports", port):
        assert ports.ask("the port") is not None, "no myobridge board answers"


PROGRAMS: Final[dict[str, Callable[[SimPort], None]]] = {"run": run, "doctor": doctor, "record": record, "devices": ask}


def openings(loader: str, program: str, phases: int, *, reset: bool, seed: int = 0) -> list[float]:
    """Seconds from opening the port to the first EMG (of `devices`: to IDENT), at random moments of the board's life.

    Each finds the board as a killed program left it: streaming. reset: the opening resets the board, as on any port but
    one that was opened before with HUPCL clear.
    """
    rng, took_s = random.Random(seed), []
    with port_of(loader) as port:
        port.sleep(3.0)
        for _ in range(phases):
            port.sleep(rng.uniform(0, PHASE_S))
            port.delay_s = rng.uniform(0, BRIDGE_S)
            port.dtr = not reset
            began_s = port.now_s
            PROGRAMS[program](port)
            took_s.append(port.now_s - began_s)
            port.close()
    return took_s


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--phases", type=int, default=300, help="of each board, shared by its programs")
    phases = arguments.parse_args().phases
    print("| loader of | program | openings | with a reset, s | as many without, s |\n|---|---|---|---|---|")
    for loader in ELF_OF:
        for program in PROGRAMS:
            of_each = phases // len(PROGRAMS)
            fresh, again = (openings(loader, program, of_each, reset=reset) for reset in (True, False))
            spans = (f"{min(took):.2f}–{max(took):.2f}" for took in (fresh, again))
            print(f"| {loader} | {program} | {len(fresh)} | {' | '.join(spans)} |", flush=True)


if __name__ == "__main__":
    main()
