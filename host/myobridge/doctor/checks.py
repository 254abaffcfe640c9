"""From facts to findings. Pure: the same facts give the same findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from myobridge.decoder.contact import HUM_MIN_RMS_COUNTS
from myobridge.doctor.facts import BoardFacts, ChannelFacts, Facts, PortFacts, StreamFacts, SystemFacts
from myobridge.doctor.findings import Finding, found
from myobridge.wire.clock import TOLERANCE

SILENT_S: Final = 0.5
LOST_SHARE: Final = 0.01
CLOCK_ERROR: Final = 0.01
"""A ceramic resonator, as on an Arduino, is within 0.5 %; beyond TOLERANCE the daemon refuses the clock."""
ALWAYS: Final = 0.9
"""From this share of the time on, a contact is not loose but bad."""
LOOSE: Final = ("flat", "saturated", "mains")
"""Contacts that come and go with the pressure on an electrode."""
LATE_MS: Final = 12.0
"""p95; above USB's own 1 to 4 ms, below the 16 ms of an FTDI adapter's timer."""
ROUND_TRIP_MS: Final = 15.0
"""p95; PING and PONG occupy the line for less than 1 ms."""
USB_LATENCY_MS: Final = 1
MAINS_SHARE: Final = 0.75
NOISE_SHARE: Final = 0.03
"""Of half the ADC's range: 15 counts of 10 bits."""
SIGNAL_TO_REST: Final = 3.0
CLIPPED_SHARE: Final = 0.01
DISK_MB: Final = 1000
"""Some ten hours of four channels at 2 kHz."""
BAD_ONNXRUNTIME: Final = ("1.21.0",)
SAVING_GOVERNORS: Final = ("powersave", "ondemand", "conservative", "schedutil")
UNDERVOLTAGE_NOW: Final = 1 << 0
_BLOCKERS: Final = {
    "estop_latched": ("emergency_stop", "The hand is in emergency stop."),
    "sampling_stalled": ("sampling_stalled", "The board has stopped sampling."),
    "supply_low": ("supply_low", "The servo supply is at {supply_mv} mV."),
    "beyond_limits": ("beyond_limits", "[servo] asks for pulses that the board's stored servo limits forbid."),
    "no_limits": ("no_limits", "The servo limits stored in the board are damaged."),
}
_CONTACTS: Final = {
    "flat": ("channel_flat", "is flat ({range:.0f} counts peak to peak)"),
    "saturated": ("channel_saturated", "is at the ADC's limit"),
    "mains": ("channel_mains", "carries little but mains hum ({hum:.0f} % of its power)"),
    "repeating": ("channel_repeating", "repeats the same samples"),
    "identical": ("channels_identical", "shows the same signal as another channel"),
}


def check_port(port: PortFacts) -> Iterator[Finding]:
    """Can the port be opened?"""
    if not port.exists:
        yield found("port_missing", f"There is no port {port.path}.")
    elif not port.permitted:
        yield found("port_forbidden", f"No permission to open {port.path}; it belongs to the group {port.group}.")
    if port.usb_latency_ms is not None and port.usb_latency_ms > USB_LATENCY_MS:
        yield found("usb_latency", f"The USB adapter's latency timer is {port.usb_latency_ms} ms.")
    if port.brltty_takes:
        yield found("brltty", f"brltty, a service for braille displays, takes {port.brltty_takes} adapters.")
    if port.modem_manager_asks:
        yield found("modem_manager", f"ModemManager runs and may treat {port.path} as a modem.")
    if port.old_boot_loader:
        yield found("old_boot_loader", "The board starts in ATmegaBOOT, the boot loader of old Nanos.")


def check_trouble(facts: Facts) -> Iterator[Finding]:
    """Did the conversation with the board fail?"""
    if facts.trouble is not None:
        yield found(*facts.trouble)


def check_device(device: BoardFacts) -> Iterator[Finding]:
    """Does its firmware fit, and why was it reset?"""
    if not device.protocol_matches:
        yield found("protocol_differs", f"Firmware {device.firmware} speaks a different protocol revision.")
    if device.reset_cause == "brown_out":
        yield found("brown_out", "The board was last reset by a voltage drop.")
    if device.reset_cause == "watchdog":
        yield found("watchdog_reset", "The board was last reset by its watchdog.")


def check_losses(stream: StreamFacts) -> Iterator[Finding]:
    """Does everything arrive?"""
    sent, lost = stream.samples_received + stream.samples_lost, stream.samples_lost
    damaged = stream.crc_errors + stream.length_errors
    if not stream.samples_received:
        yield found("no_samples", "No samples arrived.")
    elif stream.silent_s > SILENT_S:
        yield found("no_samples", f"The samples stopped {stream.silent_s:.1f} s ago.")
    elif lost > LOST_SHARE * sent:
        yield found("samples_lost", f"{lost} of {sent} samples ({100 * lost / sent:.1f} %) were lost.")
    elif lost or damaged:
        yield found("line_errors", f"{lost} of {sent} samples were lost; {damaged} frames arrived damaged.")
    if stream.frames_to_hand_lost:
        yield found("frames_to_hand_lost", f"The board missed {stream.frames_to_hand_lost} frames.")
    if stream.frames_dropped:
        yield found("board_overloaded", f"The board dropped {stream.frames_dropped} EMG frames or sampled late.")


def check_timing(stream: StreamFacts) -> Iterator[Finding]:
    """Is the board's clock right, and does it answer in time?"""
    if not stream.samples_received:
        return
    if stream.fs_measured_hz is not None:
        error = stream.fs_measured_hz / stream.fs_nominal_hz - 1
        what = f"The board takes {stream.fs_measured_hz:.1f} samples a second instead of {stream.fs_nominal_hz:g}"
        if abs(error) > TOLERANCE:
            yield found("rate_off", f"{what} ({100 * error:+.1f} %).")
        elif abs(error) > CLOCK_ERROR:
            yield found("clock_off", f"{what} ({100 * error:+.1f} %).")
    if (late := stream.late_ms.get("p95", 0)) > LATE_MS:
        yield found("arrivals_bunched", f"One sample in twenty arrives more than {late:.1f} ms late.")
    if (trip := stream.round_trip_ms.get("p95", 0)) > ROUND_TRIP_MS:
        yield found("round_trip_long", f"One PING in twenty takes more than {trip:.1f} ms.")


def check_state(stream: StreamFacts) -> Iterator[Finding]:
    """Would the board let itself be armed?"""
    for blocker in stream.blockers:
        if blocker in _BLOCKERS:
            finding, text = _BLOCKERS[blocker]
            yield found(finding, text.format(supply_mv=stream.supply_mv))
    if stream.lead_off:
        yield found("lead_off", "The board reports that an electrode is off.")


def check_supply(device: BoardFacts | None, stream: StreamFacts) -> Iterator[Finding]:
    """Does a board that can measure its servo supply do so?"""
    if device is not None and device.measures_supply and not stream.supply_mv:
        yield found("supply_unknown", "The board can measure the servo supply, and gives no reading.")


def check_channel(channel: ChannelFacts) -> Iterator[Finding]:
    """Does this electrode pick up a muscle?"""
    name = f"Channel {channel.name}"
    if channel.contact in _CONTACTS:
        finding, what = _CONTACTS[channel.contact]
        always = channel.contact not in LOOSE or channel.contact_share >= ALWAYS
        when = "" if always else f", for {100 * channel.contact_share:.0f} % of the time"
        number = what.format(range=channel.range_counts, hum=100 * channel.mains_share)
        yield found(finding, f"{name} {number}{when}.")
        return
    if channel.mains_share > MAINS_SHARE and channel.mains_counts > HUM_MIN_RMS_COUNTS:
        yield found("mains_high", f"{name}: {100 * channel.mains_share:.0f} % of its power at rest is mains hum.")
    if channel.clench_counts is not None and channel.noise_share > NOISE_SHARE:  # otherwise nobody was asked to rest
        yield found("noise_high", f"{name} has {channel.noise_counts:.1f} counts of noise at rest.")
    if channel.clench_clipped_share > CLIPPED_SHARE:
        yield found("clench_clips", f"{name}: {100 * channel.clench_clipped_share:.0f} % of a clench is clipped.")


def check_clench(channels: tuple[ChannelFacts, ...]) -> Iterator[Finding]:
    """Does a clench stand out from rest? Channels without good contact have their own findings."""
    ratios = [(c.name, c.signal_to_rest) for c in channels if c.contact == "good" and c.signal_to_rest is not None]
    weak = [(name, ratio) for name, ratio in ratios if ratio < SIGNAL_TO_REST]
    if ratios and len(weak) == len(ratios):
        best = max(ratio for _, ratio in ratios)
        yield found("no_signal", f"No channel is more than {best:.1f} times as strong in a clench as at rest.")
        return
    for name, ratio in weak:
        yield found("signal_weak", f"Channel {name} is only {ratio:.1f} times as strong in a clench as at rest.")


def check_system(system: SystemFacts) -> Iterator[Finding]:
    """Is this computer fit to run the daemon?"""
    if system.python_bits < 64:
        yield found("python_32bit", f"This Python is a {system.python_bits}-bit program.")
    if system.onnxruntime in BAD_ONNXRUNTIME:
        yield found("onnxruntime_bad", f"onnxruntime {system.onnxruntime} is installed.")
    if system.throttled is not None and system.throttled & UNDERVOLTAGE_NOW:
        yield found("undervoltage", "The Pi's supply voltage is too low now.")
    elif system.throttled:
        yield found("throttled", f"The Pi is or was slowed down (0x{system.throttled:x}).")
    if saving := sorted(set(system.governors) & set(SAVING_GOVERNORS)):
        yield found("cpu_governor", f"The processor's governor is {' and '.join(saving)}.")
    if system.inference_ms is not None and system.inference_ms > system.hop_ms / 2:
        yield found(
            "inference_slow", f"The network takes {system.inference_ms:.1f} ms of each {system.hop_ms:g} ms hop."
        )
    if not system.may_fifo:
        yield found("no_realtime", "Real-time scheduling is not permitted here.")
    if not system.may_lock:
        yield found("no_memlock", "Locking memory is not permitted here.")
    if system.disk_free_mb < DISK_MB:
        yield found("disk_low", f"Only {system.disk_free_mb} MB are free in this folder.")


_OF_STREAM: Final[tuple[Callable[[StreamFacts], Iterator[Finding]], ...]] = (check_losses, check_timing, check_state)


def check_all(facts: Facts) -> list[Finding]:
    """All findings, in this order: port, board, line, electrodes, computer."""
    findings = [*check_port(facts.port), *check_trouble(facts)]
    if facts.device is not None:
        findings += check_device(facts.device)
    if facts.stream is not None:
        for check in _OF_STREAM:
            findings += check(facts.stream)
        findings += check_supply(facts.device, facts.stream)
    for channel in facts.channels:
        findings += check_channel(channel)
    return [*findings, *check_clench(facts.channels), *check_system(facts.system)]
