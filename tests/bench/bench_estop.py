"""Times an ESTOP from a page's connection to the wire, while many clients keep the daemon and the view busy.

python tests/bench/bench_estop.py [--turns 100] [--clients 16] [--half-open 200] [--quiet]

Each turn sends ESTOP as a page does, while the model is being changed, and waits for the frame at the board's end of
the line. Then it resets the board and lifts the stop. With --quiet there are no other clients, and the model stays.
"""

import argparse
import os
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from multiprocessing import Process
from pathlib import Path
from threading import Thread

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "loopback"))
sys.path.insert(0, str(Path(__file__).parent.parent / "faults"))

from cable import Cable, hurry
from devices import SimulatedDevice

from myobridge.feed import FeedClient, NoDaemon, Snapshot
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire.messages import Estop, State
from processes import feed_of, running
from viewers import address_in, watch

FS_HZ = 2000.0
LIMIT_MS = 20.0
RENEW_S = 0.02
RENEWED = 10
"""Half-open connections that are replaced every RENEW_S: 500 per second."""
PATIENCE_S = 30.0
NOTICED_S = 0.2
"""Time within which the daemon notices a reset of its board, which sends STATUS ten times per second."""


def listen(port: Path, clients: int) -> None:
    """Feed clients that receive everything."""
    feeds = [FeedClient(port) for _ in range(clients)]
    for feed in feeds:
        feed.subscribe("bytes", "snapshots")
    with suppress(NoDaemon):
        while True:
            time.sleep(0.05)
            for feed in feeds:
                while feed.receive(0) is not None:
                    pass


def stay_half_open(address: tuple[str, int], connections: int) -> None:
    """Connections that never send anything; the oldest ones are replaced all the time."""
    crowd: list[socket.socket] = []
    while True:
        time.sleep(RENEW_S)
        for _ in range(RENEWED if len(crowd) >= connections else connections):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            crowd.append(client)
        for client in crowd[:-connections]:
            client.close()
        del crowd[:-connections]


def swap_without_end(port: Path) -> None:
    """A client that asks for a change of model again and again; the daemon refuses it while the hand is stopped."""
    with suppress(NoDaemon), FeedClient(port) as feed:
        while True:
            feed.request("model", path="synth")
            time.sleep(0.01)


def turn(cable: Cable, viewer, feed: FeedClient) -> float:
    """Milliseconds from the page's request to the frame on the wire."""
    witness = cable.witness
    with witness.news:
        seen = len(witness.asked)
    began_s = time.monotonic()
    viewer.send('{"do":"estop"}')

    def stops() -> list[float]:
        return [at_s for at_s, kind in witness.asked[seen:] if kind == Estop.TYPE]

    with witness.news:
        assert witness.news.wait_for(stops, PATIENCE_S), "no ESTOP came"
        took_ms = 1000 * (stops()[0] - began_s)
        assert witness.news.wait_for(lambda: witness.status.state == State.ESTOP, PATIENCE_S)
    feed.request("lift")
    cable.do(cable.device.reset)
    reset_s = time.monotonic()
    while not _is_back(look := feed.newest(1.0), reset_s):
        assert time.monotonic() < reset_s + PATIENCE_S, f"the board did not come back: {look}"
    return took_ms


def _is_back(look: Snapshot | None, reset_s: float) -> bool:
    """Whether the daemon streams again. A snapshot that waited in the socket may be older than the reset."""
    return (
        look is not None
        and look.at_s > reset_s + NOTICED_S
        and not look.estop
        and look.state == "DISARMED"
        and "unknown" not in look.contact
    )


def main() -> int:
    """Prints the percentiles; exit code 1 if p99 is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--half-open", type=int, default=200)
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    took_ms = []
    hurry()  # the bench must not wait for the processes that it measures; those have the usual priority
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ.update(XDG_RUNTIME_DIR=str(folder), XDG_STATE_HOME=str(folder / "state"))
        cable = Cable(folder / "hand", SimulatedDevice(SynthSource(SynthOptions(fs_hz=FS_HZ, seed=1))))
        cable.start()
        stack.callback(cable.close)
        run = ("run", "--port", folder / "hand", "--model", "synth", "--view", "--view-port", 0, "--control")
        daemon = stack.enter_context(running(*run))
        url = address_in(daemon.stderr)
        Thread(target=daemon.stderr.read, daemon=True).start()
        feed = stack.enter_context(feed_of(folder / "hand"))
        feed.subscribe("snapshots")
        viewer = stack.enter_context(watch(url))
        Thread(target=lambda: [None for _ in viewer], daemon=True).start()
        if not options.quiet:
            address = "127.0.0.1", int(url.split(":")[2].strip("/"))
            for target, arguments in (
                (listen, (folder / "hand", options.clients - 2)),  # the view and the bench are two clients themselves
                (stay_half_open, (address, options.half_open)),
                (swap_without_end, (folder / "hand",)),
            ):
                crowd = Process(target=target, args=arguments, daemon=True)
                crowd.start()
                stack.callback(crowd.terminate)
        time.sleep(2)
        for _ in range(options.turns):
            took_ms.append(turn(cable, viewer, feed))
            time.sleep(np.random.default_rng().uniform(0.2, 0.4))
    p50, p99, most = np.percentile(took_ms, (50, 99, 100))
    print(f"ESTOP, page → wire   p50 {p50:.1f}   p99 {p99:.1f}   most {most:.1f} ms   {len(took_ms)} stops")
    return int(p99 > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
