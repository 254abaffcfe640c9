/* Angles to pulse widths, by each servo's two calibration points. */
#ifndef SERVO_MAP_H
#define SERVO_MAP_H

#include <stdint.h>

#include "messages.h"

/* What a pulse grows by for each cdeg, in 1/65536 half us: at most 14564; negative where closing shortens the pulse. */
int16_t servo_slope(uint16_t pulse_0_us, uint16_t pulse_180_us);

/* The pulse for an angle, in half us: the resolution of a servo timer at 2 MHz. Error against the exact straight line: under
   0.7 half us. */
uint16_t servo_pulse(uint16_t pulse_0_us, int16_t slope, uint16_t angle_cdeg);

#endif
