#include "servo_map.h"

#include <assert.h>

static_assert(2U * (PULSE_MAX_US - PULSE_MIN_US) * 65536UL / ANGLE_MAX_CDEG < 65535UL, "travel fits in 16 bits");

void servo_map_set(struct servo_map *map, const uint16_t *pulse_0_us, const uint16_t *pulse_180_us) {
    for (uint8_t i = 0; i < SERVOS; i++) {
        uint16_t from = pulse_0_us[i];
        uint16_t to = pulse_180_us[i];
        map->reversed[i] = to < from;
        uint16_t span = (uint16_t)(2U * (uint16_t)(map->reversed[i] ? from - to : to - from));
        map->zero[i] = (uint16_t)(2U * from);
        map->travel[i] = (uint16_t)((span * 65536UL + ANGLE_MAX_CDEG / 2U) / ANGLE_MAX_CDEG);
    }
}

uint16_t servo_map_pulse(const struct servo_map *map, uint8_t servo, uint16_t angle_cdeg) {
    uint16_t travelled = (uint16_t)(((uint32_t)map->travel[servo] * angle_cdeg + 32768UL) >> 16);
    return (uint16_t)(map->reversed[servo] ? map->zero[servo] - travelled : map->zero[servo] + travelled);
}
