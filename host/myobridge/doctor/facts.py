"""The facts that the doctor measures. None or empty: not measured, and then not judged."""

from __future__ import annotations

import msgspec


class PortFacts(msgspec.Struct, kw_only=True):
    """The port's file, before the port is opened."""

    path: str
    exists: bool
    permitted: bool
    group: str
    holders: tuple[str, ...] = ()
    """Processes that have the port open, as far as this user may see them."""
    usb_latency_ms: int | None = None
    brltty_takes: str = ""
    """The USB adapter that brltty takes for a braille display: this port's, or one without a port."""
    modem_manager_asks: bool = False
    """ModemManager runs, and no rule keeps it away from this port."""
    old_boot_loader: bool = False
    """The board starts in ATmegaBOOT, which never returns from a watchdog reset."""


class SystemFacts(msgspec.Struct, kw_only=True):
    """This computer."""

    python_bits: int
    onnxruntime: str
    governors: tuple[str, ...]
    throttled: int | None
    """Of a Raspberry Pi: bit 0 voltage low now; 1 and 2 slowed now; 3 hot now; 16 to 19 the same since the start."""
    may_fifo: bool
    may_lock: bool
    disk_free_mb: int
    inference_ms: float | None = None
    """Median of one inference; not measured beside a running daemon."""
    hop_ms: float = 0.0


class BoardFacts(msgspec.Struct, kw_only=True):
    """The board's identity, from its IDENT."""

    board: str
    firmware: str
    protocol_matches: bool
    reset_cause: str
    adc_bits: int
    measures_supply: bool
    """The board found the divider of its servo supply."""


class StreamFacts(msgspec.Struct, kw_only=True):
    """Measurements of the line while the doctor listened. Distributions: p50, p95 and max, in milliseconds."""

    seconds: float
    silent_s: float
    """Since the last sample."""
    fs_nominal_hz: float
    fs_measured_hz: float | None
    late_ms: dict[str, float]
    """Delay of samples against the quickest samples."""
    round_trip_ms: dict[str, float]
    round_trips: int
    samples_received: int
    samples_lost: int
    crc_errors: int
    length_errors: int
    frames_to_hand_lost: int
    """Frames from this computer that the board missed or could not use."""
    frames_dropped: int
    """EMG frames that the board dropped, because the line was full or its ADC was late."""
    lead_off: bool
    blockers: tuple[str, ...]
    """Why the board cannot be armed."""
    supply_mv: int
    """0: the board does not measure it."""


class ChannelFacts(msgspec.Struct, kw_only=True):
    """One channel and its electrode."""

    name: str
    contact: str
    """The daemon's verdict: the name of a Contact in small letters."""
    contact_share: float
    """Share of the time at rest with this verdict: a loose contact comes and goes."""
    range_counts: float
    mains_share: float
    """Share of the power at rest."""
    mains_counts: float
    """Root mean square of the hum."""
    noise_counts: float
    """Root mean square at rest in the EMG band, without mains hum."""
    noise_share: float
    """noise_counts as a share of half the ADC's range."""
    clench_counts: float | None = None
    """The counterpart of noise_counts in a clench."""
    clench_clipped_share: float = 0.0

    @property
    def signal_to_rest(self) -> float | None:
        """Amplitude in a clench over amplitude at rest."""
        return None if self.clench_counts is None else self.clench_counts / max(self.noise_counts, 0.1)


class Facts(msgspec.Struct, kw_only=True):
    """All facts. interrupted: a person ended the examination early, so later facts are missing."""

    interrupted: bool = False
    port: PortFacts
    system: SystemFacts
    source: str = "none"
    """Source of the samples: `port`, `daemon` or `none`."""
    trouble: tuple[str, str] | None = None
    """Finding and sentence if the conversation with the board failed."""
    device: BoardFacts | None = None
    stream: StreamFacts | None = None
    channels: tuple[ChannelFacts, ...] = ()
