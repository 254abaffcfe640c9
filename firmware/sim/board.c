/*
 * One board: NAME, its MCU, and its servo pins from the very header that the firmware compiles, PINS.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include PINS

#define PIN(finger, arduino_pin, port, bit, ...) {#port, bit},

static board_t board = {.name = NAME, .mcu = MCU, .servo_pins = {SERVO_PINS(PIN)}};

__attribute__((constructor)) static void join(void) { board_join(&board); }
