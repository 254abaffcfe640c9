/* Arithmetic with angles in cdeg. */
#ifndef ANGLES_H
#define ANGLES_H

#include <stdbool.h>
#include <stdint.h>

static inline uint16_t at_most(uint16_t value, uint16_t high) {
    return value > high ? high : value;
}

static inline uint16_t within(uint16_t value, uint16_t low, uint16_t high) {
    return value < low ? low : at_most(value, high);
}

static inline uint16_t toward(uint16_t from, uint16_t to, uint16_t step) {
    return within(to, (uint16_t)(from - at_most(step, from)), (uint16_t)(from + step));
}

static inline bool near_pose(const uint16_t *a, const uint16_t *b, uint8_t servo, uint16_t window_cdeg) {
    uint16_t apart = (uint16_t)(a[servo] > b[servo] ? a[servo] - b[servo] : b[servo] - a[servo]);
    return apart <= window_cdeg;
}

#endif
