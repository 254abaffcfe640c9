#include "panel.h"

#include <assert.h>

#include "boards/flash.h"

/* ---- The button ---- */

#define SURE (BUTTON_DEBOUNCE_MS + 1U) /* so many looks, a millisecond apart, span button_debounce_ms */

static_assert(BUTTON_DEBOUNCE_MS < BUTTON_LONG_MS && BUTTON_LONG_MS < BUTTON_LONGEST_MS && BUTTON_LONGEST_MS < BUTTON_STUCK_MS,
              "a press grows through its lengths");
static_assert(SURE <= INT8_MAX, "level is a byte");

/* Interference cannot hold this back, as it would a wait for a steady contact: what counts is how much longer the contact
   is closed than open. Until it has been open for sure, the level begins in the middle. */
static void integrate(struct push_button *b, bool down) {
    bool known = b->seen_up || (b->bits & BUTTON_PRESSED) != 0U;
    if (down && b->level < (int8_t)SURE) {
        b->level++;
    } else if (!down && b->level > (known ? 0 : -(int8_t)SURE)) {
        b->level--;
    }
    if (b->level == -(int8_t)SURE) {
        b->seen_up = true;
        b->level = 0;
    }
}

static void pressed(struct push_button *b) {
    b->presses++;
    b->held_ms = BUTTON_DEBOUNCE_MS;
    b->bits = (uint8_t)(BUTTON_PRESSED | (b->seen_up ? 0 : BUTTON_STUCK | BUTTON_SPENT));
}

static void let_go(struct push_button *b) {
    b->seen_up = true;
    b->bits &= (uint8_t)~(BUTTON_PRESSED | BUTTON_STUCK);
}

/* A contact that opens for a moment does not end a press, so it does not shorten one. */
static uint8_t reached(struct push_button *b) {
    if ((b->bits & BUTTON_PRESSED) == 0U || b->held_ms == BUTTON_STUCK_MS) {
        return 0U;
    }
    b->held_ms++;
    switch (b->held_ms) {
    case BUTTON_LONG_MS:
        return BUTTON_LONG;
    case BUTTON_LONGEST_MS:
        return BUTTON_LONGEST;
    case BUTTON_STUCK_MS:
        return BUTTON_STUCK | BUTTON_SPENT;
    default:
        return 0U;
    }
}

bool button_tick(struct push_button *b, bool down) {
    integrate(b, down);
    bool was_pressed = (b->bits & BUTTON_PRESSED) != 0U;
    if (!was_pressed && b->level == (int8_t)SURE) {
        pressed(b);
        return true;
    }
    if (was_pressed && b->level == 0) {
        let_go(b);
        return true;
    }
    uint8_t length = reached(b);
    b->bits |= length;
    return length != 0U;
}

/* ---- The LED ---- */

#define STEP_SHIFT 7U /* a step of a pattern is 128 ms */
#define STEPS 16U

/* Bit n: lit in step n; the low byte first. In the order of enum state and enum light. */
static const uint8_t PATTERNS[][STEPS / 8U] IN_FLASH = {
    {0x00, 0x00}, /* BOOT: dark */
    {0x01, 0x00}, /* DISARMED: a short flash */
    {0xFF, 0xFF}, /* ARMED: on */
    {0x55, 0x55}, /* HOLD: fast */
    {0x0F, 0x0F}, /* RELAX: slow */
    {0x05, 0x00}, /* FAULT: two flashes */
    {0x15, 0x00}, /* ESTOP: three flashes */
    {0x77, 0x77}, /* acting: on, with short gaps */
    {0x00, 0x00}, /* a short press: dark, so it is seen */
    {0x11, 0x11}, /* a long one: flashes */
    {0x55, 0x55}, /* the longest: fast */
};
static_assert(sizeof PATTERNS == (LIGHT_LONGEST + 1U) * (STEPS / 8U), "a pattern for each light");

uint8_t panel_light(const struct push_button *b, uint8_t state, uint8_t permission) {
    if ((b->bits & (BUTTON_PRESSED | BUTTON_SPENT)) == BUTTON_PRESSED) {
        return (b->bits & BUTTON_LONGEST) != 0U ? LIGHT_LONGEST : (b->bits & BUTTON_LONG) != 0U ? LIGHT_LONG : LIGHT_SHORT;
    }
    return state == STATE_ARMED && permission == PERMISSION_GUIDE ? LIGHT_ACTING : state;
}

bool led_lit(uint8_t light, uint32_t now_ms) {
    uint8_t step = (uint8_t)((uint16_t)now_ms >> STEP_SHIFT) % STEPS;
    uint8_t lit = flash_u8(&PATTERNS[light][step / 8U]);
    return (lit & (1U << (step % 8U))) != 0U;
}
