#include "panel.h"

#include <assert.h>

/* ---- The button ---- */

bool button_tick(struct push_button *b, bool down) {
    if (down != b->down) {
        b->down = down;
        b->steady_ms = 0U;
        return false;
    }
    if (b->steady_ms == UINT16_MAX) {
        return false;
    }
    b->steady_ms++;
    if (b->pressed != down && b->steady_ms >= BUTTON_DEBOUNCE_MS) {
        b->pressed = down;
        b->presses = (uint8_t)(b->presses + (down ? 1U : 0U));
        return true;
    }
    return b->pressed && b->steady_ms == BUTTON_STUCK_MS;
}

uint8_t button_bits(const struct push_button *b) {
    bool stuck = b->pressed && b->steady_ms >= BUTTON_STUCK_MS;
    return (uint8_t)((b->pressed ? BUTTON_PRESSED : 0) | (stuck ? BUTTON_STUCK : 0));
}

/* ---- The LED ---- */

#define STEP_SHIFT 7U /* a step of a pattern is 128 ms */
#define STEPS 16U

/* Bit n: lit in step n. In the order of enum state. */
#define PATTERN_BOOT 0x0000U
#define PATTERN_DISARMED 0x0001U /* a short flash */
#define PATTERN_ARMED 0xFFFFU    /* on */
#define PATTERN_HOLD 0x5555U     /* fast */
#define PATTERN_RELAX 0x0F0FU    /* slow */
#define PATTERN_FAULT 0x0005U    /* two flashes */
#define PATTERN_ESTOP 0x0015U    /* three flashes */

static uint16_t pattern(uint8_t state) {
    switch (state) {
    case STATE_DISARMED:
        return PATTERN_DISARMED;
    case STATE_ARMED:
        return PATTERN_ARMED;
    case STATE_HOLD:
        return PATTERN_HOLD;
    case STATE_RELAX:
        return PATTERN_RELAX;
    case STATE_FAULT:
        return PATTERN_FAULT;
    case STATE_ESTOP:
        return PATTERN_ESTOP;
    default:
        return PATTERN_BOOT;
    }
}

bool led_lit(uint8_t state, uint32_t now_ms) {
    uint8_t step = (uint8_t)((uint16_t)now_ms >> STEP_SHIFT) % STEPS;
    return ((pattern(state) >> step) & 1U) != 0U;
}
