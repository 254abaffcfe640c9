"""Where things stand on the wiring drawing, and the colours of its wires."""

from __future__ import annotations

from typing import Final

WIDTH: Final = 1120
HEIGHT: Final = 1150

POWER: Final = "#dc2626"
GROUND: Final = "#111827"
PULSE: Final = "#ea8a00"
SIGNAL: Final = "#2563eb"
REFERENCE: Final = "#16a34a"
USB: Final = "#64748b"
RESET: Final = "#9333ea"

BOARD_LEFT: Final = 430
BOARD_RIGHT: Final = 610
BOARD_TOP: Final = 185
BOARD_BOTTOM: Final = 740
SUPPLY_INPUT_Y: Final = 578
BOARD_GROUND_Y: Final = 624
VIN_Y: Final = 668
LED_Y: Final = 646
BUTTON_Y: Final = 696
RESET_X: Final = 485
RESET_GROUND_X: Final = 550

AMPLIFIER_LEFT: Final = 222
AMPLIFIER_RIGHT: Final = 334
PLUS_X: Final = 352
MINUS_X: Final = 372
"""The amplifiers' supply."""
MARK_X: Final = 401
FIRST_INPUT_Y: Final = 272
INPUT_STEP: Final = 42

SERVO_LEFT: Final = 905
FIRST_SERVO_Y: Final = 240
SERVO_STEP: Final = 76
RAIL_6V_X: Final = 815
RAIL_GROUND_X: Final = 850

FUSED_X: Final = 330
"""Behind the fuse: here the coil and the board's regulator branch off."""
MAIN_Y: Final = 1020
"""The line from battery to regulator; GROUND_Y its return."""
GROUND_Y: Final = 1095
