"""Where things stand on the wiring drawing, and the colours of its wires."""

from __future__ import annotations

from typing import Final

WIDTH: Final = 1120
HEIGHT: Final = 1010

POWER: Final = "#dc2626"
GROUND: Final = "#111827"
PULSE: Final = "#ea8a00"
EMG: Final = "#2563eb"
REFERENCE: Final = "#16a34a"
USB: Final = "#64748b"
RESET: Final = "#9333ea"

BOARD_LEFT: Final = 430
BOARD_RIGHT: Final = 610
BOARD_TOP: Final = 185
BOARD_BOTTOM: Final = 620
BOARD_GROUND_Y: Final = 572
AMPLIFIER_LEFT: Final = 235
AMPLIFIER_RIGHT: Final = 345
FIRST_INPUT_Y: Final = 272
INPUT_STEP: Final = 42
SERVO_LEFT: Final = 905
FIRST_SERVO_Y: Final = 240
SERVO_STEP: Final = 76
RAIL_6V_X: Final = 815
RAIL_GROUND_X: Final = 850
MAIN_Y: Final = 890
"""The line from battery to regulator; GROUND_Y its return."""
GROUND_Y: Final = 965
