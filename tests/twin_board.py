"""The simulated board as the other end of a line in virtual time."""

from myobridge.simulator.emg_source import EmgSource
from myobridge.simulator.firmware import SimulatedFirmware


class TwinBoard:
    """A `lockstep.Board` with a button."""

    def __init__(self, source: EmgSource) -> None:
        self.firmware = SimulatedFirmware(source, boot_id=1)

    def exchange(self, data: bytes, now_s: float) -> bytes:
        self.firmware.receive(data, now_s)
        self.firmware.advance(now_s)
        return self.firmware.outgoing(now_s)

    def next_s(self) -> float:
        return self.firmware.next_event_s()

    def press(self, down: bool) -> None:
        self.firmware.button.contact = down
