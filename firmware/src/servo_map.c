#include "servo_map.h"

#include <assert.h>
#include <stdbool.h>

#define ONE UINT32_C(65536)

static_assert(2U * (PULSE_MAX_US - PULSE_MIN_US) * ONE / ANGLE_MAX_CDEG < 32767U, "a slope fits in 16 bits");

void servo_map_set(struct servo_map *map, const uint16_t *pulse_0_us, const uint16_t *pulse_180_us) {
    for (uint8_t i = 0; i < SERVOS; i++) {
        bool reversed = pulse_180_us[i] < pulse_0_us[i];
        uint16_t span = (uint16_t)(reversed ? pulse_0_us[i] - pulse_180_us[i] : pulse_180_us[i] - pulse_0_us[i]);
        int16_t slope = (int16_t)((2U * span * ONE + ANGLE_MAX_CDEG / 2U) / ANGLE_MAX_CDEG);
        map->slope[i] = (int16_t)(reversed ? -slope : slope);
        map->zero[i] = 2U * pulse_0_us[i] * ONE + ONE / 2U;
    }
}

uint16_t servo_map_pulse(const struct servo_map *map, uint8_t servo, uint16_t angle_cdeg) {
    int32_t travelled = (int32_t)map->slope[servo] * angle_cdeg;
    return (uint16_t)((map->zero[servo] + (uint32_t)travelled) >> 16);
}
