"""What the doctor measures. `None` and empty: not measured, and then not judged."""

from __future__ import annotations

import msgspec


class PortFacts(msgspec.Struct, kw_only=True):
    """The port's file, before it is opened."""

    path: str
    exists: bool
    permitted: bool
    group: str
    holders: tuple[str, ...] = ()
    """Processes that have it open, as far as this user may see."""
    usb_latency_ms: int | None = None
    brltty_takes: str = ""
    """The USB adapter, of this port or plugged in without a port, that brltty takes for a braille display."""
    modem_manager_asks: bool = False
    """ModemManager runs, and was not told that this port is no modem."""
    old_boot_loader: bool = False
    """The board starts in ATmegaBOOT, which never comes back from a watchdog reset."""


class SystemFacts(msgspec.Struct, kw_only=True):
    """This computer."""

    python_bits: int
    onnxruntime: str
    governors: tuple[str, ...]
    throttled: int | None
    """Of a Raspberry Pi: bit 0 voltage low now; 1 and 2 slowed now; 3 hot now; 16 to 19 the same, since it started."""
    may_fifo: bool
    may_lock: bool
    disk_free_mb: int
    inference_ms: float | None = None
    """Median of one inference; not measured beside a running daemon."""
    hop_ms: float = 0.0


class BoardFacts(msgspec.Struct, kw_only=True):
    """Who the board is, and what it says of itself."""

    board: str
    firmware: str
    protocol_matches: bool
    reset_cause: str
    adc_bits: int
    measures_supply: bool
    """The firmware was built to measure the servo supply."""


class StreamFacts(msgspec.Struct, kw_only=True):
    """What the line did while the doctor listened. Distributions: p50, p95 and max, in milliseconds."""

    seconds: float
    silent_s: float
    """Since the last sample came."""
    fs_nominal_hz: float
    fs_measured_hz: float | None
    late_ms: dict[str, float]
    """How long after the quickest of them samples arrive."""
    round_trip_ms: dict[str, float]
    round_trips: int
    samples_received: int
    samples_lost: int
    crc_errors: int
    length_errors: int
    frames_to_hand_lost: int
    """Frames from this computer that the board missed or could not use."""
    frames_dropped: int
    """EMG frames that the board dropped, because the line was full or its ADC late."""
    lead_off: bool
    blockers: tuple[str, ...]
    """Why the board could not be armed."""
    supply_mv: int
    """0: the board does not measure it."""


class ChannelFacts(msgspec.Struct, kw_only=True):
    """One electrode."""

    name: str
    contact: str
    """The daemon's verdict: the name of a Contact in small letters."""
    contact_share: float
    """Of the time at rest with this verdict: a loose contact comes and goes."""
    range_counts: float
    mains_share: float
    """Of the power at rest."""
    mains_counts: float
    """Root mean square of the hum."""
    noise_counts: float
    """Root mean square at rest in the EMG band, without the mains."""
    noise_share: float
    """The same, of half the ADC's range."""
    clench_counts: float | None = None
    """The same as noise_counts, in a clench."""
    clench_clipped_share: float = 0.0

    @property
    def signal_to_rest(self) -> float | None:
        """Amplitude in a clench over amplitude at rest."""
        return None if self.clench_counts is None else self.clench_counts / max(self.noise_counts, 0.1)


class Facts(msgspec.Struct, kw_only=True):
    """All of it. interrupted: a person ended the examination early; what follows is what was known by then."""

    interrupted: bool = False
    port: PortFacts
    system: SystemFacts
    source: str = "none"
    """Who the samples came from: the port, a running daemon, or none."""
    trouble: tuple[str, str] | None = None
    """Finding and sentence, where the conversation with the board failed."""
    device: BoardFacts | None = None
    stream: StreamFacts | None = None
    channels: tuple[ChannelFacts, ...] = ()
