/* The compiler's package brings no C library, and these three are all that the firmware needs of one. */
#include <stdint.h>
#include <string.h>

#define CALLED_BY_COMPILER __attribute__((used)) /* after link-time optimisation has looked for callers */

CALLED_BY_COMPILER void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    uint8_t *a = to;
    const uint8_t *b = from;
    while (count-- != 0U) {
        *a++ = *b++;
    }
    return to;
}

CALLED_BY_COMPILER void *memset(void *to, int byte, size_t count) {
    uint8_t *a = to;
    while (count-- != 0U) {
        *a++ = (uint8_t)byte;
    }
    return to;
}

CALLED_BY_COMPILER int memcmp(const void *a, const void *b, size_t count) {
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (; count != 0U; count--, x++, y++) {
        if (*x != *y) {
            return *x - *y;
        }
    }
    return 0;
}
