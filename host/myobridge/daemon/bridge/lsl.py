"""A stream of the lab streaming layer. Needs the extra `lsl`."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final

import pylsl
from pylsl.util import LostError, TimeoutError  # noqa: A004 - pylsl calls it so

from myobridge.daemon.bridge.gaps import StampGaps
from myobridge.daemon.bridge.stream import Block, Stream, StreamLost
from myobridge.errors import UserError

LOOK_S: Final = 5.0
"""How long to look for a stream before saying that there is none."""
MORE_S: Final = 0.5
"""How long to look for a second stream of the same name."""
OPEN_S: Final = 5.0
CORRECT_S: Final = 2.0
"""How often to ask for the offset of the sender's clock; LSL measures it every few seconds."""
BUFFER_S: Final = 10
BITS: Final = {pylsl.cf_int8: 8, pylsl.cf_int16: 16}


class LslSource:
    """The stream of a name. Time stamps are the sender's, on this computer's clock."""

    def __init__(self, name: str) -> None:
        """Looks for the stream and opens it.

        Raises:
            UserError: there is no such stream, there are several, it does not answer, or it holds no samples.
        """
        self._address = f"lsl:{name}"
        info = _find(name)
        if info.channel_format() == pylsl.cf_string or not info.nominal_srate():
            raise UserError(f"{self._address} is not a stream of numbers at a steady rate; name the stream of the EMG.")
        self._inlet = pylsl.StreamInlet(info, max_buflen=BUFFER_S, recover=False)
        try:
            described = self._inlet.info(OPEN_S)
            self._offset_s = float(self._inlet.time_correction(OPEN_S))
            self._inlet.open_stream(OPEN_S)
        except RuntimeError as error:
            raise UserError(
                f"{self._address} was found and does not answer ({error}); see 'When a client finds no stream' in "
                "host/LSL.md."
            ) from error
        self._correct_s = time.monotonic() + CORRECT_S
        self.stream = Stream(
            info.channel_count(), info.nominal_srate(), _unit(described), BITS.get(info.channel_format())
        )
        self._gaps = StampGaps(self.stream.fs_hz)

    def read(self, most: int, timeout_s: float) -> Block | None:  # noqa: D102 - its protocol says it
        try:
            values, stamps_s = self._inlet.pull_chunk(timeout_s, most, as_numpy=True)
            now_s = time.monotonic()
            if now_s > self._correct_s:
                self._correct_s = now_s + CORRECT_S
                with suppress(TimeoutError):  # the old offset serves on
                    self._offset_s = float(self._inlet.time_correction(OPEN_S))
        except LostError as error:
            raise StreamLost(self._address) from error
        if not len(stamps_s):
            return None
        to_host_s = self._offset_s + now_s - pylsl.local_clock()
        return Block(values, stamps_s + to_host_s, self._gaps.lost(stamps_s), now_s)

    def close(self) -> None:  # noqa: D102 - its protocol says it
        self._inlet.close_stream()


def _find(name: str) -> pylsl.StreamInfo:
    """The stream of a name.

    Raises:
        UserError: there is none, or there are several.
    """
    if not pylsl.resolve_byprop("name", name, minimum=1, timeout=LOOK_S):
        others = sorted({info.name() for info in pylsl.resolve_streams(MORE_S)})
        seen = f"the streams here are {', '.join(others)}" if others else "no stream is here, see host/LSL.md"
        raise UserError(f"No LSL stream is named {name}; start its program ({seen}).")
    found = pylsl.resolve_byprop("name", name, minimum=2, timeout=MORE_S)
    if len(found) > 1:
        hosts = ", ".join(sorted(info.hostname() for info in found))
        raise UserError(f"{len(found)} LSL streams are named {name} (on {hosts}); end all but one.")
    return found[0]


def _unit(described: pylsl.StreamInfo) -> str:
    """The unit of the first channel; empty where the stream names none."""
    return str(described.desc().child("channels").child("channel").child_value("unit")).strip()
