/* Angles to pulse widths, by each servo's two calibration points. */
#ifndef SERVO_MAP_H
#define SERVO_MAP_H

#include <stdint.h>

#include "messages.h"

/* Pulse widths are in half microseconds: the resolution of a servo timer at 2 MHz. */
struct servo_map {
    uint32_t zero[SERVOS]; /* at 0 deg, in 1/65536 half us, and half of one more to round */
    int16_t slope[SERVOS]; /* 1/65536 half us for each cdeg, at most 14564; negative where closing shortens the pulse */
};

void servo_map_set(struct servo_map *map, const uint16_t *pulse_0_us, const uint16_t *pulse_180_us);

/* Error against the exact straight line: under 0.7 half us. */
uint16_t servo_map_pulse(const struct servo_map *map, uint8_t servo, uint16_t angle_cdeg);

#endif
