"""What a person may break in the demo, and a sentence about each fault."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Final, get_args

from myobridge.simulator.fault_orders import HAND_FAULTS, FaultSender
from myobridge.simulator.synth import CUFF_SHIFT_DEG, LIFTED
from myobridge.view.page import Fault, Faults, Press

CAUSES: Final[dict[Fault, str]] = {
    "cable": "The cable is out, so board and daemon hear nothing from each other.",
    "electrode": f"Electrode {LIFTED + 1} is off the skin: it picks up mains hum and no muscle.",
    "hum": "All electrodes pick up strong mains hum, as with a loose reference electrode.",
    "cuff": f"The cuff sits {CUFF_SHIFT_DEG:.0f}° further around the arm: the electrodes hear other muscles than those "
    "that the network learned. Nothing detects this; a new calibration would help.",
    "daemon": "The daemon is frozen (SIGSTOP), so it sends no setpoints, and this page hears nothing from it.",
    "power": "The board has no power, so the servos are loose.",
}


class DemoFaults:
    """Makes faults of the demo begin and end.

    daemon: the daemon's process. hand: where the simulated hand takes its orders; None: it takes none.
    """

    def __init__(self, daemon: subprocess.Popen[bytes], hand: Path | None) -> None:
        self._daemon = daemon
        self._hand = None if hand is None else FaultSender(hand)
        self._on: set[Fault] = set()

    @property
    def now(self) -> Faults:
        """The faults that are possible, and those that are on."""
        faults: tuple[Fault, ...] = get_args(Fault)
        can = [fault for fault in faults if fault == "daemon" or self._hand is not None]
        return Faults(can=can, on=[fault for fault in can if fault in self._on])

    @property
    def causes(self) -> str:
        """A sentence for each fault that is on."""
        return " ".join(CAUSES[fault] for fault in self.now.on)

    def press(self, press: Press) -> Faults:
        """Begins or ends a fault; the faults that are on then."""
        if press.fault in self.now.can:
            (self._on.add if press.on else self._on.discard)(press.fault)
            if press.fault == "daemon":
                self._daemon.send_signal(signal.SIGSTOP if press.on else signal.SIGCONT)
            elif self._hand is not None:
                self._hand.send([fault for fault in HAND_FAULTS if fault in self._on])
        return self.now
