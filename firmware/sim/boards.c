/*
 * The boards. Their servo pins come from the very headers that the firmware compiles.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <string.h>

#define PIN(finger, arduino_pin, port, bit, ...) {#port, bit},

#include "boards/mega2560/pins.h"
static const pin_t mega2560_servos[SERVO_COUNT] = {SERVO_PINS(PIN)};

#undef PINS_H
#undef SERVO_PINS
#undef EMG_INPUTS
#undef SUPPLY_INPUT
#undef SUPPLY_UPPER_OHM
#undef SUPPLY_LOWER_OHM
#undef LED_PIN
#undef BUTTON_PIN
#include "boards/uno/pins.h"
static const pin_t uno_servos[SERVO_COUNT] = {SERVO_PINS(PIN)};

static const board_t boards[] = {
    {"mega2560", "atmega2560", mega2560_servos},
    {"uno", "atmega328p", uno_servos},
};

const board_t *board_find(const char *name) {
    for (size_t i = 0; i < sizeof boards / sizeof boards[0]; i++) {
        if (strcmp(boards[i].name, name) == 0) {
            return &boards[i];
        }
    }
    return NULL;
}
