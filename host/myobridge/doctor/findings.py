"""The table of everything that the doctor can find: symptom, cause or consequence, and remedy.

TROUBLESHOOTING.md contains the same rows; a test compares them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

BAD: Final = "bad"
"""The hand cannot be used."""
WARNING: Final = "warning"
"""The hand works, but not as well as it could."""


class Kind(NamedTuple):
    """A row of the table."""

    severity: str
    symptom: str
    why: str
    do: str


class Finding(msgspec.Struct, frozen=True):
    """A finding of this examination: a row of the table, with this case's numbers in `what`."""

    id: str
    severity: str
    what: str
    why: str
    do: str


def found(finding: str, what: str) -> Finding:
    """The finding for a row of the table."""
    kind = KINDS[finding]
    return Finding(finding, kind.severity, what, kind.why, kind.do)


KINDS: Final[dict[str, Kind]] = {
    # --- the port
    "port_missing": Kind(
        BAD,
        "there is no such port",
        "the board is not plugged in, has no power, or has another name",
        "plug it in and list the ports with `myobridge devices`; a charge-only cable has no data wires",
    ),
    "port_forbidden": Kind(
        BAD,
        "no permission to open the port",
        "you are not in the port's group",
        "`sudo usermod -aG dialout $USER` (or the named group), then log in again",
    ),
    "port_busy": Kind(
        BAD,
        "another program holds the port",
        "only one program can talk to the board",
        "close that program, or end it if it is a service",
    ),
    "port_unusable": Kind(
        BAD,
        "the port cannot be opened or vanished",
        "it is not a serial port, cannot run at this speed, or its plug is loose",
        "choose another port, check the cable, or set [link] baud in the config",
    ),
    "brltty": Kind(
        WARNING,
        "brltty takes the board's USB adapter",
        "it takes the USB chips of many boards for braille displays, and the port disappears seconds after it appears",
        "if nobody here reads braille, `sudo apt remove brltty` and plug the board in again; otherwise remove this "
        "adapter from brltty's udev rule",
    ),
    "modem_manager": Kind(
        WARNING,
        "ModemManager may treat the board as a modem",
        "it holds a new port for up to half a minute, and its probes may reset the board",
        "`myobridge install-service` writes a rule that keeps it away; without a modem, "
        "`sudo systemctl disable --now ModemManager`",
    ),
    # --- the firmware
    "old_boot_loader": Kind(
        WARNING,
        "the board has the boot loader of old Nanos",
        "after a watchdog reset it does not start the firmware until the board's power is switched off and on",
        "flash optiboot with a programmer (ISP), see firmware/README.md",
    ),
    "no_answer": Kind(
        BAD,
        "no myobridge board answers on the port",
        "the board runs another program, uses another speed, or is an old Nano after a watchdog reset",
        "switch the board's power off and on, then flash it: `myobridge flash --board mega2560 --port …`; if it is "
        "flashed already, set the same baud on both sides",
    ),
    "device_refused": Kind(
        BAD,
        "the board answers, but cannot be used",
        "it refused the configuration, was reset, or stopped answering",
        "follow the sentence; if it happens again, reset the board and check its supply",
    ),
    "protocol_differs": Kind(
        BAD,
        "the firmware speaks a different protocol revision",
        "the board would stream, but refuse to be armed",
        "flash the firmware of this version with `myobridge flash`",
    ),
    "emergency_stop": Kind(
        BAD,
        "the hand is in emergency stop",
        "the stop stays in force until a person lifts it",
        "make the hand safe, then lift the stop: `myobridge lift-estop --port P`",
    ),
    "sampling_stalled": Kind(
        BAD,
        "the board has stopped sampling",
        "its ADC timer stopped, or its front end does not answer, so the hand refuses to move",
        "check the wires and the supply of a front end; reset the board; if it happens again, flash the firmware again "
        "with `myobridge flash --again`",
    ),
    "supply_low": Kind(
        BAD,
        "the servo supply is low",
        "below the firmware's limit the servos would twitch and the board reset",
        "charge the battery; check the fuse, the relay and the regulator (hardware/POWER.md)",
    ),
    "beyond_limits": Kind(
        BAD,
        "the settings go beyond the servo limits stored in the board",
        "the board streams and refuses to be armed, so that no servo runs into its end stop",
        "store this hand's limits with `myobridge servos`, and put the [servo] that it prints into the settings; a "
        "board that stores none allows 1000 to 2000 µs",
    ),
    "no_limits": Kind(
        BAD,
        "the servo limits stored in the board are damaged",
        "the board refuses to be armed: it does not know how far the servos may go",
        "store the limits of this hand again with `myobridge servos`",
    ),
    "supply_unknown": Kind(
        WARNING,
        "the servo supply is not measured",
        "the board found its divider at the start, but its converter does not answer; a low supply goes unnoticed",
        "check the divider with a voltmeter (hardware/POWER.md), then reset the board",
    ),
    "brown_out": Kind(
        WARNING,
        "the board was last reset by a voltage drop",
        "the servos' current pulled its supply down",
        "feed the servos from their own supply, with the capacitor of hardware/POWER.md",
    ),
    "watchdog_reset": Kind(
        WARNING,
        "the board was last reset by its watchdog",
        "its program hung, or its sampling stopped",
        "flash the firmware again with `myobridge flash --again`; if it happens again, report it with the `--json` "
        "output",
    ),
    # --- the line
    "no_samples": Kind(
        BAD,
        "no samples arrive",
        "the stream did not start, or stopped",
        "check the cable, reset the board, and run the doctor again",
    ),
    "samples_lost": Kind(
        BAD,
        "more than 1 % of the samples are lost",
        "windows with too many gaps are not decoded, so the hand holds and opens",
        "use a short shielded USB cable without a hub, away from the servo wires; lower the sampling rate",
    ),
    "line_errors": Kind(
        WARNING,
        "some frames arrive damaged or not at all",
        "each costs a few samples; too many of them stop the hand",
        "use a short shielded USB cable without a hub, away from the servo wires",
    ),
    "frames_to_hand_lost": Kind(
        WARNING,
        "the board misses frames from this computer",
        "lost setpoints make the hand jerk or hold",
        "use a short shielded USB cable without a hub; on the Pi's own UART use the PL011, not the mini-UART",
    ),
    "board_overloaded": Kind(
        WARNING,
        "the board itself drops samples",
        "its ADC or its line cannot keep up with the rate",
        "raise [acquisition] max_samples_per_frame or [link] baud, or use fewer channels",
    ),
    "rate_off": Kind(
        BAD,
        "the board's sampling rate is more than 2 % off",
        "filters and network see frequencies that differ from training; no setpoints are sent",
        "flash the firmware that was built for this board and its crystal; if it happens again, replace the board",
    ),
    "clock_off": Kind(
        WARNING,
        "the board's clock is more than 1 % off",
        "all frequencies shift: filters and network see signals that differ from training",
        "check that the firmware was built for this board's crystal; replace a clone with a bad resonator",
    ),
    "arrivals_bunched": Kind(
        WARNING,
        "samples arrive late and in bunches",
        "the hand lags and stutters",
        "see usb_latency and cpu_governor; close other programs; avoid USB hubs",
    ),
    "round_trip_long": Kind(
        WARNING,
        "the board answers slowly",
        "setpoints arrive late by half of the round trip",
        "see usb_latency; avoid USB hubs; close other programs",
    ),
    "usb_latency": Kind(
        WARNING,
        "the USB adapter holds bytes back",
        "FTDI adapters wait up to 16 ms for more bytes by default",
        "`sudo tee /sys/bus/usb-serial/devices/ttyUSB0/latency_timer <<< 1` (with your port's name), or a udev rule",
    ),
    # --- the electrodes
    "lead_off": Kind(
        BAD,
        "the board reports that an electrode is off",
        "no setpoints are sent meanwhile",
        "press the electrodes on; clean the skin; replace dry gel",
    ),
    "channel_flat": Kind(
        BAD,
        "a channel is flat",
        "its amplifier has no power, or its wire is open; no setpoints are sent",
        "check the wire from amplifier to board and the amplifier's supply (hardware/WIRING.md)",
    ),
    "channel_saturated": Kind(
        BAD,
        "a channel is at the ADC's limit",
        "an electrode is off, or the gain or offset is too high; no setpoints are sent",
        "press the electrodes on; lower the gain; check that the amplifier rests at mid-supply",
    ),
    "channel_mains": Kind(
        BAD,
        "a channel carries little but mains hum",
        "an electrode or the reference has no contact; no setpoints are sent",
        "press the electrodes and the reference on, moisten the skin, run on batteries, keep chargers away",
    ),
    "channel_repeating": Kind(
        BAD,
        "a channel repeats the same samples",
        "the board sends an old buffer again and again; no setpoints are sent",
        "reset the board; if it happens again, flash the firmware again with `myobridge flash --again`",
    ),
    "channels_identical": Kind(
        BAD,
        "two channels show the same signal",
        "gel or a wire joins their electrodes, or one input is wired twice; no setpoints are sent",
        "dry the skin between the electrodes, check the wires, and [acquisition] inputs",
    ),
    "mains_high": Kind(
        WARNING,
        "a channel hums",
        "mains hum dominates at rest; with a little more, no setpoints are sent",
        "moisten the skin under the reference electrode, twist the leads, run on batteries, keep chargers away",
    ),
    "noise_high": Kind(
        WARNING,
        "a channel is noisy at rest",
        "small contractions drown in the noise, and the fingers tremble",
        "relax and measure again; press the electrodes on; fix the leads, and keep them away from the servo wires",
    ),
    "clench_clips": Kind(
        WARNING,
        "a channel reaches the ADC's limit in a clench",
        "clipped signals look the same for different poses",
        "lower the amplifier's gain",
    ),
    "signal_weak": Kind(
        WARNING,
        "a channel hardly changes in a clench",
        "the electrode lies beside the muscle or has poor contact, so it tells the network little",
        "move the electrode to the place where the muscle swells in a fist (hardware/ELECTRODES.md)",
    ),
    "no_signal": Kind(
        BAD,
        "no channel changes in a clench",
        "the electrodes pick up no muscle, or nobody clenched",
        "measure again with a firm fist; then check placement and gain (hardware/ELECTRODES.md)",
    ),
    # --- this computer
    "undervoltage": Kind(
        BAD,
        "the Pi's supply voltage is too low now",
        "the Pi slows down and may stop without warning",
        "use the Pi's own supply or a better cable; feed the servos from another supply",
    ),
    "throttled": Kind(
        WARNING,
        "the Pi is or was slowed down",
        "heat or a weak supply makes the Pi slow",
        "cool the Pi; use the Pi's own supply; `vcgencmd get_throttled` shows the cause",
    ),
    "cpu_governor": Kind(
        WARNING,
        "the processor saves power",
        "it wakes slowly, so some decisions are late",
        "`sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor <<< performance`",
    ),
    "inference_slow": Kind(
        WARNING,
        "the network takes more than half a hop",
        "under load, decisions are late or dropped",
        "set the governor to performance, cool the computer, or use a smaller model",
    ),
    "no_realtime": Kind(
        WARNING,
        "no permission for real-time scheduling",
        "under load, setpoints are late",
        "add `@dialout - rtprio 50` to /etc/security/limits.conf and log in again",
    ),
    "no_memlock": Kind(
        WARNING,
        "no permission to lock memory",
        "under memory pressure, setpoints are late",
        "add `@dialout - memlock unlimited` to /etc/security/limits.conf and log in again",
    ),
    "disk_low": Kind(
        WARNING,
        "little disk space is free here",
        "a recording ends when the disk is full",
        "free some space, or record to another disk",
    ),
    "onnxruntime_bad": Kind(
        BAD,
        "this onnxruntime is known to be bad",
        "version 1.21.0 crashes with SIGILL on Raspberry Pi 3 and 4",
        "`pip install 'onnxruntime!=1.21.0'`",
    ),
    "python_32bit": Kind(
        BAD,
        "this Python is a 32-bit program",
        "onnxruntime exists for 64-bit Python only",
        "install the 64-bit Raspberry Pi OS",
    ),
}
