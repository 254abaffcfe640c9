/* The servo supply, through a divider, a hundred times a second. */
#include "avr.h"
#include "pins.h"

#define PERIOD_MS 10U
#define REFERENCE_MV 5000UL
#define FULL_SCALE_MV (REFERENCE_MV * (SUPPLY_UPPER_OHM + SUPPLY_LOWER_OHM) / SUPPLY_LOWER_OHM)
#define OPEN_CODE 820U /* 4 V: the pull-up, of 20 kohm at least, lifts a pin with a divider to 2.9 V at most */

#ifdef MUX5
#define SUPPLY_PORT PORTK
#else
#define SUPPLY_PORT PORTC
#endif
#define SUPPLY_BIT _BV(SUPPLY_INPUT & 7)

static bool fitted;
static uint16_t supply_mv;

/* A hand may have been built without the divider. Then the pull-up alone drives the pin. */
void supply_init(void) {
    uint16_t code;
    SUPPLY_PORT |= SUPPLY_BIT;
    (void)sampling_supply_now(&code); /* the pin settles */
    fitted = sampling_supply_now(&code) && code < OPEN_CODE;
    SUPPLY_PORT &= (uint8_t)~SUPPLY_BIT;
}

uint16_t board_capabilities(void) {
    return (uint16_t)(CAPABILITY_BUTTON | (fitted ? CAPABILITY_SUPPLY_SENSE : 0));
}

uint16_t board_supply_mv(void) {
    static uint8_t left_ms;
    uint16_t code;
    if (left_ms != 0U) {
        left_ms--;
    } else if (fitted && sampling_supply(&code)) {
        left_ms = PERIOD_MS - 1U;
        uint16_t now_mv = (uint16_t)(((uint32_t)code * FULL_SCALE_MV) >> 10);
        supply_mv = supply_mv == 0U ? now_mv : (uint16_t)(supply_mv - supply_mv / 4U + now_mv / 4U);
        supply_mv = supply_mv == 0U ? 1U : supply_mv; /* 0 would say that it is not measured */
    }
    return supply_mv;
}
