#include "servo_map.h"

#include <assert.h>
#include <stdbool.h>

#define ONE UINT32_C(65536)

static_assert(2U * (PULSE_MAX_US - PULSE_MIN_US) * ONE / ANGLE_MAX_CDEG < 32767U, "a slope fits in 16 bits");

int16_t servo_slope(uint16_t pulse_0_us, uint16_t pulse_180_us) {
    bool reversed = pulse_180_us < pulse_0_us;
    uint16_t span = (uint16_t)(reversed ? pulse_0_us - pulse_180_us : pulse_180_us - pulse_0_us);
    int16_t slope = (int16_t)((2U * span * ONE + ANGLE_MAX_CDEG / 2U) / ANGLE_MAX_CDEG);
    return (int16_t)(reversed ? -slope : slope);
}

uint16_t servo_pulse(uint16_t pulse_0_us, int16_t slope, uint16_t angle_cdeg) {
    uint32_t travelled = (uint32_t)((int32_t)slope * angle_cdeg) + ONE / 2U; /* half of one more to round */
    return (uint16_t)(2U * pulse_0_us + (travelled >> 16));
}
