"""The faults that a hand must survive, done to the real firmware.

The numbers are those of the list in firmware/SAFETY.md; faults that only a host can see (16 to 18) are not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim_faults_board import (
    converter_stalls,
    eeprom_stalls,
    estop_in_any_state,
    index_and_clock_wrap,
    interrupt_hangs,
    loop_hangs,
    reset_in_mid_motion,
)
from sim_faults_host import (
    config_while_armed_or_too_much,
    host_killed,
    host_stopped_300_ms,
    line_overloaded,
    pings_at_line_rate,
    pings_without_setpoints,
    protocols_differ,
    unplugged_and_replugged,
)
from sim_faults_wire import (
    bit_flips,
    burst_lost,
    endless_non_zero_bytes,
    impossible_angle,
    old_setpoint_replayed,
    steps_at_200_hz,
    unknown_type_and_wrong_length,
)
from sim_moving import Outcome

FAULTS: Final[dict[str, tuple[str, Callable[[str], Outcome]]]] = {
    "1": ("host killed while moving", host_killed),
    "2": ("host stopped for 300 ms", host_stopped_300_ms),
    "3": ("PINGs but no setpoints", pings_without_setpoints),
    "4": ("unplugged and replugged in mid-grip", unplugged_and_replugged),
    "5": ("bit flips at 1e-4", bit_flips),
    "6": ("300-byte burst lost", burst_lost),
    "7": ("endless non-zero bytes", endless_non_zero_bytes),
    "8": ("valid CRC, angle 65535", impossible_angle),
    "9": ("valid CRC, unknown type or wrong length", unknown_type_and_wrong_length),
    "10": ("0 to 180 deg steps at 200 Hz", steps_at_200_hz),
    "11": ("old setpoint replayed", old_setpoint_replayed),
    "12a": ("main loop hangs", loop_hangs),
    "12b": ("interrupt hangs", interrupt_hangs),
    "12c": ("converter stalls", converter_stalls),
    "12d": ("EEPROM stalls", eeprom_stalls),
    "13": ("reset in mid-motion", reset_in_mid_motion),
    "14": ("protocol hashes differ", protocols_differ),
    "15": ("CONFIG while armed, or overloading the link", config_while_armed_or_too_much),
    "19a": ("PINGs and EMG beyond what the line carries", line_overloaded),
    "19b": ("PINGs at line rate", pings_at_line_rate),
    "20a": ("index and clock wrap", index_and_clock_wrap),
    "20b": ("ESTOP in any state", estop_in_any_state),
}
