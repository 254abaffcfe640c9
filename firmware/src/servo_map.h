/* Angles to pulse widths, by each servo's two calibration points. */
#ifndef SERVO_MAP_H
#define SERVO_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

/* Pulse widths are in half microseconds: the resolution of a servo timer at 2 MHz. */
struct servo_map {
    uint16_t zero[SERVOS];   /* at 0 deg */
    uint16_t travel[SERVOS]; /* half us for each 65536 cdeg, at most 14564 */
    bool reversed[SERVOS];   /* the pulse gets shorter as the finger closes */
};

void servo_map_set(struct servo_map *map, const uint16_t *pulse_0_us, const uint16_t *pulse_180_us);

/* Error against the exact straight line: under 0.7 half us. */
uint16_t servo_map_pulse(const struct servo_map *map, uint8_t servo, uint16_t angle_cdeg);

#endif
