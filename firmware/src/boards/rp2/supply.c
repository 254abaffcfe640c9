/* The servo supply, through a divider on the last analogue input, a hundred times a second. A board has few inputs, so the
   divider is an option: a wire from the strap's pin to GND says that it is fitted. */
#include "rp2.h"
#include "pins.h"

#define PERIOD_MS 10U
#define REFERENCE_MV 3300UL
#define FULL_SCALE_MV (REFERENCE_MV * (SUPPLY_UPPER_OHM + SUPPLY_LOWER_OHM) / SUPPLY_LOWER_OHM)
#define CODE_BITS 12U

static bool fitted;
static uint16_t supply_mv;

void supply_init(void) {
    uint16_t code;
    adc_pin(SUPPLY_INPUT);
    PIN_PAD(SUPPLY_STRAP_PIN) = PAD_INPUT_PULLED_UP;
    PIN_FUNCTION(SUPPLY_STRAP_PIN) = FUNCTION_SIO;
    uint32_t began_us = board_clock_us();
    while (board_clock_us() - began_us < 100U) { /* the pull-up lifts the pin */
    }
    fitted = (GPIO_IN & BIT(SUPPLY_STRAP_PIN)) == 0U && adc_convert_now(SUPPLY_INPUT, &code);
}

bool supply_fitted(void) {
    return fitted;
}

uint16_t board_capabilities(void) {
    return (uint16_t)(CAPABILITY_BUTTON | sampling_capabilities() | (fitted ? CAPABILITY_SUPPLY_SENSE : 0));
}

static bool newest_code(uint16_t *code) {
    return sampling_runs() ? sampling_supply(code) : adc_convert_now(SUPPLY_INPUT, code);
}

uint16_t board_supply_mv(void) {
    static uint8_t left_ms;
    uint16_t code;
    if (left_ms != 0U) {
        left_ms--;
    } else if (fitted && newest_code(&code)) {
        left_ms = PERIOD_MS - 1U;
        uint16_t now_mv = (uint16_t)((code * FULL_SCALE_MV) >> CODE_BITS);
        supply_mv = supply_mv == 0U ? now_mv : (uint16_t)(supply_mv - supply_mv / 4U + now_mv / 4U);
        supply_mv = supply_mv == 0U ? 1U : supply_mv; /* 0 would say that it is not measured */
    }
    return supply_mv;
}
