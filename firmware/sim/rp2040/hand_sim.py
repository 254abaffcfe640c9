"""hand-sim for the RP2040: opens the virtual serial port, which node cannot, and runs hand-sim.js on it.

    python hand_sim.py IMAGE --servos GPIO,... --line usb|uart --board NAME --realtime [options of hand-sim]

What a pseudo-terminal does not carry to its other end, this script sees and tells the simulated USB host: that a
program has opened or closed the port, and at which speed; opening and closing it at 1200 baud asks the board for its
boot loader.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import termios
import tty
from pathlib import Path
from types import FrameType
from typing import Final

LOOK_MS: Final = 10
TOUCH: Final = termios.B1200


class Port:
    """The pseudo-terminal."""

    def __init__(self, link: Path | None) -> None:
        self.host, device = os.openpty()
        tty.setraw(device, termios.TCSANOW)
        os.set_blocking(self.host, False)
        self.name, self._link = os.ttyname(device), link
        os.close(device)  # so that it hangs up when a program closes it
        if link:
            link.unlink(missing_ok=True)
            link.symlink_to(self.name)
        self._hung_up = select.poll()
        self._hung_up.register(self.host, 0)

    @property
    def open(self) -> bool:
        """A program has the port open."""
        return not self._hung_up.poll(0)

    @property
    def touched(self) -> bool:
        """Its speed is the one that asks for the boot loader."""
        return termios.tcgetattr(self.host)[5] == TOUCH

    def gone(self) -> None:
        """Takes the link away."""
        if self._link:
            self._link.unlink(missing_ok=True)


def relay(port: Port, node: subprocess.Popen[bytes]) -> None:
    """Passes commands on and tells what happens to the port, until node ends."""
    assert node.stdin is not None
    was_open = touched = False
    stdin = [sys.stdin.fileno()]
    while node.poll() is None:
        ready, _, _ = select.select(stdin, [], [], LOOK_MS / 1000)
        if ready:
            commands = os.read(stdin[0], 65536)
            if not commands:
                stdin = []
            node.stdin.write(commands)
        if port.open != was_open:
            was_open = port.open
            node.stdin.write(b"@usb open\n" if was_open else b"@touch\n" if touched else b"@usb close\n")
        touched = was_open and port.touched
        try:
            node.stdin.flush()
        except BrokenPipeError:
            return


def main(arguments: list[str]) -> int:
    """Runs until node ends."""
    link = None
    if "--link" in arguments:
        at = arguments.index("--link")
        link = Path(arguments[at + 1])
        del arguments[at : at + 2]
    port = Port(link)
    script = Path(__file__).with_name("hand-sim.js")
    command = ["node", str(script), *arguments, "--pty", str(port.host)]
    node = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[port.host], start_new_session=True)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        node.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    print("port", link or port.name, flush=True)
    try:
        relay(port, node)
    finally:
        port.gone()
    return node.wait()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
